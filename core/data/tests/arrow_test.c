/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign arrays that lie, and who releases what. What honest ones look like is tested against
 * pyarrow (tests/data/test_arrow_roundtrip.py). */
#include "data/data.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static atomic_int array_releases;
static atomic_int schema_releases;

static void release_array(struct ArrowArray *array)
{
    array_releases++;
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    schema_releases++;
    schema->release = NULL;
}

static void release_child_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_child_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

/* A struct of one int64, one string, one bool and one dictionary column of three rows. */
struct sample {
    int64_t numbers[3];
    int32_t offsets[4];
    int32_t codes[3];
    int32_t entry_offsets[3];
    uint8_t bits[8];
    const void *buffers[6][3];
    struct ArrowArray columns[4];
    struct ArrowArray entries;
    struct ArrowArray *column_pointers[4];
    struct ArrowArray array;
    struct ArrowSchema fields[4];
    struct ArrowSchema entry_field;
    struct ArrowSchema *field_pointers[4];
    struct ArrowSchema schema;
};

enum { NUMBER, STRING, BOOL, CODED, ENTRIES, WHOLE };

static void make_sample(struct sample *sample)
{
    static const char *const names[] = {"number", "string", "bool", "coded"};
    static const char *const formats[] = {"l", "u", "b", "i"};
    static const int64_t buffer_counts[] = {2, 3, 2, 2};
    *sample = (struct sample){.numbers = {1, 2, 3},
                              .offsets = {0, 1, 3, 3},
                              .codes = {1, 0, 1},
                              .entry_offsets = {0, 1, 2},
                              .bits = {0x05}};
    const void *buffers[6][3] = {
        {NULL, sample->numbers}, {NULL, sample->offsets, "abc"},      {NULL, sample->bits},
        {NULL, sample->codes},   {NULL, sample->entry_offsets, "xy"}, {NULL}};
    memcpy(sample->buffers, buffers, sizeof(buffers));
    for (int i = 0; i < 4; i++) {
        sample->columns[i] = (struct ArrowArray){.length = 3,
                                                 .n_buffers = buffer_counts[i],
                                                 .buffers = sample->buffers[i],
                                                 .release = release_child_array};
        sample->fields[i] = (struct ArrowSchema){
            .format = formats[i], .name = names[i], .release = release_child_schema};
        sample->column_pointers[i] = &sample->columns[i];
        sample->field_pointers[i] = &sample->fields[i];
    }
    sample->entries = (struct ArrowArray){.length = 2,
                                          .n_buffers = 3,
                                          .buffers = sample->buffers[ENTRIES],
                                          .release = release_child_array};
    sample->entry_field = (struct ArrowSchema){.format = "u", .release = release_child_schema};
    sample->columns[CODED].dictionary = &sample->entries;
    sample->fields[CODED].dictionary = &sample->entry_field;
    sample->array = (struct ArrowArray){.length = 3,
                                        .n_buffers = 1,
                                        .n_children = 4,
                                        .buffers = sample->buffers[WHOLE],
                                        .children = sample->column_pointers,
                                        .release = release_array};
    sample->schema = (struct ArrowSchema){.format = "+s",
                                          .n_children = 4,
                                          .children = sample->field_pointers,
                                          .release = release_schema};
}

enum { SPOILED_COUNT = 40 };

/* Lies about the struct. */
static void spoil_struct(struct sample *sample, int how)
{
    switch (how) {
    case 0:
        sample->schema.format = "l";
        break;
    case 1:
        sample->schema.format = NULL;
        break;
    case 2:
        sample->array.n_children = 3;
        break;
    case 3:
        sample->array.children = NULL;
        break;
    case 4:
        sample->schema.children = NULL;
        break;
    case 5:
        sample->column_pointers[2] = NULL;
        break;
    case 6:
        sample->field_pointers[2] = NULL;
        break;
    case 7:
        sample->columns[1].release = NULL;
        break;
    case 8:
        sample->array.length = -1;
        break;
    case 9:
        sample->array.length = 4;
        break;
    case 10:
        sample->array.offset = -1;
        break;
    case 11:
        sample->array.offset = 1;
        break;
    case 12:
        sample->array.offset = INT64_MAX;
        break;
    case 13:
        sample->array.n_buffers = 0;
        break;
    case 14:
        sample->array.buffers = NULL;
        break;
    case 15:
        sample->array.null_count = 1;
        break;
    case 16:
        sample->buffers[WHOLE][0] = sample->bits;
        break;
    }
}

/* Lies about its numbers and about what is there at all. */
static void spoil_column(struct sample *sample, int how)
{
    struct ArrowArray *columns = sample->columns;
    switch (how) {
    case 17:
        columns[NUMBER].n_buffers = 3;
        break;
    case 18:
        columns[NUMBER].buffers = NULL;
        break;
    case 19:
        columns[NUMBER].length = 2;
        break;
    case 20:
        columns[NUMBER].length = -3;
        break;
    case 21:
        columns[NUMBER].offset = INT64_MAX;
        break;
    case 22:
        columns[NUMBER].null_count = 1;
        break;
    case 23:
        sample->buffers[NUMBER][1] = NULL;
        break;
    case 24:
        sample->buffers[NUMBER][1] = (char *)sample->numbers + 1;
        break;
    }
}

/* Lies about its strings and dictionaries. */
static void spoil_strings(struct sample *sample, int how)
{
    struct ArrowArray *columns = sample->columns;
    switch (how) {
    case 25:
        sample->buffers[STRING][1] = NULL;
        break;
    case 26:
        sample->buffers[STRING][2] = NULL;
        break;
    case 27:
        sample->offsets[0] = -1;
        break;
    case 28:
        sample->offsets[1] = 4;
        break;
    case 29:
        sample->buffers[STRING][2] = "a\xff\xff";
        break;
    case 30:
        sample->buffers[BOOL][1] = NULL;
        break;
    case 31:
        sample->codes[2] = 2;
        break;
    case 32:
        sample->codes[0] = -1;
        break;
    case 33:
        columns[CODED].dictionary = NULL;
        break;
    case 34:
        sample->fields[CODED].dictionary = NULL;
        break;
    case 35:
        sample->entries.null_count = 1;
        break;
    case 36:
        sample->buffers[ENTRIES][0] = sample->bits;
        sample->entries.offset = 1;
        break;
    case 37:
        sample->entries.length = -1;
        break;
    case 38:
        sample->entry_offsets[1] = 9;
        break;
    case 39:
        sample->entries.release = NULL;
        break;
    }
}

static void arrays_that_lie_are_refused_and_released_once(void **state)
{
    (void)state;
    struct sluice_error *error = error_create();
    struct account account;
    account_init(&account, 0, NULL);
    for (int how = 0; how < SPOILED_COUNT; how++) {
        struct sample sample;
        struct sluice_batch *batch;
        make_sample(&sample);
        spoil_struct(&sample, how);
        spoil_column(&sample, how);
        spoil_strings(&sample, how);
        array_releases = 0;
        schema_releases = 0;
        enum sluice_status status =
            batch_adopt(&account, &sample.array, &sample.schema, NULL, &batch, error);
        if (status != SLUICE_FATAL || batch || array_releases != 1 || schema_releases != 1 ||
            error_code(error) != SLUICE_CODE_PROTOCOL_ERROR || account.used_bytes != 0) {
            fail_msg("lie %d was not refused: %s", how, error_message(error));
        }
        assert_null(sample.array.release);
        assert_null(sample.schema.release);
    }
    error_destroy(error);
}

static void an_honest_array_is_taken_whatever_counts_it_gives(void **state)
{
    (void)state;
    struct sluice_error *error = error_create();
    struct account account;
    account_init(&account, 0, NULL);
    struct sample sample;
    struct sluice_batch *batch;
    struct sluice_column column;
    make_sample(&sample);
    array_releases = 0;
    sample.array.null_count = -1;
    sample.columns[NUMBER].null_count = -1;
    sample.buffers[STRING][0] = sample.bits; /* 1, 0, 1 */
    sample.columns[STRING].null_count = -1;
    sample.fields[BOOL].name = NULL;
    assert_int_equal(batch_adopt(&account, &sample.array, &sample.schema, NULL, &batch, error),
                     SLUICE_OK);
    batch_column(batch, STRING, &column);
    assert_int_equal(column.null_count, 1);
    assert_true(sluice_column_is_null(&column, 1));
    batch_column(batch, CODED, &column);
    assert_memory_equal(sluice_column_string(&column, 0).bytes, "y", 1);
    assert_true(account.used_bytes > 40);
    assert_int_equal(array_releases, 0);
    batch_release(batch);
    assert_int_equal(array_releases, 1);
    assert_int_equal(account.used_bytes, 0);
    error_destroy(error);
}

static void the_wanted_schema_and_the_budget_are_checked(void **state)
{
    (void)state;
    struct sluice_error *error = error_create();
    struct sluice_field fields[] = {{.name = "number", .type = SLUICE_TYPE_INT64},
                                    {.name = "string", .type = SLUICE_TYPE_STRING},
                                    {.name = "bool", .type = SLUICE_TYPE_BOOL},
                                    {.name = "coded", .type = SLUICE_TYPE_STRING}};
    struct sluice_schema wanted = {sizeof(fields[0]), 4, fields};
    struct account account;
    struct sample sample;
    struct sluice_batch *batch;
    account_init(&account, 0, NULL);
    make_sample(&sample);
    assert_int_equal(batch_adopt(&account, &sample.array, &sample.schema, &wanted, &batch, error),
                     SLUICE_OK);
    batch_release(batch);
    for (int how = 0; how < 4; how++) {
        account_init(&account, how == 3 ? 10 : 0, NULL);
        wanted.field_count = how == 0 ? 3 : 4;
        fields[1].name = how == 1 ? "text" : "string";
        fields[2].type = how == 2 ? SLUICE_TYPE_INT64 : SLUICE_TYPE_BOOL;
        make_sample(&sample);
        array_releases = 0;
        assert_int_equal(
            batch_adopt(&account, &sample.array, &sample.schema, &wanted, &batch, error),
            SLUICE_FATAL);
        assert_int_equal(error_code(error),
                         how == 3 ? SLUICE_CODE_OVER_BUDGET : SLUICE_CODE_PROTOCOL_ERROR);
        assert_int_equal(array_releases, 1);
    }
    error_destroy(error);
}

static void parts_of_an_export_may_be_moved_out(void **state)
{
    (void)state;
    struct sluice_error *error = error_create();
    struct sample sample;
    struct sluice_batch *batch;
    struct ArrowArray array;
    struct ArrowSchema schema;
    make_sample(&sample);
    array_releases = 0;
    batch_adopt(NULL, &sample.array, &sample.schema, NULL, &batch, error);
    assert_int_equal(batch_export(batch, &array, &schema, error), SLUICE_OK);
    batch_release(batch);
    struct ArrowArray child = *array.children[CODED];
    array.children[CODED]->release = NULL;
    struct ArrowSchema field = *schema.children[CODED];
    schema.children[CODED]->release = NULL;
    array.release(&array);
    schema.release(&schema);
    assert_null(array.release);
    assert_string_equal(field.name, "coded");
    assert_string_equal(field.dictionary->format, "u");
    struct ArrowArray entries = *child.dictionary;
    child.dictionary->release = NULL;
    child.release(&child);
    field.release(&field);
    assert_int_equal(array_releases, 0);
    assert_memory_equal(entries.buffers[2], "xy", 2);
    entries.release(&entries);
    assert_int_equal(array_releases, 1);
    error_destroy(error);
}

/* Retains, slices, exports and releases while others do the same. */
static void *share(void *user)
{
    const struct sluice_batch *batch = user;
    struct sluice_error *error = error_create();
    for (int i = 0; i < 2000; i++) {
        struct sluice_batch *slice;
        struct ArrowArray array;
        struct ArrowSchema schema;
        batch_retain(batch);
        batch_slice(batch, 1, 2, &slice, error);
        batch_export(slice, &array, &schema, error);
        batch_release(batch);
        batch_release(slice);
        array.release(&array);
        schema.release(&schema);
    }
    batch_release(batch);
    error_destroy(error);
    return NULL;
}

static void the_last_of_several_threads_releases(void **state)
{
    (void)state;
    struct sluice_error *error = error_create();
    struct account account;
    struct sample sample;
    struct sluice_batch *batch;
    pthread_t threads[4];
    account_init(&account, 0, NULL);
    make_sample(&sample);
    array_releases = 0;
    batch_adopt(&account, &sample.array, &sample.schema, NULL, &batch, error);
    for (int i = 0; i < 4; i++) {
        batch_retain(batch);
        assert_int_equal(pthread_create(&threads[i], NULL, share, batch), 0);
    }
    batch_release(batch);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(array_releases, 1);
    assert_int_equal(account.used_bytes, 0);
    error_destroy(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arrays_that_lie_are_refused_and_released_once),
        cmocka_unit_test(an_honest_array_is_taken_whatever_counts_it_gives),
        cmocka_unit_test(the_wanted_schema_and_the_budget_are_checked),
        cmocka_unit_test(parts_of_an_export_may_be_moved_out),
        cmocka_unit_test(the_last_of_several_threads_releases),
    };
    return cmocka_run_group_tests_name("arrow", tests, NULL, NULL);
}
