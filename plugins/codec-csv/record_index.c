/* SPDX-License-Identifier: Apache-2.0 */
#include "record_index.h"

#include "records/byte_block.h"

enum { FIRST_WINDOW = 512, STEP = 4 * BLOCK };

/* One bit a byte of 64 bytes. */
struct marks {
    uint64_t quotes;
    uint64_t delimiters;
    uint64_t line_feeds;
    /* Not 0 where there is such a byte at all. */
    uint64_t nuls;
    uint64_t high; /* not ASCII */
};

static inline uint64_t bits_equal(const byte_block blocks[4], char byte)
{
    uint8_t wanted = (uint8_t)byte;
    return block_bits((byte_block)(blocks[0] == wanted)) |
           block_bits((byte_block)(blocks[1] == wanted)) << BLOCK |
           block_bits((byte_block)(blocks[2] == wanted)) << 2 * BLOCK |
           block_bits((byte_block)(blocks[3] == wanted)) << 3 * BLOCK;
}

static inline struct marks mark(const char *bytes, char quote, char delimiter)
{
    const byte_block blocks[4] = {block_load(bytes), block_load(bytes + BLOCK),
                                  block_load(bytes + 2 * BLOCK), block_load(bytes + 3 * BLOCK)};
    return (struct marks){.quotes = bits_equal(blocks, quote),
                          .delimiters = bits_equal(blocks, delimiter),
                          .line_feeds = bits_equal(blocks, '\n'),
                          .nuls = block_bits((byte_block)((blocks[0] == 0) | (blocks[1] == 0) |
                                                          (blocks[2] == 0) | (blocks[3] == 0))),
                          .high = block_bits(blocks[0] | blocks[1] | blocks[2] | blocks[3])};
}

/* Bit i becomes the parity of bits 0 to i: ones from an opening quote up to its closing one. */
static inline uint64_t between(uint64_t quotes)
{
    quotes ^= quotes << 1;
    quotes ^= quotes << 2;
    quotes ^= quotes << 4;
    quotes ^= quotes << 8;
    quotes ^= quotes << 16;
    return quotes ^ quotes << 32;
}

static inline size_t note_places(uint16_t *places, size_t count, uint64_t bits, size_t at)
{
    while (bits != 0) {
        places[count++] = (uint16_t)(at + (size_t)__builtin_ctzll(bits));
        bits &= bits - 1;
    }
    return count;
}

/* Whether all bytes up to the last line feed outside of quotes are text. What lies behind belongs
 * to a record that this window does not hold. */
static bool is_text(const struct csv_index *index, const struct sluice_host *host)
{
    size_t count = index->count;
    while (count > 0 && index->window[index->places[count - 1]] != '\n') {
        count--;
    }
    return count == 0 || sluice_is_utf8(host, index->window, index->places[count - 1]);
}

static void build(struct csv_index *index, const struct csv_splitter *splitter, const char *bytes,
                  size_t size)
{
    size_t end = size < index->window_limit ? size : index->window_limit;
    uint64_t is_inside = 0; /* all ones where a quote is open at the end of a step */
    struct marks seen = {0};
    size_t count = 0;
    for (size_t at = 0; at < end; at += STEP) {
        struct marks found = mark(bytes + at, splitter->quote, splitter->delimiter);
        uint64_t known = end - at < STEP ? (UINT64_C(1) << (end - at)) - 1 : UINT64_MAX;
        uint64_t inside = between(found.quotes) ^ is_inside;
        is_inside = (uint64_t)((int64_t)inside >> 63);
        uint64_t ends = (found.delimiters | found.line_feeds) & ~inside;
        count = note_places(index->places, count, (found.quotes | ends) & known, at);
        seen.line_feeds |= found.line_feeds & inside;
        seen.nuls |= found.nuls; /* behind the end, too: that costs a check in vain */
        seen.high |= found.high;
    }
    index->window = bytes;
    index->window_end = bytes + end;
    index->record = bytes;
    index->count = count;
    index->next = 0;
    index->has_quoted_line_end = seen.line_feeds != 0;
    index->is_suspicious = seen.nuls != 0 || (seen.high != 0 && !is_text(index, splitter->host));
}

static int64_t count_line_feeds(const char *bytes, size_t size)
{
    int64_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += bytes[i] == '\n';
    }
    return count;
}

/* The quoted cell at `at`, whose opening quote is the next place. Gives the end, or 0. */
static inline size_t take_quoted(struct csv_index *index, size_t next, struct csv_cell *cell)
{
    if (index->count - next < 3) {
        return 0;
    }
    const char *window = index->window;
    size_t begin = (size_t)index->places[next] + 1;
    size_t close = index->places[next + 1];
    size_t end = index->places[next + 2];
    *cell = (struct csv_cell){.bytes = window + begin, .size = close - begin, .is_quoted = true};
    bool has_return = end == close + 2 && window[close + 1] == '\r' && window[end] == '\n';
    return end == close + 1 || has_return ? end : 0;
}

static inline size_t take_plain(const struct csv_index *index, size_t at, struct csv_cell *cell)
{
    const char *bytes = index->window + at;
    size_t end = index->places[index->next];
    size_t size = end - at;
    size -= size > 0 && index->window[end] == '\n' && bytes[size - 1] == '\r';
    *cell = (struct csv_cell){.bytes = bytes, .size = size};
    return end;
}

/* Reads one record off the places. Where it is not an ordinary one the index is of no more use. */
static bool take_record(struct csv_index *index, struct csv_splitter *splitter, size_t cell_count)
{
    const char *window = index->window;
    size_t at = (size_t)(index->record - window);
    int64_t line_feeds = 1;
    for (size_t i = 0; i < cell_count; i++) {
        if (index->next >= index->count) {
            return false;
        }
        struct csv_cell *cell = &splitter->cells[i];
        size_t end;
        if (window[at] == splitter->quote) {
            end = take_quoted(index, index->next, cell);
            index->next += 3;
            if (index->has_quoted_line_end) {
                line_feeds += count_line_feeds(cell->bytes, end > 0 ? cell->size : 0);
            }
        } else {
            end = take_plain(index, at, cell);
            index->next++;
        }
        char expected = i + 1 < cell_count ? splitter->delimiter : '\n';
        if (end == 0 || window[end] != expected) {
            return false;
        }
        at = end + 1;
    }
    bool is_blank = cell_count == 1 && splitter->cells->size == 0 && !splitter->cells->is_quoted;
    splitter->line_feeds = line_feeds;
    index->record = window + at;
    return !is_blank;
}

void csv_index_begin(struct csv_index *index)
{
    index->record = NULL;
    index->window_limit = FIRST_WINDOW;
}

bool csv_index_record(struct csv_index *index, struct csv_splitter *splitter, const char *bytes,
                      size_t size, size_t cell_count, size_t *used)
{
    if (!csv_splitter_reserve(splitter, cell_count)) {
        return false; /* csv_split() will find the same and tell it */
    }
    bool is_known = index->record == bytes;
    bool is_ordinary = is_known && take_record(index, splitter, cell_count);
    bool is_used_up = !is_known || index->next >= index->count;
    if (!is_ordinary && is_used_up) {
        size_t wider = index->window_limit * 2;
        index->window_limit = wider < CSV_INDEX_WINDOW ? wider : CSV_INDEX_WINDOW;
        build(index, splitter, bytes, size);
        is_ordinary = take_record(index, splitter, cell_count);
    }
    if (!is_ordinary) {
        csv_index_begin(index);
        return false;
    }
    splitter->cell_count = cell_count;
    splitter->kept_count = cell_count;
    splitter->is_suspicious = index->is_suspicious;
    splitter->fault = NULL;
    *used = (size_t)(index->record - bytes);
    return true;
}
