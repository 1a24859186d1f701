/* SPDX-License-Identifier: Apache-2.0 */
/* Takes over a foreign ArrowArray. All that can be known of it is checked before a byte of it is
 * read: formats, counts of buffers and children, lengths, alignment, offsets, codes, UTF-8. How
 * large a buffer really is only its producer knows; the interface does not say it.
 *
 * check.c checks one column; here are the struct around it and its life. */
#include "data/arrow/check.h"

#include <stdlib.h>
#include <string.h>

/* The moved array. Columns share it; the last reference releases it, once. */
struct foreign {
    struct storage storage;
    struct account *account;
    struct ArrowArray array;
};

static void destroy_foreign(struct storage *storage)
{
    struct foreign *foreign = (struct foreign *)storage;
    if (foreign->array.release) {
        foreign->array.release(&foreign->array);
    }
    account_discharge(foreign->account, storage->bytes);
    free(foreign);
}

static enum sluice_status check_struct(const struct ArrowArray *array,
                                       const struct ArrowSchema *schema, struct sluice_error *error)
{
    if (!schema->release || !array->release) {
        return refuse(error, NULL, "it was released already");
    }
    if (!schema->format || strcmp(schema->format, "+s") != 0) {
        return refuse(error, NULL, "its format is `%s`, and a batch is a struct (`+s`)",
                      schema->format ? schema->format : "");
    }
    if (array->n_children != schema->n_children || array->n_children < 0 ||
        array->n_children > INT32_MAX || (array->n_children > 0 && !array->children) ||
        (schema->n_children > 0 && !schema->children)) {
        return refuse(error, NULL, "array and schema differ in their number of columns");
    }
    if (array->length < 0 || array->offset < 0 || array->length > INT32_MAX - 1 ||
        array->offset > INT64_MAX / 32) {
        return refuse(error, NULL, "its length or offset is negative or over 2^31 - 2 rows");
    }
    if (array->n_buffers != 1 || !array->buffers) {
        return refuse(error, NULL, "a struct has one buffer, not %lld",
                      (long long)array->n_buffers);
    }
    const uint8_t *validity = array->buffers[0];
    if (validity ? count_bits(validity, array->offset, array->length) != array->length
                 : array->null_count > 0 && array->length > 0) {
        return refuse(error, NULL, "whole rows of it are null; a batch has nulls in columns only");
    }
    for (int64_t i = 0; i < array->n_children; i++) {
        if (!array->children[i] || !schema->children[i] || !array->children[i]->release ||
            !schema->children[i]->release) {
            return refuse(error, NULL, "column %lld is missing or was released already",
                          (long long)i);
        }
        if (!array->children[i]->dictionary != !schema->children[i]->dictionary) {
            return refuse(error, NULL,
                          "column %lld has a dictionary in its array or in its "
                          "schema only",
                          (long long)i);
        }
    }
    return SLUICE_OK;
}

/* The schema that the array says, checked against the one that is wanted. `fields` has room. */
static enum sluice_status read_fields(const struct ArrowSchema *arrow_schema,
                                      const struct sluice_schema *wanted,
                                      struct sluice_field *fields, struct sluice_error *error)
{
    size_t count = (size_t)arrow_schema->n_children;
    if (wanted && wanted->field_count != count) {
        return refuse(error, NULL, "it has %zu columns, the stream has %zu", count,
                      wanted->field_count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct ArrowSchema *child = arrow_schema->children[i];
        const char *name = child->name ? child->name : "";
        enum sluice_type type;
        enum sluice_status status = arrow_read_type(child, name, &type, error);
        if (status != SLUICE_OK) {
            return status;
        }
        fields[i] = (struct sluice_field){.name = name, .type = type};
        const struct sluice_field *field = wanted ? sluice_schema_field(wanted, i) : &fields[i];
        if (strcmp(field->name, name) != 0) {
            return refuse(error, name, "the stream's column %zu is named `%s`", i, field->name);
        }
        if (field->type != type) {
            return refuse(error, name, "it is %s, the stream's column is %s", type_name(type),
                          type_name(field->type));
        }
    }
    return SLUICE_OK;
}

static enum sluice_status fill(struct sluice_batch *batch, struct foreign *foreign,
                               struct sluice_error *error)
{
    const struct ArrowArray *array = &foreign->array;
    int64_t bytes = 0;
    for (size_t i = 0; i < batch->column_count; i++) {
        struct arrow_check check = {.array = array->children[i],
                                    .name = batch->schema->fields[i].name,
                                    .first = array->offset,
                                    .length = array->length,
                                    .error = error};
        struct sluice_column *view = &batch->columns[i].view;
        enum sluice_status status = arrow_view_column(&check, batch->schema->fields[i].type, view);
        if (status != SLUICE_OK) {
            return status;
        }
        batch->columns[i].storage = storage_retain(&foreign->storage);
        batch->columns[i].dictionary = view->codes ? storage_retain(&foreign->storage) : NULL;
        bytes += check.bytes;
    }
    if (!account_charge(foreign->account, bytes)) {
        return fail_memory(foreign->account, (size_t)bytes, error);
    }
    foreign->storage.bytes = bytes;
    batch_count_bytes(batch);
    return SLUICE_OK;
}

/* `array` is the caller's still; it is moved into `foreign` here. */
static enum sluice_status adopt(struct account *account, struct ArrowArray *array,
                                const struct sluice_schema *schema, struct sluice_batch **batch,
                                struct sluice_error *error)
{
    struct foreign *foreign = calloc(1, sizeof(*foreign));
    struct schema_object *object = schema_object_create(schema);
    struct sluice_batch *made = object ? batch_create(object, array->length) : NULL;
    enum sluice_status status;
    if (object) {
        storage_release(&object->storage);
    }
    if (!foreign || !made) {
        free(foreign);
        batch_release(made);
        return fail_memory(NULL, sizeof(*made), error);
    }
    storage_init(&foreign->storage, 0, destroy_foreign);
    foreign->account = account;
    foreign->array = *array;
    array->release = NULL;
    status = fill(made, foreign, error);
    storage_release(&foreign->storage);
    if (status != SLUICE_OK) {
        batch_release(made);
        return status;
    }
    *batch = made;
    return SLUICE_OK;
}

enum sluice_status batch_adopt(struct account *account, struct ArrowArray *array,
                               struct ArrowSchema *arrow_schema, const struct sluice_schema *schema,
                               struct sluice_batch **batch, struct sluice_error *error)
{
    *batch = NULL;
    enum sluice_status status = check_struct(array, arrow_schema, error);
    if (status == SLUICE_OK) {
        size_t count = (size_t)arrow_schema->n_children;
        struct sluice_field *fields = calloc(count + 1, sizeof(*fields));
        status = fields ? read_fields(arrow_schema, schema, fields, error)
                        : fail_memory(NULL, (count + 1) * sizeof(*fields), error);
        const struct sluice_schema said = {sizeof(*fields), count, fields};
        if (status == SLUICE_OK) {
            status = adopt(account, array, schema ? schema : &said, batch, error);
        }
        free(fields);
    }
    if (array->release) {
        array->release(array);
        array->release = NULL;
    }
    if (arrow_schema->release) {
        arrow_schema->release(arrow_schema);
        arrow_schema->release = NULL;
    }
    return status;
}
