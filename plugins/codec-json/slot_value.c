/* SPDX-License-Identifier: Apache-2.0 */
#include "slot_value.h"

#include "simdjson_shim.h"

static const char *kind_text(enum json_kind kind)
{
    switch (kind) {
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_DECIMAL:
        return "a decimal number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a bool";
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_NULL:
        return "null";
    case JSON_INVALID:
        break;
    }
    return "invalid";
}

static enum sluice_status fail_type(const struct record_rows *rows,
                                    const struct sluice_field *field, enum json_kind kind,
                                    struct sluice_error *error)
{
    sluice_fail(rows->host, error, SLUICE_REJECT, SLUICE_CODE_TYPE_MISMATCH,
                "field `%s` is %s, but declared as %s", field->path ? field->path : field->name,
                kind_text(kind), type_text(field->type));
    sluice_error_at(rows->host, error, SLUICE_AT_COLUMN, "%s", field->name);
    return SLUICE_REJECT;
}

static bool fits(const struct sluice_field *field, enum json_kind kind, bool is_epoch)
{
    switch (field->type) {
    case SLUICE_TYPE_BOOL:
        return kind == JSON_TRUE || kind == JSON_FALSE;
    case SLUICE_TYPE_INT64:
        return kind == JSON_INTEGER;
    case SLUICE_TYPE_FLOAT64:
        return kind == JSON_INTEGER || kind == JSON_DECIMAL;
    case SLUICE_TYPE_STRING:
    case SLUICE_TYPE_BINARY:
        return kind == JSON_STRING;
    case SLUICE_TYPE_TIMESTAMP:
        return kind == JSON_STRING || (is_epoch && (kind == JSON_INTEGER || kind == JSON_DECIMAL));
    case SLUICE_TYPE_NONE:
        break;
    }
    return false;
}

static enum sluice_status slot_to_value(const struct record_rows *rows, struct text_reader *reader,
                                        const struct sluice_field *field,
                                        const struct json_node *slot, bool is_epoch,
                                        struct value *value, struct sluice_error *error)
{
    if (!fits(field, slot->kind, is_epoch)) {
        return fail_type(rows, field, slot->kind, error);
    }
    *value = (struct value){.bytes = slot->bytes, .size = slot->size};
    if (field->type == SLUICE_TYPE_STRING) {
        return SLUICE_OK;
    }
    if (field->type == SLUICE_TYPE_BOOL) {
        value->boolean = slot->kind == JSON_TRUE;
        return SLUICE_OK;
    }
    if (field->type == SLUICE_TYPE_FLOAT64 &&
        json_to_double(slot->bytes, slot->size, &value->number)) {
        return SLUICE_OK;
    }
    return text_to_value(reader, field, slot->bytes, slot->size, value, error);
}

static enum sluice_status put_slot(struct record_rows *rows, struct text_reader *reader,
                                   const struct json_record *record, size_t index, bool is_epoch,
                                   struct sluice_error *error)
{
    const struct sluice_field *field = sluice_schema_field(rows->declared, index);
    const struct json_node *slot = &record->nodes[record->field_nodes[index]];
    struct value value;
    enum sluice_status status;
    if (slot->record != record->number) {
        status = rows_absent(rows, index, &value, error);
    } else if (slot->kind == JSON_NULL) {
        status = rows_null(rows, index, &value, error);
    } else {
        status = slot_to_value(rows, reader, field, slot, is_epoch, &value, error);
    }
    return status == SLUICE_OK ? rows_put(rows, index, &value, error) : status;
}

enum sluice_status put_record(struct record_rows *rows, struct text_reader *reader,
                              const struct json_record *record, const bool *is_epoch,
                              struct sluice_error *error)
{
    for (size_t i = 0; i < rows->declared->field_count; i++) {
        const struct json_node *slot = &record->nodes[record->field_nodes[i]];
        bool is_plain_string = slot->record == record->number && slot->kind == JSON_STRING &&
                               sluice_schema_field(rows->declared, i)->type == SLUICE_TYPE_STRING;
        enum sluice_status status = is_plain_string
                                        ? rows_put_string(rows, i, slot->bytes, slot->size, error)
                                        : put_slot(rows, reader, record, i, is_epoch[i], error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return SLUICE_OK;
}
