/* SPDX-License-Identifier: Apache-2.0 */
#include "row_scan.h"

static unsigned bit(enum json_kind kind)
{
    return 1U << kind;
}

static unsigned kinds_of(const struct sluice_field *field, bool is_epoch)
{
    switch (field->type) {
    case SLUICE_TYPE_BOOL:
        return bit(JSON_TRUE) | bit(JSON_FALSE);
    case SLUICE_TYPE_INT64:
        return bit(JSON_INTEGER);
    case SLUICE_TYPE_FLOAT64:
        return bit(JSON_INTEGER) | bit(JSON_DECIMAL);
    case SLUICE_TYPE_STRING:
    case SLUICE_TYPE_BINARY:
        return bit(JSON_STRING);
    case SLUICE_TYPE_TIMESTAMP:
        return bit(JSON_STRING) | (is_epoch ? bit(JSON_INTEGER) | bit(JSON_DECIMAL) : 0);
    case SLUICE_TYPE_NONE:
        break;
    }
    return 0;
}

void row_scan_init(struct json_row_scan *scan, const struct json_record *record,
                   const struct json_shape *shape, const bool *is_epoch, struct row_block *block)
{
    *scan = (struct json_row_scan){.host = block->host,
                                   .record = record,
                                   .shape = shape,
                                   .is_epoch = is_epoch,
                                   .block = block,
                                   .take = VECTOR_VERSION(json_take_row, vector_level())};
}

static struct json_value_use *find_use(struct json_row_scan *scan, int node)
{
    for (size_t i = 0; i < scan->shape->member_count; i++) {
        if (scan->shape->leads[i].node == node) {
            return &scan->uses[i];
        }
    }
    return NULL;
}

static bool is_shared(const struct json_record *record, size_t field)
{
    for (size_t other = 0; other < field; other++) {
        if (record->field_nodes[other] == record->field_nodes[field]) {
            return true;
        }
    }
    return false;
}

static bool use_field(struct json_row_scan *scan, size_t index)
{
    const struct sluice_field *field = sluice_schema_field(scan->block->rows->declared, index);
    struct json_value_use *use = find_use(scan, scan->record->field_nodes[index]);
    if (!use) {
        return row_block_leave_out(scan->block, index);
    }
    int slot = row_block_slot(scan->block, index);
    use->cells = slot == ROW_BLOCK_NO_SLOT ? NULL : row_block_cells(scan->block, slot);
    use->kinds = kinds_of(field, scan->is_epoch[index]) | (field->is_required ? 0 : bit(JSON_NULL));
    return !is_shared(scan->record, index);
}

bool row_scan_prepare(struct json_row_scan *scan)
{
    if (scan->learned == scan->shape->learned) {
        return scan->is_usable;
    }
    scan->learned = scan->shape->learned;
    scan->is_usable = scan->shape->member_count > 0;
    for (size_t i = 0; i < SHAPE_MEMBERS; i++) {
        scan->uses[i] = (struct json_value_use){.kinds = UINT32_MAX & ~bit(JSON_INVALID)};
    }
    for (size_t i = 0; scan->is_usable && i < scan->block->rows->declared->field_count; i++) {
        scan->is_usable = use_field(scan, i);
    }
    for (size_t i = 0; i < scan->shape->member_count; i++) {
        bool may_be_string = (scan->uses[i].kinds & bit(JSON_STRING)) != 0;
        scan->is_usable = scan->is_usable && (!scan->shape->leads[i].is_string || may_be_string);
    }
    return scan->is_usable;
}
