/* SPDX-License-Identifier: Apache-2.0 */
/* Short ways for tests to make batches, to drive a transform with them and to read its answer. */
#include "test_host/test_host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Where `mark` occurs in text, its rest is cut off and returned. */
static char *cut_at(char *text, char mark)
{
    char *found = strchr(text, mark);
    if (!found) {
        return NULL;
    }
    *found = '\0';
    return found + 1;
}

static void read_field(struct test_host *test, const char *text, struct sluice_field *field)
{
    char *name = arena_copy(test->arena, text, strlen(text));
    field->default_text = cut_at(name, '=');
    field->path = cut_at(name, '@');
    char *format = cut_at(name, '%');
    char *type = cut_at(name, ':');
    field->is_required = cut_at(type, '!') != NULL;
    field->name = name;
    field->type = type_by_name(type);
    if (field->type == SLUICE_TYPE_TIMESTAMP) {
        field->time_format = time_format_create(test->arena, format, NULL, test->error);
        assert(field->time_format);
    }
}

const struct sluice_schema *test_schema(struct test_host *test, ...)
{
    enum { MOST_FIELDS = 16 };
    struct sluice_field *fields = arena_alloc(test->arena, MOST_FIELDS * sizeof *fields);
    struct sluice_schema *schema = arena_alloc(test->arena, sizeof *schema);
    size_t count = 0;
    va_list arguments;
    va_start(arguments, test);
    for (const char *text = va_arg(arguments, const char *); text;
         text = va_arg(arguments, const char *)) {
        assert(count < MOST_FIELDS);
        read_field(test, text, &fields[count++]);
    }
    va_end(arguments);
    *schema = (struct sluice_schema){sizeof *fields, count, fields};
    return schema;
}

const char *test_row(struct test_host *test, const struct sluice_batch *batch, int64_t row)
{
    struct text text = {0};
    for (size_t i = 0; i < batch_schema(batch)->field_count; i++) {
        struct sluice_column column;
        batch_column(batch, (int)i, &column);
        text_append(&text, i > 0 ? "|" : "");
        if (sluice_column_is_null(&column, row)) {
            text_append(&text, "~");
        } else {
            format_value(&column, row, &text);
        }
    }
    char *copy = arena_copy(test->arena, text_get(&text), text.size);
    text_reset(&text);
    return copy;
}

const struct sluice_schema *test_coded_schema(struct test_host *test,
                                              const struct sluice_schema *plain)
{
    struct sluice_field *fields = arena_alloc(test->arena, plain->field_count * sizeof *fields);
    struct sluice_schema *schema = arena_alloc(test->arena, sizeof *schema);
    for (size_t i = 0; i < plain->field_count; i++) {
        fields[i] = *sluice_schema_field(plain, i);
        fields[i].is_dictionary = fields[i].type == SLUICE_TYPE_STRING;
    }
    *schema = (struct sluice_schema){sizeof *fields, plain->field_count, fields};
    return schema;
}

const struct sluice_schema *test_kept_schema(struct test_host *test,
                                             const struct sluice_schema *all, const bool *keep)
{
    struct sluice_field *fields = arena_alloc(test->arena, all->field_count * sizeof *fields);
    struct sluice_schema *schema = arena_alloc(test->arena, sizeof *schema);
    *schema = (struct sluice_schema){sizeof *fields, 0, fields};
    for (size_t i = 0; i < all->field_count; i++) {
        if (keep[i]) {
            fields[schema->field_count++] = *sluice_schema_field(all, i);
        }
    }
    return schema;
}

enum sluice_status test_plan(struct test_host *test, const struct sluice_transform *transform,
                             const void *options, const struct sluice_schema *input)
{
    test->input_schema = input;
    enum sluice_status status =
        transform->plan(&test->host, options, test_host_planning(test), test->error);
    test->output_schema = test->planned;
    return status;
}

enum sluice_status test_process(struct test_host *test, const struct sluice_transform *transform,
                                void *instance, struct sluice_batch *batch, int sender)
{
    if (!batch) {
        return SLUICE_OK;
    }
    struct sluice_batch *sent;
    enum sluice_status status = batch_with_sender(batch, sender, &sent, test->error);
    assert(status == SLUICE_OK);
    status = transform->process(instance, sent, test->error);
    batch_release(sent);
    batch_release(batch);
    return status;
}

struct sluice_batch *test_finish(struct test_host *test, struct sluice_builder *builder)
{
    struct sluice_batch *batch;
    enum sluice_status status = builder_finish(builder, &batch, test->error);
    assert(status == SLUICE_OK);
    (void)status;
    return batch;
}

static int compare_lines(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

char *test_sort_lines(char *text)
{
    size_t count = 0;
    for (const char *at = text; *at; at++)
        count += *at == '\n';
    char **lines = calloc(count + 1, sizeof(*lines));
    assert(lines);
    size_t line = 0;
    for (char *rest = NULL, *at = strtok_r(text, "\n", &rest); at; at = strtok_r(NULL, "\n", &rest))
        lines[line++] = at;
    qsort(lines, line, sizeof(*lines), compare_lines);
    struct text sorted = {0};
    for (size_t i = 0; i < line; i++)
        text_printf(&sorted, "%s\n", lines[i]);
    free(lines);
    return sorted.data;
}

uint32_t test_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*state >> 33);
}

char *test_rows(struct test_host *test, bool is_sorted)
{
    size_t count = 0;
    for (size_t i = 0; i < test->emitted_count; i++)
        count += (size_t)batch_rows(test->emitted[i]);
    const char **lines = calloc(count + 1, sizeof(*lines));
    assert(lines);
    size_t line = 0;
    for (size_t i = 0; i < test->emitted_count; i++) {
        for (int64_t row = 0; row < batch_rows(test->emitted[i]); row++)
            lines[line++] = test_row(test, test->emitted[i], row);
    }
    if (is_sorted)
        qsort(lines, count, sizeof(*lines), compare_lines);
    struct text text = {0};
    for (size_t i = 0; i < count; i++) {
        text_append(&text, lines[i]);
        text_append_char(&text, '\n');
    }
    char *rows = arena_copy(test->arena, text_get(&text), text.size);
    text_reset(&text);
    free(lines);
    return rows;
}
