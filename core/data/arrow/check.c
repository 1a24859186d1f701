/* SPDX-License-Identifier: Apache-2.0 */
/* Checks one column of a foreign array and makes a view of it. */
#include "data/arrow/check.h"

#include <string.h>

/* Where a producer gives no buffer for zero rows. */
static const int64_t no_values[2];

enum sluice_status refuse(struct sluice_error *error, const char *column, const char *format, ...)
{
    struct text reason = {0};
    va_list arguments;
    va_start(arguments, format);
    text_printf_list(&reason, format, arguments);
    va_end(arguments);
    if (column) {
        error_set(error, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR,
                  "column `%s` of an Arrow array cannot be taken: %s", column, text_get(&reason));
        error_set_field(error, SLUICE_AT_COLUMN, "%s", column);
    } else {
        error_set(error, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR,
                  "an Arrow array cannot be taken as a batch: %s", text_get(&reason));
    }
    text_reset(&reason);
    return SLUICE_FATAL;
}

static enum sluice_status refuse_format(const struct ArrowSchema *schema, const char *name,
                                        struct sluice_error *error)
{
    const char *format = schema->format;
    if (!format) {
        return refuse(error, name, "it has no format");
    }
    if (strcmp(format, "U") == 0 || strcmp(format, "Z") == 0) {
        return refuse(error, name,
                      "large_utf8 and large_binary are not taken: cast to utf8 or binary");
    }
    if (strncmp(format, "ts", 2) == 0) {
        return refuse(error, name, "its format is `%s`: cast to timestamp[us, UTC] (`tsu:UTC`)",
                      format);
    }
    return refuse(error, name,
                  "its format is `%s`; columns are bool, int64, float64, utf8, binary or "
                  "timestamp[us, UTC] (`b`, `l`, `g`, `u`, `z`, `tsu:UTC`)",
                  format);
}

enum sluice_status arrow_read_type(const struct ArrowSchema *schema, const char *name,
                                   enum sluice_type *type, struct sluice_error *error)
{
    static const struct {
        const char *format;
        enum sluice_type type;
    } formats[] = {
        {"b", SLUICE_TYPE_BOOL},   {"l", SLUICE_TYPE_INT64},  {"g", SLUICE_TYPE_FLOAT64},
        {"u", SLUICE_TYPE_STRING}, {"z", SLUICE_TYPE_BINARY}, {"tsu:UTC", SLUICE_TYPE_TIMESTAMP},
    };
    *type = SLUICE_TYPE_NONE;
    if (schema->dictionary) {
        if (!schema->format || strcmp(schema->format, "i") != 0) {
            return refuse(error, name, "dictionary codes must be int32 (`i`), not `%s`",
                          schema->format ? schema->format : "");
        }
        const char *format = schema->dictionary->format;
        if (!format || strcmp(format, "u") != 0) {
            return refuse(error, name, "a dictionary must hold utf8 (`u`), not `%s`",
                          format ? format : "");
        }
        *type = SLUICE_TYPE_STRING;
        return SLUICE_OK;
    }
    for (size_t i = 0; schema->format && i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcmp(schema->format, formats[i].format) == 0) {
            *type = formats[i].type;
            return SLUICE_OK;
        }
    }
    return refuse_format(schema, name, error);
}

/* ---- one array ---- */

/* Lengths, buffer count and validity; leaves the first row's index in view->bit_offset. */
static enum sluice_status view_rows(struct arrow_check *check, int64_t buffer_count,
                                    struct sluice_column *view)
{
    const struct ArrowArray *array = check->array;
    if (array->n_buffers != buffer_count || !array->buffers || array->n_children != 0) {
        return refuse(check->error, check->name, "it has %lld buffers, its format %lld",
                      (long long)array->n_buffers, (long long)buffer_count);
    }
    if (array->length < 0 || array->offset < 0 || array->offset > INT64_MAX / 32 ||
        check->first > array->length || check->length > array->length - check->first) {
        return refuse(check->error, check->name, "it is shorter than the batch");
    }
    view->length = check->length;
    view->bit_offset = array->offset + check->first;
    view->validity = array->buffers[0];
    if (view->length == 0) {
        view->bit_offset = 0;
        view->validity = NULL;
    } else if (view->validity) {
        view->null_count =
            view->length - count_bits(view->validity, view->bit_offset, view->length);
        check->bytes += (view->bit_offset + view->length + 7) / 8;
        view->validity = view->null_count > 0 ? view->validity : NULL;
    } else if (array->null_count > 0) {
        return refuse(check->error, check->name, "it counts nulls but has no validity bitmap");
    }
    return SLUICE_OK;
}

/* Buffer 1 as elements of `width` bytes, `extra` more than there are rows. */
static enum sluice_status view_elements(struct arrow_check *check, struct sluice_column *view,
                                        size_t width, int64_t extra, const void **elements)
{
    const char *start = check->array->buffers[1];
    *elements = no_values;
    if (view->length == 0) {
        return SLUICE_OK;
    }
    if (!start || (uintptr_t)start % width != 0) {
        return refuse(check->error, check->name,
                      start ? "a buffer is not aligned to its type" : "a buffer is missing");
    }
    *elements = start + (size_t)view->bit_offset * width;
    check->bytes += (view->bit_offset + view->length + extra) * (int64_t)width;
    return SLUICE_OK;
}

/* Each string must be UTF-8 by itself; what stands in null rows may be anything. Where all bytes
 * together are UTF-8, only a boundary inside a character can be wrong. */
static bool are_utf8(const struct sluice_column *view)
{
    const int32_t *offsets = view->offsets;
    size_t size = (size_t)(offsets[view->length] - offsets[0]);
    if (size == 0) {
        return true;
    }
    bool is_whole = !view->validity && is_utf8(view->bytes + offsets[0], size);
    for (int64_t row = 0; row < view->length; row++) {
        size_t row_size = (size_t)(offsets[row + 1] - offsets[row]);
        const char *bytes = view->bytes + offsets[row];
        if (row_size == 0 || sluice_column_is_null(view, row)) {
            continue;
        }
        if (is_whole ? ((unsigned char)bytes[0] & 0xC0) == 0x80 : !is_utf8(bytes, row_size)) {
            return false;
        }
    }
    return true;
}

static enum sluice_status view_strings(struct arrow_check *check, struct sluice_column *view)
{
    const void *offsets;
    enum sluice_status status = view_elements(check, view, sizeof(int32_t), 1, &offsets);
    if (status != SLUICE_OK) {
        return status;
    }
    view->offsets = offsets;
    view->bytes = check->array->buffers[2];
    bool is_falling = view->offsets[0] < 0;
    for (int64_t row = 0; row < view->length; row++) {
        is_falling |= view->offsets[row + 1] < view->offsets[row];
    }
    if (is_falling) {
        return refuse(check->error, check->name, "its offsets are negative or not ascending");
    }
    int32_t end = view->offsets[view->length];
    if (!view->bytes && end > 0) {
        return refuse(check->error, check->name, "a buffer is missing");
    }
    if (!view->bytes) {
        view->bytes = (const char *)no_values;
    }
    check->bytes += end;
    if (view->type == SLUICE_TYPE_STRING && !are_utf8(view)) {
        return refuse(check->error, check->name, "a string is not valid UTF-8");
    }
    return SLUICE_OK;
}

static enum sluice_status view_codes(struct arrow_check *check, struct sluice_column *view)
{
    struct arrow_check entries = {.array = check->array->dictionary,
                                  .name = check->name,
                                  .length = check->array->dictionary->length,
                                  .error = check->error};
    struct sluice_column dictionary = {.type = SLUICE_TYPE_STRING};
    if (entries.length > INT32_MAX - 1 || !entries.array->release || entries.array->dictionary) {
        return refuse(check->error, check->name, "its dictionary cannot be used");
    }
    enum sluice_status status = view_rows(&entries, 3, &dictionary);
    if (status == SLUICE_OK && dictionary.null_count > 0) {
        status = refuse(check->error, check->name, "its dictionary holds nulls");
    }
    if (status == SLUICE_OK) {
        status = view_strings(&entries, &dictionary);
    }
    const void *codes = NULL;
    if (status == SLUICE_OK) {
        status = view_elements(check, view, sizeof(int32_t), 0, &codes);
    }
    if (status != SLUICE_OK) {
        return status;
    }
    view->codes = codes;
    view->offsets = dictionary.offsets;
    view->bytes = dictionary.bytes;
    view->dictionary_length = dictionary.length;
    check->bytes += entries.bytes;
    for (int64_t row = 0; row < view->length; row++) {
        if ((uint32_t)view->codes[row] >= (uint64_t)dictionary.length &&
            !sluice_column_is_null(view, row)) {
            return refuse(check->error, check->name,
                          "code %d of row %lld is outside the dictionary of %lld entries",
                          (int)view->codes[row], (long long)row, (long long)dictionary.length);
        }
    }
    return SLUICE_OK;
}

enum sluice_status arrow_view_column(struct arrow_check *check, enum sluice_type type,
                                     struct sluice_column *view)
{
    *view = (struct sluice_column){.type = type};
    bool has_bytes = is_string_type(type) && !check->array->dictionary;
    enum sluice_status status = view_rows(check, has_bytes ? 3 : 2, view);
    if (status != SLUICE_OK) {
        return status;
    }
    if (check->array->dictionary) {
        return view_codes(check, view);
    }
    if (has_bytes) {
        return view_strings(check, view);
    }
    if (type == SLUICE_TYPE_BOOL) {
        view->values = view->length > 0 ? check->array->buffers[1] : no_values;
        check->bytes += (view->bit_offset + view->length + 7) / 8;
        return view->values ? SLUICE_OK : refuse(check->error, check->name, "a buffer is missing");
    }
    return view_elements(check, view, sizeof(int64_t), 0, &view->values);
}
