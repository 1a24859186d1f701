/* SPDX-License-Identifier: Apache-2.0 */
/* A column of few distinct strings meets the same ones over and over. Their codes are found again by
 * a glance at three places of the string, and the string is compared with the entry: no hash is
 * taken, and all that is read is near. Where most strings are new it is given up. */
#include "data/builder.h"
#include "data/entry.h"

enum { RECENT = 2048, TRIAL = 4096, WORTH = 4 };

struct recent_codes {
    int tried;
    int missed;
    int32_t codes[RECENT]; /* + 1; 0: none */
};

struct recent_codes *recent_create(struct account *account)
{
    struct recent_codes *recent = account_alloc(account, sizeof *recent);
    if (recent) {
        memset(recent, 0, sizeof *recent);
    }
    return recent;
}

static inline uint64_t load(const char *bytes, size_t size)
{
    uint64_t word = 0;
    memcpy(&word, bytes, size);
    return word;
}

/* Where the code of a string would be: by its ends and its middle. */
static inline size_t place_of(struct sluice_string string)
{
    enum { WORD = 8, HALF = 4 };
    const char *bytes = string.bytes;
    size_t size = string.size;
    uint64_t mixed = size;
    if (size >= WORD) {
        mixed += load(bytes, WORD) ^ load(bytes + size / 2 - HALF, WORD) * 3 ^
                 load(bytes + size - WORD, WORD) * 5;
    } else if (size >= HALF) {
        mixed += load(bytes, HALF) << 32 ^ load(bytes + size - HALF, HALF) << 3;
    } else if (size > 0) {
        mixed += (uint64_t)(unsigned char)bytes[0] << 16 ^ (uint64_t)(unsigned char)bytes[size - 1];
    }
    return mixed * UINT64_C(0x9E3779B97F4A7C15) >> 53;
}
_Static_assert(UINT64_MAX >> 53 == RECENT - 1, "place_of() gives places of the table");

/* Takes those that are known; the others, and where they stand, are listed. */
static int find_missing(const struct builder_column *column, const struct sluice_string *strings,
                        int count, int32_t *codes, uint8_t *missing)
{
    const struct recent_codes *recent = column->recent;
    int missed = 0;
    for (int i = 0; i < count; i++) {
        codes[i] = recent->codes[place_of(strings[i])] - 1;
        if (codes[i] < 0 ||
            !is_entry(column->dictionary, codes[i], strings[i].bytes, strings[i].size)) {
            missing[missed++] = (uint8_t)i;
        }
    }
    return missed;
}

static void judge(struct builder_column *column, int tried, int missed)
{
    struct recent_codes *recent = column->recent;
    recent->tried += tried;
    recent->missed += missed;
    if (recent->tried < TRIAL) {
        return;
    }
    if (recent->missed > recent->tried / WORTH) {
        account_free(recent);
        column->recent = NULL;
        return;
    }
    recent->tried = 0;
    recent->missed = 0;
}

int column_find_codes(struct builder_column *column, const struct sluice_string *strings, int count,
                      int32_t *codes)
{
    struct recent_codes *recent = column->recent;
    if (!recent) {
        return dictionary_codes_of(column->dictionary, strings, count, codes);
    }
    uint8_t missing[DICTIONARY_TOGETHER];
    struct sluice_string missed[DICTIONARY_TOGETHER];
    int32_t found[DICTIONARY_TOGETHER];
    int missed_count = find_missing(column, strings, count, codes, missing);
    for (int i = 0; i < missed_count; i++) {
        missed[i] = strings[missing[i]];
    }
    int found_count = dictionary_codes_of(column->dictionary, missed, missed_count, found);
    for (int i = 0; i < found_count; i++) {
        codes[missing[i]] = found[i];
        recent->codes[place_of(missed[i])] = found[i] + 1;
    }
    judge(column, count, missed_count);
    return found_count < missed_count ? missing[found_count] : count;
}
