/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: literals and {column} or {column:%pattern} placeholders. A template is a list of
 * parts, immutable, for any thread. */
#include "data/data.h"

#include <string.h>

struct part {
    struct part *next;
    const char *literal; /* NULL: a placeholder */
    const char *column;
    const char *pattern; /* time pattern, or NULL */
};

struct sluice_template {
    struct part *first;
    size_t column_count;
};

struct parsing {
    struct arena *arena;
    const char *text;
    struct sluice_template *made;
    struct part **end;
    struct text literal; /* of the part in the making */
    struct sluice_error *error;
};

static bool fail_memory_of(struct parsing *parsing)
{
    error_set(parsing->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY, "no memory for a template");
    return false;
}

static bool fail_at(struct parsing *parsing, const char *at, const char *reason)
{
    error_set(parsing->error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
              "template `%s`, character %zu: %s", parsing->text, (size_t)(at - parsing->text) + 1,
              reason);
    return false;
}

static struct part *add_part(struct parsing *parsing)
{
    struct part *part = arena_alloc(parsing->arena, sizeof(*part));
    if (part) {
        *parsing->end = part;
        parsing->end = &part->next;
    }
    return part;
}

static bool close_literal(struct parsing *parsing)
{
    if (parsing->literal.size == 0 && !parsing->literal.has_failed) {
        return true;
    }
    struct part *part = parsing->literal.has_failed ? NULL : add_part(parsing);
    if (part) {
        part->literal = arena_copy(parsing->arena, parsing->literal.data, parsing->literal.size);
    }
    text_clear(&parsing->literal);
    return (part && part->literal) || fail_memory_of(parsing);
}

/* *at stands behind the opening brace, and is left behind the closing one. */
static bool parse_placeholder(struct parsing *parsing, const char **at)
{
    const char *start = *at;
    const char *end = start + strcspn(start, "{}");
    if (*end != '}') {
        return fail_at(parsing, start - 1, "this brace is not closed (`{{` writes a brace)");
    }
    const char *colon = memchr(start, ':', (size_t)(end - start));
    const char *name_end = colon ? colon : end;
    if (name_end == start) {
        return fail_at(parsing, start, "a column name is missing");
    }
    if (!close_literal(parsing)) {
        return false;
    }
    struct part *part = add_part(parsing);
    if (!part) {
        return fail_memory_of(parsing);
    }
    part->column = arena_copy(parsing->arena, start, (size_t)(name_end - start));
    part->pattern = colon ? arena_copy(parsing->arena, colon + 1, (size_t)(end - colon - 1)) : NULL;
    if (!part->column || (colon && !part->pattern)) {
        return fail_memory_of(parsing);
    }
    if (colon && colon + 1 == end) {
        return fail_at(parsing, colon, "a time pattern is missing");
    }
    struct text sample = {0};
    bool is_known = !colon || time_print(part->pattern, 0, &sample);
    text_reset(&sample);
    if (!is_known) {
        return fail_at(parsing, colon + 1,
                       "the pattern may hold %Y %m %d %H %M %S %j %F %T %s %% only");
    }
    parsing->made->column_count++;
    *at = end + 1;
    return true;
}

static bool parse_parts(struct parsing *parsing)
{
    for (const char *at = parsing->text; *at != '\0';) {
        if ((at[0] == '{' || at[0] == '}') && at[1] == at[0]) {
            text_append_char(&parsing->literal, *at);
            at += 2;
        } else if (*at == '{') {
            at++;
            if (!parse_placeholder(parsing, &at)) {
                return false;
            }
        } else if (*at == '}') {
            return fail_at(parsing, at, "this brace was not opened (`}}` writes a brace)");
        } else {
            text_append_char(&parsing->literal, *at++);
        }
    }
    return close_literal(parsing);
}

struct sluice_template *template_parse(struct arena *arena, const char *text,
                                       struct sluice_error *error)
{
    struct parsing parsing = {.arena = arena, .text = text, .error = error};
    parsing.made = arena_alloc(arena, sizeof(*parsing.made));
    if (!parsing.made) {
        fail_memory_of(&parsing);
        return NULL;
    }
    parsing.end = &parsing.made->first;
    bool is_good = parse_parts(&parsing);
    text_reset(&parsing.literal);
    return is_good ? parsing.made : NULL;
}

/* ---- questions ---- */

size_t template_column_count(const struct sluice_template *template_)
{
    return template_->column_count;
}

static const struct part *find_placeholder(const struct sluice_template *template_, size_t index)
{
    const struct part *part = template_->first;
    for (; part; part = part->next) {
        if (part->column && index-- == 0) {
            break;
        }
    }
    return part;
}

const char *template_column(const struct sluice_template *template_, size_t index)
{
    const struct part *part = find_placeholder(template_, index);
    return part ? part->column : NULL;
}

const char *template_column_pattern(const struct sluice_template *template_, size_t index)
{
    const struct part *part = find_placeholder(template_, index);
    return part ? part->pattern : NULL;
}

bool template_ends(const struct sluice_template *template_, struct sluice_string *prefix,
                   struct sluice_string *suffix)
{
    const struct part *first = template_->first;
    const struct part *last = first;
    while (last && last->next) {
        last = last->next;
    }
    bool is_literal = template_->column_count == 0;
    const char *head = first && first->literal ? first->literal : "";
    const char *tail = last && last->literal && !is_literal ? last->literal : "";
    *prefix = (struct sluice_string){head, strlen(head)};
    *suffix = (struct sluice_string){tail, strlen(tail)};
    return is_literal;
}

/* ---- rendering ---- */

static bool is_unsafe(unsigned char byte, bool is_first, bool is_text)
{
    return byte == '/' || byte == '\\' || byte == '%' || byte < 0x20 || byte == 0x7F ||
           (is_first && byte == '.') || (!is_text && byte >= 0x80);
}

/* Rewrites what stands behind `start` with %XX for bytes that could lead out of the folder. */
static void escape_path(struct text *text, size_t start, bool is_text)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t size = text->size - start;
    const unsigned char *bytes = (const unsigned char *)text_get(text) + start;
    bool has_unsafe = false;
    for (size_t i = 0; i < size && !has_unsafe; i++) {
        has_unsafe = is_unsafe(bytes[i], i == 0, is_text);
    }
    if (!has_unsafe) {
        return;
    }
    struct text value = {0};
    text_append_bytes(&value, text->data + start, size);
    text->size = start;
    text->has_failed |= value.has_failed;
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if (is_unsafe(byte, i == 0, is_text)) {
            const char escaped[] = {'%', hex[byte >> 4], hex[byte & 15]};
            text_append_bytes(text, escaped, sizeof(escaped));
        } else {
            text_append_char(text, (char)byte);
        }
    }
    text_reset(&value);
}

static enum sluice_status render_value(const struct part *part, const struct sluice_batch *batch,
                                       int64_t row, bool is_path, struct text *text,
                                       struct sluice_error *error)
{
    int index = batch_find(batch, part->column);
    struct sluice_column column = {0};
    if (index >= 0) {
        batch_column(batch, index, &column);
    }
    if (index < 0 || (part->pattern && column.type != SLUICE_TYPE_TIMESTAMP)) {
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                         index < 0 ? "the template's column `%s` is not in the batch"
                                   : "the template's column `%s` is not a timestamp",
                         part->column);
    }
    if (sluice_column_is_null(&column, row)) {
        error_set(error, SLUICE_REJECT, SLUICE_CODE_FIELD_MISSING,
                  "column `%s` is null, and the template needs it", part->column);
        error_set_field(error, SLUICE_AT_COLUMN, "%s", part->column);
        return SLUICE_REJECT;
    }
    size_t start = text->size;
    if (part->pattern) {
        time_print(part->pattern, sluice_column_int64(&column, row), text);
        return SLUICE_OK; /* its slashes are the author's */
    }
    format_value(&column, row, text);
    if (is_path) {
        escape_path(text, start, column.type != SLUICE_TYPE_BINARY);
    }
    return SLUICE_OK;
}

enum sluice_status template_render(const struct sluice_template *template_,
                                   const struct sluice_batch *batch, int64_t row, bool is_path,
                                   struct text *text, struct sluice_error *error)
{
    for (const struct part *part = template_->first; part; part = part->next) {
        if (part->literal) {
            text_append(text, part->literal);
            continue;
        }
        enum sluice_status status = render_value(part, batch, row, is_path, text, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return text->has_failed ? error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                                        "no memory for a template's text")
                            : SLUICE_OK;
}
