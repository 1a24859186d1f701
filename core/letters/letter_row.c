/* SPDX-License-Identifier: Apache-2.0 */
/* A letter as the row that it was: the other way of format_row_json(). */
#include "letters/letter_line.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

/* As runtime/dead_letter.c cuts an original: what is as long may have been longer. */
enum { ORIGINAL_LIMIT = 1 << 20 };

bool letter_is_whole(const struct letter *letter)
{
    if (letter->original.size >= ORIGINAL_LIMIT)
        return false;
    /* A record that a source gave up on: it has its beginning, or the rest of a damaged file. */
    bool is_given_up = letter->code && (strcmp(letter->code, "record_too_long") == 0 ||
                                        strcmp(letter->code, "compression_corrupt") == 0);
    return letter->original_column || letter->other_columns || !is_given_up;
}

static bool append_special_float(struct sluice_builder *builder, int column, const char *text)
{
    double value = strcmp(text, "NaN") == 0         ? (double)NAN
                   : strcmp(text, "Infinity") == 0  ? (double)INFINITY
                   : strcmp(text, "-Infinity") == 0 ? (double)-INFINITY
                                                    : 0.0;
    return value != 0.0 && builder_float64(builder, column, value) == SLUICE_OK;
}

static bool append_text(struct sluice_builder *builder, int column,
                        const struct sluice_field *field, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    struct text bytes = {0};
    int64_t time_us = 0;
    bool is_done = false;
    switch (field->type) {
    case SLUICE_TYPE_STRING:
        return builder_string(builder, column, text, size) == SLUICE_OK;
    case SLUICE_TYPE_BINARY:
        is_done = base64_decode(text, size, &bytes) &&
                  builder_string(builder, column, text_get(&bytes), bytes.size) == SLUICE_OK;
        text_reset(&bytes);
        return is_done;
    case SLUICE_TYPE_TIMESTAMP:
        return time_format_parse(time_format_default(), text, size, &time_us) &&
               builder_int64(builder, column, time_us) == SLUICE_OK;
    case SLUICE_TYPE_FLOAT64:
        return append_special_float(builder, column, text);
    case SLUICE_TYPE_NONE:
    case SLUICE_TYPE_BOOL:
    case SLUICE_TYPE_INT64:
        return false;
    }
    return false;
}

static bool append_value(struct sluice_builder *builder, int column,
                         const struct sluice_field *field, const json_t *value)
{
    if (!value || json_is_null(value))
        return !field->is_required && builder_null(builder, column) == SLUICE_OK;
    if (json_is_string(value))
        return append_text(builder, column, field, value);
    if (field->type == SLUICE_TYPE_BOOL)
        return json_is_boolean(value) &&
               builder_bool(builder, column, json_is_true(value)) == SLUICE_OK;
    if (field->type == SLUICE_TYPE_INT64)
        return json_is_integer(value) &&
               builder_int64(builder, column, json_integer_value(value)) == SLUICE_OK;
    return field->type == SLUICE_TYPE_FLOAT64 && json_is_number(value) &&
           builder_float64(builder, column, json_number_value(value)) == SLUICE_OK;
}

static bool append_original(struct sluice_builder *builder, int column,
                            const struct sluice_field *field, const struct letter *letter)
{
    bool fits = field->type == SLUICE_TYPE_BINARY ||
                (field->type == SLUICE_TYPE_STRING && !letter->is_binary);
    return fits && builder_string(builder, column, letter->original.bytes,
                                  letter->original.size) == SLUICE_OK;
}

/* The object with the row's columns; NULL where the row is the original's column alone. */
static json_t *read_columns(const struct letter *letter, bool *is_readable)
{
    const char *bytes = letter->other_columns;
    size_t size = bytes ? strlen(bytes) : 0;
    *is_readable = true;
    if (!bytes && letter->original_column)
        return NULL;
    if (!bytes) {
        bytes = letter->original.bytes;
        size = letter->original.size;
    }
    json_t *object = json_loadb(bytes, size, JSON_ALLOW_NUL, NULL);
    *is_readable = json_is_object(object);
    return object;
}

static bool append_fields(const struct letter *letter, const struct sluice_schema *schema,
                          const json_t *columns, struct sluice_builder *builder, struct text *why)
{
    bool has_original = !letter->original_column;
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(schema, i);
        bool is_original =
            letter->original_column && strcmp(letter->original_column, field->name) == 0;
        has_original = has_original || is_original;
        bool is_done = is_original
                           ? append_original(builder, (int)i, field, letter)
                           : append_value(builder, (int)i, field,
                                          json_object_get(columns, field->name));
        if (is_done)
            continue;
        text_printf(why, "column `%s`, which step `%s` reads now, is not in it as %s", field->name,
                    letter->step, type_name(field->type));
        return false;
    }
    if (!has_original)
        text_printf(why, "step `%s` no longer reads the column `%s`", letter->step,
                    letter->original_column);
    return has_original;
}

bool letter_append_row(const struct letter *letter, const struct sluice_schema *schema,
                       struct sluice_builder *builder, struct text *why)
{
    bool is_readable = false;
    json_t *columns = read_columns(letter, &is_readable);
    bool is_done = is_readable;
    if (!is_readable)
        text_append(why, "its row cannot be read: it was cut off or changed");
    if (is_done)
        is_done = append_fields(letter, schema, columns, builder, why);
    json_decref(columns);
    if (is_done &&
        ((letter->origin &&
          builder_origin(builder, letter->origin, (int32_t)letter->partition) != SLUICE_OK) ||
         builder_end_row(builder, letter->position) != SLUICE_OK)) {
        text_append(why, "no memory for its row");
        is_done = false;
    }
    if (!is_done)
        builder_drop_row(builder);
    return is_done;
}
