/* SPDX-License-Identifier: Apache-2.0 */
/* A batch as an ArrowArray and an ArrowSchema. Every struct that a consumer may move out and
 * release by itself (children, dictionaries) holds a reference of its own. */
#include "data/batch.h"

#include <stdlib.h>

/* ---- schema ---- */

struct exported_schema {
    struct schema_object *schema; /* names live there */
    struct ArrowSchema dictionary;
    struct ArrowSchema **pointers;
    struct ArrowSchema children[];
};

static void release_schema(struct ArrowSchema *schema)
{
    struct exported_schema *exported = schema->private_data;
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (schema->children[i]->release) {
            schema->children[i]->release(schema->children[i]);
        }
    }
    if (schema->dictionary && schema->dictionary->release) {
        schema->dictionary->release(schema->dictionary);
    }
    storage_release(&exported->schema->storage);
    free(exported->pointers);
    free(exported);
    schema->release = NULL;
}

/* False without memory; then `schema` is released. */
static bool begin_schema(struct ArrowSchema *schema, struct schema_object *object,
                         const char *format, const char *name, size_t child_count)
{
    struct exported_schema *exported =
        calloc(1, sizeof(*exported) + child_count * sizeof(struct ArrowSchema));
    struct ArrowSchema **pointers = calloc(child_count + 1, sizeof(struct ArrowSchema *));
    *schema = (struct ArrowSchema){0};
    if (!exported || !pointers) {
        free(exported);
        free(pointers);
        return false;
    }
    storage_retain(&object->storage);
    exported->schema = object;
    exported->pointers = pointers;
    for (size_t i = 0; i < child_count; i++) {
        pointers[i] = &exported->children[i];
    }
    *schema = (struct ArrowSchema){.format = format,
                                   .name = name,
                                   .flags = ARROW_FLAG_NULLABLE,
                                   .n_children = (int64_t)child_count,
                                   .children = pointers,
                                   .release = release_schema,
                                   .private_data = exported};
    return true;
}

static const char *format_of(enum sluice_type type)
{
    switch (type) {
    case SLUICE_TYPE_BOOL:
        return "b";
    case SLUICE_TYPE_INT64:
        return "l";
    case SLUICE_TYPE_FLOAT64:
        return "g";
    case SLUICE_TYPE_STRING:
        return "u";
    case SLUICE_TYPE_BINARY:
        return "z";
    case SLUICE_TYPE_TIMESTAMP:
        return "tsu:UTC";
    case SLUICE_TYPE_NONE:
        break;
    }
    return "n";
}

static bool export_field(const struct sluice_batch *batch, size_t index, struct ArrowSchema *child)
{
    const struct sluice_column *view = &batch->columns[index].view;
    const char *name = batch->schema->fields[index].name;
    const char *format = view->codes ? "i" : format_of(view->type);
    if (!begin_schema(child, batch->schema, format, name, 0)) {
        return false;
    }
    if (view->codes) {
        struct exported_schema *exported = child->private_data;
        if (!begin_schema(&exported->dictionary, batch->schema, format_of(view->type), "", 0)) {
            return false;
        }
        child->dictionary = &exported->dictionary;
    }
    return true;
}

static bool export_schema(const struct sluice_batch *batch, struct ArrowSchema *schema)
{
    if (!begin_schema(schema, batch->schema, "+s", "", batch->column_count)) {
        return false;
    }
    schema->flags = 0;
    for (size_t i = 0; i < batch->column_count; i++) {
        if (!export_field(batch, i, schema->children[i])) {
            return false;
        }
    }
    return true;
}

/* ---- array ---- */

struct exported_array {
    const struct sluice_batch *batch; /* buffers live there */
    const void *buffers[COLUMN_BUFFERS];
    struct ArrowArray dictionary;
    struct ArrowArray **pointers;
    struct ArrowArray children[];
};

static void release_array(struct ArrowArray *array)
{
    struct exported_array *exported = array->private_data;
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]->release) {
            array->children[i]->release(array->children[i]);
        }
    }
    if (array->dictionary && array->dictionary->release) {
        array->dictionary->release(array->dictionary);
    }
    batch_release(exported->batch);
    free(exported->pointers);
    free(exported);
    array->release = NULL;
}

/* NULL without memory; then `array` is released. */
static struct exported_array *begin_array(struct ArrowArray *array,
                                          const struct sluice_batch *batch, int64_t length,
                                          size_t child_count)
{
    struct exported_array *exported =
        calloc(1, sizeof(*exported) + child_count * sizeof(struct ArrowArray));
    struct ArrowArray **pointers = calloc(child_count + 1, sizeof(struct ArrowArray *));
    *array = (struct ArrowArray){0};
    if (!exported || !pointers) {
        free(exported);
        free(pointers);
        return NULL;
    }
    batch_retain(batch);
    exported->batch = batch;
    exported->pointers = pointers;
    for (size_t i = 0; i < child_count; i++) {
        pointers[i] = &exported->children[i];
    }
    *array = (struct ArrowArray){.length = length,
                                 .n_buffers = 1,
                                 .n_children = (int64_t)child_count,
                                 .buffers = exported->buffers,
                                 .children = pointers,
                                 .release = release_array,
                                 .private_data = exported};
    return exported;
}

static bool export_dictionary(const struct sluice_batch *batch, const struct sluice_column *view,
                              struct exported_array *column, struct ArrowArray *array)
{
    struct exported_array *entries =
        begin_array(&column->dictionary, batch, view->dictionary_length, 0);
    if (!entries) {
        return false;
    }
    column->dictionary.n_buffers = 3;
    entries->buffers[1] = view->offsets;
    entries->buffers[2] = view->bytes;
    array->dictionary = &column->dictionary;
    return true;
}

/* Our pointers stand at row 0, Arrow's at the start of the buffer (batch.h, invariant). */
static bool export_column(const struct sluice_batch *batch, size_t index, struct ArrowArray *array)
{
    const struct sluice_column *view = &batch->columns[index].view;
    struct exported_array *exported = begin_array(array, batch, view->length, 0);
    if (!exported) {
        return false;
    }
    array->null_count = view->null_count;
    array->offset = view->bit_offset;
    array->n_buffers = 2;
    exported->buffers[0] = view->validity;
    if (view->codes) {
        exported->buffers[1] = view->codes - view->bit_offset;
        return export_dictionary(batch, view, exported, array);
    }
    if (is_string_type(view->type)) {
        array->n_buffers = 3;
        exported->buffers[1] = view->offsets - view->bit_offset;
        exported->buffers[2] = view->bytes;
    } else if (view->type == SLUICE_TYPE_BOOL) {
        exported->buffers[1] = view->values;
    } else {
        exported->buffers[1] = (const int64_t *)view->values - view->bit_offset;
    }
    return true;
}

static bool export_array(const struct sluice_batch *batch, struct ArrowArray *array)
{
    if (!begin_array(array, batch, batch->rows, batch->column_count)) {
        return false;
    }
    for (size_t i = 0; i < batch->column_count; i++) {
        if (!export_column(batch, i, array->children[i])) {
            return false;
        }
    }
    return true;
}

enum sluice_status batch_export(const struct sluice_batch *batch, struct ArrowArray *array,
                                struct ArrowSchema *arrow_schema, struct sluice_error *error)
{
    *array = (struct ArrowArray){0};
    if (export_schema(batch, arrow_schema) && export_array(batch, array)) {
        return SLUICE_OK;
    }
    if (array->release) {
        array->release(array);
    }
    if (arrow_schema->release) {
        arrow_schema->release(arrow_schema);
    }
    return fail_memory(NULL, sizeof(*array), error);
}
