/* SPDX-License-Identifier: Apache-2.0 */
/* See the header. The dictionaries and the property are the test program's one run of a flow. */
#include "keyed_host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct account dictionary_account;
static struct dictionary_set *dictionaries;
static const char *clustered_column;

void keyed_dictionaries_create(int64_t cap_entries)
{
    account_init(&dictionary_account, 0, NULL);
    dictionaries = dictionary_set_create(&dictionary_account, cap_entries, 64 << 20);
    assert(dictionaries);
}

void keyed_dictionaries_destroy(void)
{
    dictionary_set_destroy(dictionaries);
    dictionaries = NULL;
    clustered_column = NULL;
}

void keyed_host_cluster(const char *column)
{
    clustered_column = column;
}

static enum sluice_status host_builder_create(sluice_host_ref host,
                                              const struct sluice_schema *schema,
                                              struct sluice_builder **builder,
                                              struct sluice_error *error)
{
    return builder_create(&test_host_of(host)->account, dictionaries, schema, builder, error);
}

static enum sluice_status host_reserve(sluice_host_ref host, struct sluice_builder *builder,
                                       int column, int64_t rows, size_t bytes,
                                       struct sluice_raw_column *raw)
{
    (void)host;
    return builder_reserve(builder, column, rows, bytes, raw);
}

static enum sluice_status host_commit(sluice_host_ref host, struct sluice_builder *builder,
                                      int column, int64_t rows, size_t bytes, int64_t null_count)
{
    (void)host;
    return builder_commit(builder, column, rows, bytes, null_count);
}

static int host_sender(sluice_host_ref host, const struct sluice_batch *batch)
{
    (void)host;
    return batch_sender(batch);
}

static enum sluice_status host_dictionary_get(sluice_host_ref host, const char *column,
                                              struct sluice_dictionary **dictionary,
                                              struct sluice_error *error)
{
    (void)host;
    return dictionary_get(dictionaries, column, dictionary, error);
}

static int32_t host_dictionary_code(sluice_host_ref host, struct sluice_dictionary *dictionary,
                                    const char *bytes, size_t size, uint64_t hash)
{
    (void)host;
    return dictionary_code(dictionary, bytes, size, hash);
}

static bool is_clustered(const char *const *columns, size_t count)
{
    return clustered_column && count == 1 && !strcmp(columns[0], clustered_column);
}

static bool host_has_property(sluice_host_ref host, enum sluice_property property,
                              const char *const *columns, size_t count)
{
    (void)host;
    (void)property;
    return is_clustered(columns, count);
}

static void host_planning_property(sluice_host_ref host, struct sluice_planning *planning,
                                   enum sluice_property property, const char *const *columns,
                                   size_t count)
{
    (void)host;
    (void)planning;
    (void)property;
    (void)columns;
    (void)count;
}

struct test_host *keyed_host_create(void)
{
    struct test_host *test = test_host_create();
    struct sluice_host_table *table = (struct sluice_host_table *)(uintptr_t)test->host.table;
    table->builder_create = host_builder_create;
    table->builder_reserve = host_reserve;
    table->builder_commit = host_commit;
    table->batch_sender = host_sender;
    table->dictionary_get = host_dictionary_get;
    table->dictionary_code = host_dictionary_code;
    table->input_has_property = host_has_property;
    table->planning_property = host_planning_property;
    test->run.is_batch = true;
    return test;
}

const struct sluice_schema *keyed_schema(struct test_host *test, const struct sluice_schema *plain)
{
    struct sluice_schema *schema = schema_copy(test->arena, plain, NULL);
    for (size_t i = 0; i < schema->field_count; i++) {
        struct sluice_field *field =
            (struct sluice_field *)(uintptr_t)sluice_schema_field(schema, i);
        field->is_dictionary = field->type == SLUICE_TYPE_STRING;
    }
    return schema;
}

enum sluice_status keyed_plan(struct test_host *test, const struct sluice_transform *transform,
                              const void *options, const struct sluice_schema *input)
{
    test->input_schema = input;
    enum sluice_status status =
        transform->plan(&test->host, options, test_host_planning(test), test->error);
    test->output_schema = test->planned;
    return status;
}

enum sluice_status keyed_process(struct test_host *test, const struct sluice_transform *transform,
                                 void *instance, struct sluice_batch *batch, int sender)
{
    if (!batch)
        return SLUICE_OK;
    struct sluice_batch *sent;
    enum sluice_status status = batch_with_sender(batch, sender, &sent, test->error);
    assert(status == SLUICE_OK);
    status = transform->process(instance, sent, test->error);
    batch_release(sent);
    batch_release(batch);
    return status;
}

struct sluice_batch *keyed_finish(struct test_host *test, struct sluice_builder *builder)
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

char *keyed_sort_lines(char *text)
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

uint32_t keyed_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*state >> 33);
}

char *keyed_rows(struct test_host *test, bool is_sorted)
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
