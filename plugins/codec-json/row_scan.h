/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the shape of the one before, straight into a block of rows: nothing is kept of them but
 * where their values are. In several versions: see records/vector_level.h. */
#ifndef SLUICE_CODEC_JSON_ROW_SCAN_H
#define SLUICE_CODEC_JSON_ROW_SCAN_H

#include "shape.h"

#include "records/row_block.h"
#include "records/vector_level.h"

struct json_row_scan;

/* The record at bytes[0 .. size), which SLUICE_PADDING readable bytes follow, into row block->count.
 * Its size, or 0 where it is not known to be right. What follows it is for the caller to look at. */
typedef size_t (*json_take_row)(const struct json_row_scan *scan, const char *bytes, size_t size);

/* What becomes of the value behind a lead. */
struct json_value_use {
    struct sluice_string *cells; /* of its slot in the block; NULL: it is only looked over */
    unsigned kinds;              /* bit k: it may be of enum json_kind k */
};

struct json_row_scan {
    const struct sluice_host *host;
    const struct json_record *record;
    const struct json_shape *shape;
    const bool *is_epoch; /* by declared field */
    struct row_block *block;
    json_take_row take;
    uint64_t learned; /* shape->learned when the uses were made; 0: never */
    bool is_usable;   /* records of the shape go this way */
    struct json_value_use uses[SHAPE_MEMBERS];
};

void row_scan_init(struct json_row_scan *scan, const struct json_record *record,
                   const struct json_shape *shape, const bool *is_epoch, struct row_block *block);

/* Makes the uses for the shape at hand. False where its records go the other way. */
bool row_scan_prepare(struct json_row_scan *scan);

size_t json_take_row_base(const struct json_row_scan *scan, const char *bytes, size_t size);
size_t json_take_row_avx2(const struct json_row_scan *scan, const char *bytes, size_t size);
size_t json_take_row_avx512(const struct json_row_scan *scan, const char *bytes, size_t size);

#endif
