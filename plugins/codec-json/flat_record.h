/* SPDX-License-Identifier: Apache-2.0 */
/* The fast way in for what nearly every record is: one object of strings without escapes and of
 * other scalars. Reads each byte once, accepts nothing that is not valid, and leaves everything
 * else, broken or merely unusual, to simdjson. */
#ifndef SLUICE_CODEC_JSON_FLAT_RECORD_H
#define SLUICE_CODEC_JSON_FLAT_RECORD_H

#include "record.h"

/* SLUICE_PADDING bytes behind the record must be readable. False: not for this reader; the slots
 * hold rubbish then. Slots of strings point into the record. */
bool flat_record_read(struct json_record *record, const char *bytes, size_t size);

#endif
