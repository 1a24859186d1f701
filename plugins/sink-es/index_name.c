/* SPDX-License-Identifier: Apache-2.0 */
/* Index names: the servers' rules, and the pattern behind a template. */
#include "index_name.h"

#include <sluice/service.h>

#include <string.h>

const char *index_name_fault(const char *bytes, size_t size)
{
    if (size == 0) {
        return "it is empty";
    }
    if (size > INDEX_NAME_LIMIT) {
        return "it is longer than 255 bytes";
    }
    if (strchr("-_+.", bytes[0])) {
        return "it starts with one of - _ + .";
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= 'A' && byte <= 'Z') {
            return "it has capital letters";
        }
        if (byte <= ' ' || byte == 0x7f || strchr("\\/*?\"<>|,#:", byte)) {
            return "it has a space or one of \\ / * ? \" < > | , # :";
        }
    }
    return NULL;
}

void index_pattern_split(const char *one, size_t one_size, const char *other, size_t other_size,
                         size_t *prefix_size, size_t *suffix_size)
{
    size_t shorter = one_size < other_size ? one_size : other_size;
    size_t prefix = 0;
    size_t suffix = 0;
    while (prefix < shorter && one[prefix] == other[prefix]) {
        prefix++;
    }
    while (suffix < shorter - prefix &&
           one[one_size - 1 - suffix] == other[other_size - 1 - suffix]) {
        suffix++;
    }
    *prefix_size = prefix;
    *suffix_size = suffix;
}

static enum sluice_status add_value(const struct sluice_host *host, struct sluice_builder *builder,
                                    int column, enum sluice_type type, bool is_second)
{
    switch (type) {
    case SLUICE_TYPE_BOOL:
        return sluice_builder_bool(host, builder, column, is_second);
    case SLUICE_TYPE_INT64:
        return sluice_builder_int64(host, builder, column, is_second ? 22 : 1);
    case SLUICE_TYPE_FLOAT64:
        return sluice_builder_float64(host, builder, column, is_second ? 22.25 : 1.5);
    case SLUICE_TYPE_STRING:
    case SLUICE_TYPE_BINARY:
        return sluice_builder_string(host, builder, column, is_second ? "zz" : "a",
                                     is_second ? 2 : 1);
    case SLUICE_TYPE_TIMESTAMP:
        /* 2001-02-03 04:05:06 (day 034) and 1987-11-29 21:38:47 (day 333) */
        return sluice_builder_int64(host, builder, column,
                                    is_second ? 565220327000000 : 981173106000000);
    case SLUICE_TYPE_NONE:
        break;
    }
    return sluice_builder_null(host, builder, column);
}

static enum sluice_status build_rows(const struct sluice_host *host,
                                     const struct sluice_schema *schema,
                                     struct sluice_batch **batch, struct sluice_error *error)
{
    struct sluice_builder *builder = NULL;
    enum sluice_status status = sluice_builder_create(host, schema, &builder, error);
    for (int row = 0; status == SLUICE_OK && row < 2; row++) {
        for (size_t i = 0; status == SLUICE_OK && i < schema->field_count; i++) {
            status =
                add_value(host, builder, (int)i, sluice_schema_field(schema, i)->type, row == 1);
        }
        if (status == SLUICE_OK) {
            status = sluice_builder_end_row(host, builder, 0);
        }
    }
    if (status == SLUICE_OK) {
        status = sluice_builder_finish(host, builder, batch, error);
    }
    sluice_builder_destroy(host, builder);
    return status;
}

/* The schema without dictionaries: invented values must not get into those of the flow. */
static struct sluice_field *copy_fields(const struct sluice_host *host,
                                        const struct sluice_schema *schema)
{
    struct sluice_field *fields =
        sluice_alloc(host, (schema->field_count + 1) * sizeof(struct sluice_field));
    for (size_t i = 0; fields && i < schema->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(schema, i);
        size_t size = schema->field_size < sizeof(*field) ? schema->field_size : sizeof(*field);
        memset(&fields[i], 0, sizeof(fields[i]));
        memcpy(&fields[i], field, size);
        fields[i].is_dictionary = false;
    }
    return fields;
}

static enum sluice_status split_names(const struct sluice_host *host,
                                      const struct sluice_template *template_,
                                      const struct sluice_batch *batch,
                                      struct index_pattern *pattern)
{
    struct sluice_buffer *one = &pattern->prefix;
    struct sluice_buffer *other = &pattern->suffix;
    enum sluice_status status = sluice_template_render(host, template_, batch, 0, false, one);
    if (status == SLUICE_OK) {
        status = sluice_template_render(host, template_, batch, 1, false, other);
    }
    if (status != SLUICE_OK) {
        return status;
    }
    size_t prefix_size;
    size_t suffix_size;
    index_pattern_split(one->data, one->size, other->data, other->size, &prefix_size, &suffix_size);
    pattern->is_literal = prefix_size == one->size && one->size == other->size;
    one->size = prefix_size;
    if (suffix_size > 0) {
        memmove(other->data, other->data + other->size - suffix_size, suffix_size);
    }
    other->size = suffix_size;
    return SLUICE_OK;
}

enum sluice_status index_pattern_find(const struct sluice_host *host,
                                      const struct sluice_schema *schema,
                                      const struct sluice_template *template_,
                                      struct index_pattern *pattern, struct sluice_error *error)
{
    memset(pattern, 0, sizeof(*pattern));
    struct sluice_batch *batch = NULL;
    struct sluice_field *fields = copy_fields(host, schema);
    enum sluice_status status = SLUICE_FATAL;
    if (fields) {
        struct sluice_schema plain = {sizeof(*fields), schema->field_count, fields};
        status = build_rows(host, &plain, &batch, error);
        if (status == SLUICE_OK) {
            status = split_names(host, template_, batch, pattern);
        }
        sluice_batch_release(host, batch);
        sluice_free(host, fields);
    }
    if (status != SLUICE_OK) {
        index_pattern_reset(host, pattern);
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory to look at the template of index names");
    }
    return SLUICE_OK;
}

void index_pattern_reset(const struct sluice_host *host, struct index_pattern *pattern)
{
    sluice_buffer_free(host, &pattern->prefix);
    sluice_buffer_free(host, &pattern->suffix);
    memset(pattern, 0, sizeof(*pattern));
}
