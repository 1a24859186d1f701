/* SPDX-License-Identifier: Apache-2.0 */
/* The places of a window of CSV that matter: quotes, and outside of quotes delimiters and line
 * feeds. In several versions: see records/vector_level.h. */
#ifndef SLUICE_CODEC_CSV_PLACES_H
#define SLUICE_CODEC_CSV_PLACES_H

#include "records/vector_level.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CSV_WINDOW = 8 * 1024, CSV_WINDOW_STEPS = CSV_WINDOW / 64, CSV_STEP_PLACES = 64 };

struct csv_places {
    char quote;
    char delimiter;
    size_t count;
    bool has_quoted_line_feed;
    bool has_nul; /* also behind the window's end: that costs a check in vain */
    uint16_t at[CSV_WINDOW + CSV_STEP_PLACES];
    uint64_t high[CSV_WINDOW_STEPS]; /* one bit a byte that is not ASCII */
};

/* From bytes[0 .. size), which begins outside of quotes; SLUICE_PADDING readable bytes follow. */
typedef void (*csv_find_places)(struct csv_places *places, const char *bytes, size_t size);

void csv_find_places_base(struct csv_places *places, const char *bytes, size_t size);
void csv_find_places_avx2(struct csv_places *places, const char *bytes, size_t size);
void csv_find_places_avx512(struct csv_places *places, const char *bytes, size_t size);

#endif
