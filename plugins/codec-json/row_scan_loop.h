/* SPDX-License-Identifier: Apache-2.0 */
/* The loop of row_scan.h, for the files that build its versions. */
#include "row_scan.h"

#if defined(__AVX2__) || defined(__AVX512BW__)
#include <immintrin.h>
#endif

/* Some bytes of a string: bit i says whether byte i ends it or has to be looked at (quote,
 * backslash, control character), and whether it is not ASCII. */
struct string_step {
    uint64_t stops;
    uint64_t high;
};

#if defined(__AVX512BW__)
enum { STRING_STEP = 64 };

static inline struct string_step look_at(const char *bytes)
{
    __m512i step = _mm512_loadu_si512(bytes);
    uint64_t stops = _mm512_cmpeq_epi8_mask(step, _mm512_set1_epi8('"')) |
                     _mm512_cmpeq_epi8_mask(step, _mm512_set1_epi8('\\')) |
                     _mm512_cmplt_epu8_mask(step, _mm512_set1_epi8(' '));
    return (struct string_step){stops, _mm512_movepi8_mask(step)};
}
#elif defined(__AVX2__)
enum { STRING_STEP = 32 };

static inline struct string_step look_at(const char *bytes)
{
    __m256i step = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    __m256i last_control = _mm256_set1_epi8(' ' - 1);
    __m256i stops = _mm256_or_si256(
        _mm256_or_si256(_mm256_cmpeq_epi8(step, _mm256_set1_epi8('"')),
                        _mm256_cmpeq_epi8(step, _mm256_set1_epi8('\\'))),
        _mm256_cmpeq_epi8(_mm256_min_epu8(step, last_control), step));
    return (struct string_step){(uint32_t)_mm256_movemask_epi8(stops),
                                (uint32_t)_mm256_movemask_epi8(step)};
}
#else
enum { STRING_STEP = BLOCK };

static inline struct string_step look_at(const char *bytes)
{
    byte_block step = block_load(bytes);
    return (struct string_step){
        block_bits((byte_block)((step == '"') | (step == '\\') | (step < ' '))), block_bits(step)};
}
#endif

/* The string that begins at `at`: its end, where its closing quote is; NULL where it is not simple,
 * or no text. */
static inline const char *find_string_end(const struct sluice_host *host, const char *at,
                                          const char *end)
{
    const char *begin = at;
    uint64_t high = 0;
    for (; at < end; at += STRING_STEP) {
        struct string_step step = look_at(at);
        if (step.stops == 0) {
            high |= step.high;
            continue;
        }
        high |= step.high & (step.stops ^ (step.stops - 1));
        at += __builtin_ctzll(step.stops);
        bool is_simple = at < end && *at == '"' &&
                         (high == 0 || sluice_is_utf8(host, begin, (size_t)(at - begin)));
        return is_simple ? at : NULL;
    }
    return NULL;
}

/* A scalar that is no string. NULL where it is none of the kinds that may stand here. */
static const char *find_scalar_end(const struct json_value_use *use, const char *at,
                                   const char *end, bool *is_null)
{
    size_t size;
    enum json_kind kind = json_scan_scalar(at, end, &size);
    *is_null = kind == JSON_NULL;
    return (use->kinds >> kind & 1) != 0 ? at + size : NULL;
}

size_t LEVEL(json_take_row)(const struct json_row_scan *scan, const char *bytes, size_t size)
{
    const char *end = bytes + size;
    const char *at = bytes;
    const struct json_lead *lead = scan->shape->leads;
    const struct json_lead *tail = lead + scan->shape->member_count;
    const struct json_value_use *use = scan->uses;
    int64_t row = scan->block->count;
    for (; lead < tail; lead++, use++) {
        if (!lead_stands_at(lead, at)) {
            return 0;
        }
        const char *begin = at + lead->size;
        bool is_null = false;
        at = lead->is_string ? find_string_end(scan->host, begin, end)
                             : find_scalar_end(use, begin, end, &is_null);
        if (!at) {
            return 0;
        }
        if (use->cells) {
            use->cells[row] = is_null ? (struct sluice_string){NULL, 0}
                                      : (struct sluice_string){begin, (size_t)(at - begin)};
        }
    }
    size_t used = (size_t)(at - bytes) + lead->size;
    return lead_stands_at(lead, at) && used <= size ? used : 0;
}
