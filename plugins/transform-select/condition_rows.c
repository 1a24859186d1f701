/* SPDX-License-Identifier: Apache-2.0 */
/* A test at a time over all rows, into one byte a row: false, unknown (of null) and true are
 * ordered, so that AND is the smaller of two, OR the larger, and NOT turns them round. */
#include "condition.h"

#include <string.h>

enum { IS_FALSE = 0, IS_UNKNOWN = 1, IS_TRUE = 2 };

static enum sluice_status fail_memory(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "no memory for selecting rows: raise settings.memory");
}

/* Bytes as of memcmp, a prefix before what it begins. */
static int compare_text(struct sluice_string left, struct sluice_string right)
{
    size_t common = left.size < right.size ? left.size : right.size;
    int order = common > 0 ? memcmp(left.bytes, right.bytes, common) : 0;
    return order != 0 ? order : (left.size > right.size) - (left.size < right.size);
}

static bool is_same_text(struct sluice_string left, struct sluice_string right)
{
    return left.size == right.size && memcmp(left.bytes, right.bytes, left.size) == 0;
}

static bool is_in_list(struct sluice_string text, const struct condition_value *values,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_same_text(text, values[i].text)) {
            return true;
        }
    }
    return false;
}

static bool test_text(enum condition_kind kind, struct sluice_string text,
                      const struct condition_value *values, size_t count)
{
    struct sluice_string wanted = values[0].text;
    switch (kind) {
    case CONDITION_EQUAL:
        return is_same_text(text, wanted);
    case CONDITION_LESS:
        return compare_text(text, wanted) < 0;
    case CONDITION_MORE:
        return compare_text(text, wanted) > 0;
    case CONDITION_IN:
        return is_in_list(text, values, count);
    case CONDITION_STARTS:
        return text.size >= wanted.size && memcmp(text.bytes, wanted.bytes, wanted.size) == 0;
    case CONDITION_CONTAINS:
        return memmem(text.bytes, text.size, wanted.bytes, wanted.size) != NULL;
    case CONDITION_OR:
    case CONDITION_AND:
    case CONDITION_NOT:
    case CONDITION_IS_NULL:
        break;
    }
    return false;
}

static bool test_integer(enum condition_kind kind, int64_t integer,
                         const struct condition_value *values, size_t count)
{
    if (kind == CONDITION_LESS || kind == CONDITION_MORE) {
        return kind == CONDITION_LESS ? integer < values->integer : integer > values->integer;
    }
    for (size_t i = 0; i < count; i++) {
        if (integer == values[i].integer) {
            return true;
        }
    }
    return false;
}

static bool test_number(enum condition_kind kind, double number,
                        const struct condition_value *values, size_t count)
{
    if (kind == CONDITION_LESS || kind == CONDITION_MORE) {
        return kind == CONDITION_LESS ? number < values->number : number > values->number;
    }
    for (size_t i = 0; i < count; i++) {
        if (number == values[i].number) {
            return true;
        }
    }
    return false;
}

/* Null rows have a value here, too, of no meaning. */
static void test_values(const struct condition *condition, const struct condition_node *node,
                        const struct sluice_column *column, uint8_t *truths)
{
    const struct condition_value *values = condition->values + node->first_value;
    size_t count = node->value_count;
    for (int64_t row = 0; row < column->length; row++) {
        bool is_true = false;
        if (column->type == SLUICE_TYPE_STRING) {
            is_true = !sluice_column_is_null(column, row) &&
                      test_text(node->kind, sluice_column_string(column, row), values, count);
        } else if (column->type == SLUICE_TYPE_FLOAT64) {
            is_true = test_number(node->kind, sluice_column_float64(column, row), values, count);
        } else {
            int64_t integer = column->type == SLUICE_TYPE_BOOL ? sluice_column_bool(column, row)
                                                               : sluice_column_int64(column, row);
            is_true = test_integer(node->kind, integer, values, count);
        }
        truths[row] = is_true ? IS_TRUE : IS_FALSE;
    }
}

static enum sluice_status test_column(const struct condition *condition,
                                      const struct condition_node *node,
                                      const struct sluice_batch *batch, uint8_t *truths,
                                      struct sluice_error *error)
{
    const struct sluice_host *host = condition->host;
    int index = sluice_batch_find(host, batch, node->column);
    struct sluice_column column;
    if (index < 0) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "a batch came without column `%s`", node->column);
    }
    sluice_batch_column(host, batch, index, &column);
    bool is_about_null = node->kind == CONDITION_IS_NULL;
    if (is_about_null) {
        memset(truths, IS_FALSE, (size_t)column.length);
    } else {
        test_values(condition, node, &column, truths);
    }
    for (int64_t row = 0; column.null_count > 0 && row < column.length; row++) {
        if (sluice_column_is_null(&column, row)) {
            truths[row] = is_about_null ? IS_TRUE : IS_UNKNOWN;
        }
    }
    return SLUICE_OK;
}

static enum sluice_status find_truths(const struct condition *condition, int at, int depth,
                                      const struct sluice_batch *batch, struct sluice_error *error)
{
    const struct condition_node *node = &condition->nodes[at];
    size_t count = (size_t)sluice_batch_rows(condition->host, batch);
    uint8_t *truths = condition->truths[depth];
    if (node->column) {
        return test_column(condition, node, batch, truths, error);
    }
    enum sluice_status status = find_truths(condition, node->left, depth, batch, error);
    if (status != SLUICE_OK || node->kind == CONDITION_NOT) {
        for (size_t row = 0; status == SLUICE_OK && row < count; row++) {
            truths[row] = (uint8_t)(IS_TRUE - truths[row]);
        }
        return status;
    }
    status = find_truths(condition, node->right, depth + 1, batch, error);
    const uint8_t *others = condition->truths[depth + 1];
    bool takes_smaller = node->kind == CONDITION_AND;
    for (size_t row = 0; status == SLUICE_OK && row < count; row++) {
        bool is_other = takes_smaller ? others[row] < truths[row] : others[row] > truths[row];
        truths[row] = is_other ? others[row] : truths[row];
    }
    return status;
}

static enum sluice_status make_room(struct condition *condition, int64_t rows,
                                    struct sluice_error *error)
{
    if (rows <= condition->row_capacity) {
        return SLUICE_OK;
    }
    for (int depth = 0; depth <= condition->depth; depth++) {
        uint8_t *grown = sluice_resize(condition->host, condition->truths[depth], (size_t)rows);
        if (!grown) {
            return fail_memory(condition->host, error);
        }
        condition->truths[depth] = grown;
    }
    condition->row_capacity = rows;
    return SLUICE_OK;
}

enum sluice_status condition_rows(struct condition *condition, const struct sluice_batch *batch,
                                  int32_t *rows, int64_t *count, struct sluice_error *error)
{
    int64_t all = sluice_batch_rows(condition->host, batch);
    enum sluice_status status = make_room(condition, all, error);
    if (status == SLUICE_OK) {
        status = find_truths(condition, condition->root, 0, batch, error);
    }
    int64_t found = 0;
    for (int64_t row = 0; status == SLUICE_OK && row < all; row++) {
        rows[found] = (int32_t)row;
        found += condition->truths[0][row] == IS_TRUE;
    }
    *count = found;
    return status;
}
