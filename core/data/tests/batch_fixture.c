/* SPDX-License-Identifier: Apache-2.0 */
#include "batch_fixture.h"

#include <stdio.h>

struct account account;
struct sluice_error *error;
struct dictionary_set *dictionaries;

static struct sluice_field fields[] = {
    {.name = "id", .type = SLUICE_TYPE_INT64, .is_required = true},
    {.name = "name", .type = SLUICE_TYPE_STRING, .path = "user.name", .default_text = "x"},
    {.name = "url", .type = SLUICE_TYPE_STRING, .is_dictionary = true},
    {.name = "ok", .type = SLUICE_TYPE_BOOL},
    {.name = "score", .type = SLUICE_TYPE_FLOAT64},
    {.name = "raw", .type = SLUICE_TYPE_BINARY},
    {.name = "time", .type = SLUICE_TYPE_TIMESTAMP},
};
const struct sluice_schema schema = {sizeof(fields[0]), 7, fields};

int fixture_set_up(void **state)
{
    (void)state;
    account_init(&account, 0, NULL);
    error = error_create();
    dictionaries = dictionary_set_create(&account, 10, 1000);
    return 0;
}

int fixture_tear_down(void **state)
{
    (void)state;
    dictionary_set_destroy(dictionaries);
    error_destroy(error);
    /* Everything that was charged was given back. */
    return account.used_bytes == 0 ? 0 : -1;
}

struct sluice_builder *create_builder(void)
{
    struct sluice_builder *builder;
    assert_int_equal(builder_create(&account, dictionaries, &schema, &builder, error), SLUICE_OK);
    return builder;
}

struct sluice_batch *finish_batch(struct sluice_builder *builder)
{
    struct sluice_batch *batch;
    if (builder_finish(builder, &batch, error) != SLUICE_OK) {
        fail_msg("%s", error_message(error));
    }
    return batch;
}

/* Values of row i; `name` and `raw` are null every third row. */
void append_row(struct sluice_builder *builder, int64_t i)
{
    char text[32];
    size_t size = (size_t)snprintf(text, sizeof(text), "n%lld", (long long)i);
    assert_int_equal(builder_int64(builder, 0, i), SLUICE_OK);
    if (i % 3 == 0) {
        assert_int_equal(builder_null(builder, 1), SLUICE_OK);
        assert_int_equal(builder_null(builder, 5), SLUICE_OK);
    } else {
        assert_int_equal(builder_string(builder, 1, text, size), SLUICE_OK);
        assert_int_equal(builder_string(builder, 5, text, size), SLUICE_OK);
    }
    size = (size_t)snprintf(text, sizeof(text), "/page%lld", (long long)(i % 4));
    assert_int_equal(builder_string(builder, 2, text, size), SLUICE_OK);
    assert_int_equal(builder_bool(builder, 3, i % 2), SLUICE_OK);
    assert_int_equal(builder_float64(builder, 4, (double)i / 2), SLUICE_OK);
    assert_int_equal(builder_int64(builder, 6, i * 1000), SLUICE_OK);
}

struct sluice_batch *build_batch(int64_t first, int64_t count)
{
    struct sluice_builder *builder = create_builder();
    for (int64_t i = first; i < first + count; i++) {
        append_row(builder, i);
        assert_int_equal(builder_end_row(builder, i), SLUICE_OK);
    }
    struct sluice_batch *batch = finish_batch(builder);
    builder_destroy(builder);
    return batch;
}

void check_row(const struct sluice_batch *batch, int64_t row, int64_t i)
{
    struct sluice_builder *builder = create_builder();
    append_row(builder, i);
    builder_end_row(builder, 0);
    struct sluice_batch *wanted = finish_batch(builder);
    const int all[] = {0, 1, 2, 3, 4, 5, 6};
    if (batch_compare(batch, row, wanted, 0, all, 7) != 0) {
        struct text text = {0};
        format_row_json(batch, row, &text);
        fail_msg("row %lld is %s", (long long)row, text_get(&text));
    }
    batch_release(wanted);
    builder_destroy(builder);
}
