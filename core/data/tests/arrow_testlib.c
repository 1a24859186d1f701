/* SPDX-License-Identifier: Apache-2.0 */
/* Room data behind plain functions, for tests/data/test_arrow_roundtrip.py. Tests only. */
#include <stdio.h>
#include <stdlib.h>

#include "data/data.h"

static struct account account;
static int array_releases;
static int schema_releases;

/* What stood in an array before its release was counted. */
struct counted {
    void (*release_array)(struct ArrowArray *);
    void (*release_schema)(struct ArrowSchema *);
    void *private_data;
};

static void release_counted_array(struct ArrowArray *array)
{
    struct counted *counted = array->private_data;
    array->private_data = counted->private_data;
    array->release = counted->release_array;
    array->release(array);
    free(counted);
    array_releases++;
}

static void release_counted_schema(struct ArrowSchema *schema)
{
    struct counted *counted = schema->private_data;
    schema->private_data = counted->private_data;
    schema->release = counted->release_schema;
    schema->release(schema);
    free(counted);
    schema_releases++;
}

int testlib_array_releases(void)
{
    return array_releases;
}

int testlib_schema_releases(void)
{
    return schema_releases;
}

long long testlib_used_bytes(void)
{
    return account.used_bytes;
}

/* NULL with a message where the array is refused. */
struct sluice_batch *testlib_adopt(struct ArrowArray *array, struct ArrowSchema *schema,
                                   char *message, size_t size)
{
    struct counted *of_array = malloc(sizeof(*of_array));
    struct counted *of_schema = malloc(sizeof(*of_schema));
    *of_array = (struct counted){array->release, NULL, array->private_data};
    *of_schema = (struct counted){NULL, schema->release, schema->private_data};
    array->release = release_counted_array;
    array->private_data = of_array;
    schema->release = release_counted_schema;
    schema->private_data = of_schema;
    struct sluice_error *error = error_create();
    struct sluice_batch *batch;
    batch_adopt(&account, array, schema, NULL, &batch, error);
    snprintf(message, size, "%s", error_message(error));
    error_destroy(error);
    return batch;
}

int testlib_export(const struct sluice_batch *batch, struct ArrowArray *array,
                   struct ArrowSchema *schema)
{
    struct sluice_error *error = error_create();
    enum sluice_status status = batch_export(batch, array, schema, error);
    error_destroy(error);
    return status;
}

struct sluice_batch *testlib_slice(const struct sluice_batch *batch, int64_t first, int64_t count)
{
    struct sluice_error *error = error_create();
    struct sluice_batch *slice;
    batch_slice(batch, first, count, &slice, error);
    error_destroy(error);
    return slice;
}

struct sluice_batch *testlib_take(const struct sluice_batch *batch, const int32_t *rows,
                                  int64_t count)
{
    struct sluice_error *error = error_create();
    struct sluice_batch *taken;
    batch_take(&account, batch, rows, count, &taken, error);
    error_destroy(error);
    return taken;
}

int testlib_hash(const struct sluice_batch *batch, int column, uint64_t *hashes)
{
    struct sluice_error *error = error_create();
    enum sluice_status status = batch_hash(batch, &column, 1, hashes, error);
    error_destroy(error);
    return status;
}

void testlib_release(const struct sluice_batch *batch)
{
    batch_release(batch);
}

/* Row i: flag i odd, number −i, ratio i / 4, text "é<i % 5>", bytes "\0<i>", time i seconds; every
 * seventh value is null, one column after the other. */
struct sluice_batch *testlib_build(int64_t rows, int is_dictionary)
{
    static const char *const names[] = {"flag", "number", "ratio", "text", "bytes", "time"};
    struct sluice_field fields[6] = {0};
    for (int i = 0; i < 6; i++) {
        fields[i].name = names[i];
        fields[i].type = (enum sluice_type)(SLUICE_TYPE_BOOL + i);
    }
    fields[3].is_dictionary = is_dictionary != 0;
    const struct sluice_schema schema = {sizeof(fields[0]), 6, fields};
    struct sluice_error *error = error_create();
    struct dictionary_set *dictionaries = dictionary_set_create(&account, 1000, 1000);
    struct sluice_builder *builder;
    struct sluice_batch *batch;
    char text[32];
    builder_create(&account, dictionaries, &schema, &builder, error);
    for (int64_t i = 0; i < rows; i++) {
        for (int column = 0; column < 6; column++) {
            if ((i * 6 + column) % 7 == 0) {
                builder_null(builder, column);
            } else if (column == 0) {
                builder_bool(builder, column, i % 2);
            } else if (column == 1) {
                builder_int64(builder, column, -i);
            } else if (column == 2) {
                builder_float64(builder, column, (double)i / 4);
            } else if (column == 5) {
                builder_int64(builder, column, i * 1000000);
            } else if (column == 3) {
                int size = snprintf(text, sizeof(text), "\xc3\xa9%d", (int)(i % 5));
                builder_string(builder, column, text, (size_t)size);
            } else {
                int size = snprintf(text, sizeof(text), "x%d", (int)i);
                text[0] = '\0';
                builder_string(builder, column, text, (size_t)size);
            }
        }
        builder_end_row(builder, i);
    }
    builder_finish(builder, &batch, error);
    builder_destroy(builder);
    dictionary_set_destroy(dictionaries);
    error_destroy(error);
    return batch;
}
