/* SPDX-License-Identifier: Apache-2.0 */
/* The fast way in for what nearly every record is: one object of strings without escapes and of
 * other scalars. Reads each byte once, accepts nothing that is not valid, and leaves everything
 * else, broken or merely unusual, to simdjson. Expects a record to have the shape of the one
 * before, and reads it key by key where it has not. */
#ifndef SLUICE_CODEC_JSON_FLAT_RECORD_H
#define SLUICE_CODEC_JSON_FLAT_RECORD_H

#include "shape.h"

/* SLUICE_PADDING bytes behind the record must be readable. False: not for this reader; the slots
 * hold rubbish then. Slots of strings point into the record. Begins the record by itself. */
bool flat_record_read(struct json_record *record, struct json_shape *shape, const char *bytes,
                      size_t size);

#endif
