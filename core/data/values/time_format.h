/* SPDX-License-Identifier: Apache-2.0 */
/* Private to room data: a time format. time_format.c makes it and reads epoch numbers,
 * time_parse.c reads texts (time_fixed.c the usual shape of them), time_print.c writes. */
#ifndef SLUICE_DATA_TIME_FORMAT_H
#define SLUICE_DATA_TIME_FORMAT_H

#include "data/data.h"
#include "data/values/time_zone.h"

struct sluice_time_format {
    enum { FORMAT_ISO8601 = 0, FORMAT_EPOCH, FORMAT_PATTERN } kind;
    int64_t us_per_unit;          /* FORMAT_EPOCH */
    const char *pattern;          /* FORMAT_PATTERN; checked */
    const struct time_zone *zone; /* NULL: UTC */
};

bool time_parse_iso8601(const struct sluice_time_format *format, const char *bytes, size_t size,
                        int64_t *value_us);
/* The date of the text before. */
struct time_near {
    bool is_known;
    uint64_t first; /* its ten bytes */
    uint16_t last;
    int32_t days;
};
/* ISO 8601 in its usual shape only; false also says that the text may have another one. */
bool time_parse_fixed(const char *bytes, size_t size, struct time_near *near, int64_t *value_us);
bool time_parse_pattern(const struct sluice_time_format *format, const char *bytes, size_t size,
                        int64_t *value_us);
/* NULL where the pattern can give a date; else what is wrong with it. */
const char *time_pattern_fault(const char *pattern);

#endif
