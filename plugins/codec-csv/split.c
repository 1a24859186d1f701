/* SPDX-License-Identifier: Apache-2.0 */
#include "split.h"

#include "records/byte_block.h"

enum { FIRST_CELLS = 16 };

struct scan {
    struct csv_splitter *splitter;
    const char *at;
    const char *end;
    bool is_last;
    byte_block high; /* all bytes or'ed */
    byte_block nul;  /* all ones where a byte was NUL */
};

void csv_splitter_reset(struct csv_splitter *splitter)
{
    if (splitter->host) {
        sluice_free(splitter->host, splitter->cells);
    }
    *splitter = (struct csv_splitter){0};
}

bool csv_splitter_reserve(struct csv_splitter *splitter, size_t count)
{
    if (count <= splitter->capacity) {
        return true;
    }
    size_t doubled = splitter->capacity ? splitter->capacity * 2 : FIRST_CELLS;
    size_t capacity = count > doubled ? count : doubled;
    struct csv_cell *grown =
        sluice_resize(splitter->host, splitter->cells, capacity * sizeof *grown);
    if (grown) {
        splitter->cells = grown;
        splitter->capacity = capacity;
    }
    return grown != NULL;
}

static bool keep_cell(struct csv_splitter *splitter, struct csv_cell cell)
{
    splitter->cell_count++;
    if (splitter->kept_count == splitter->keep_limit) {
        return true;
    }
    if (!csv_splitter_reserve(splitter, splitter->kept_count + 1)) {
        return false;
    }
    splitter->cells[splitter->kept_count++] = cell;
    return true;
}

/* The first delimiter, quote or line feed from `at` on; `end` where there is none. */
static const char *find_stop(struct scan *scan, const char *at)
{
    uint8_t delimiter = (uint8_t)scan->splitter->delimiter;
    uint8_t quote = (uint8_t)scan->splitter->quote;
    for (; at < scan->end; at += BLOCK) {
        byte_block block = block_load(at);
        byte_block stops = (byte_block)((block == delimiter) | (block == quote) | (block == '\n'));
        scan->high |= block;
        scan->nul |= (byte_block)(block == 0);
        if (block_any(stops)) {
            at += block_first(stops);
            return at < scan->end ? at : scan->end;
        }
    }
    return scan->end;
}

static enum csv_answer malformed(struct scan *scan, const char *fault)
{
    scan->splitter->fault = fault;
    return CSV_MALFORMED;
}

/* An unquoted cell; the cursor comes to stand on what ends it. */
static enum csv_answer take_plain(struct scan *scan, struct csv_cell *cell)
{
    const char *begin = scan->at;
    scan->at = find_stop(scan, begin);
    if (scan->at == scan->end && !scan->is_last) {
        return CSV_MORE;
    }
    if (scan->at < scan->end && *scan->at == scan->splitter->quote) {
        return malformed(scan, "a quote inside a field that does not begin with one");
    }
    size_t size = (size_t)(scan->at - begin);
    bool is_line_end = scan->at == scan->end || *scan->at == '\n';
    if (is_line_end && size > 0 && begin[size - 1] == '\r') {
        size--;
    }
    *cell = (struct csv_cell){.bytes = begin, .size = size};
    return CSV_RECORD;
}

/* Finds the closing quote; counts line feeds on the way. */
static enum csv_answer take_quoted(struct scan *scan, struct csv_cell *cell)
{
    char quote = scan->splitter->quote;
    *cell = (struct csv_cell){.bytes = ++scan->at, .is_quoted = true};
    for (;;) {
        scan->at = find_stop(scan, scan->at);
        bool is_at_end = scan->at == scan->end;
        bool is_undecided = !is_at_end && *scan->at == quote && scan->at + 1 == scan->end;
        if ((is_at_end || is_undecided) && !scan->is_last) {
            return CSV_MORE;
        }
        if (is_at_end) {
            return malformed(scan, "a quoted field is not closed");
        }
        if (*scan->at != quote) {
            scan->splitter->line_feeds += *scan->at == '\n';
            scan->at++;
        } else if (scan->at + 1 < scan->end && scan->at[1] == quote) {
            cell->has_doubled = true;
            scan->at += 2;
        } else {
            break;
        }
    }
    cell->size = (size_t)(scan->at - cell->bytes);
    scan->at++;
    if (scan->at < scan->end && *scan->at == '\r') {
        if (scan->at + 1 == scan->end && !scan->is_last) {
            return CSV_MORE;
        }
        scan->at += scan->at + 1 == scan->end || scan->at[1] == '\n';
    }
    bool is_ended =
        scan->at == scan->end || *scan->at == '\n' || *scan->at == scan->splitter->delimiter;
    return is_ended ? CSV_RECORD : malformed(scan, "text behind a closing quote");
}

/* Where to go on after a malformed record. */
static enum csv_answer resync(struct scan *scan, const char *bytes, size_t *used)
{
    bool is_unclosed = scan->at == scan->end;
    const char *from = is_unclosed ? bytes : scan->at;
    const char *line_feed = memchr(from, '\n', (size_t)(scan->end - from));
    if (!line_feed && !scan->is_last) {
        return CSV_MORE;
    }
    const char *resumed = line_feed ? line_feed + 1 : scan->end;
    if (is_unclosed) {
        scan->splitter->line_feeds = 0;
    }
    scan->splitter->line_feeds += line_feed != NULL;
    *used = (size_t)(resumed - bytes);
    return CSV_MALFORMED;
}

static enum csv_answer take_cells(struct scan *scan)
{
    struct csv_splitter *splitter = scan->splitter;
    for (;;) {
        bool is_quoted = scan->at < scan->end && *scan->at == splitter->quote;
        struct csv_cell cell;
        enum csv_answer answer = is_quoted ? take_quoted(scan, &cell) : take_plain(scan, &cell);
        if (answer != CSV_RECORD) {
            return answer;
        }
        bool is_end = scan->at == scan->end || *scan->at == '\n';
        if (is_end && scan->at == scan->end && !scan->is_last) {
            return CSV_MORE;
        }
        if (!keep_cell(splitter, cell)) {
            return CSV_NO_MEMORY;
        }
        splitter->line_feeds += scan->at < scan->end && *scan->at == '\n';
        scan->at += scan->at < scan->end;
        if (is_end) {
            return CSV_RECORD;
        }
    }
}

enum csv_answer csv_split(struct csv_splitter *splitter, const char *bytes, size_t size,
                          bool is_last, size_t *used)
{
    splitter->cell_count = 0;
    splitter->kept_count = 0;
    splitter->line_feeds = 0;
    splitter->fault = NULL;
    *used = 0;
    struct scan scan = {.splitter = splitter, .at = bytes, .end = bytes + size, .is_last = is_last};
    enum csv_answer answer = take_cells(&scan);
    if (answer == CSV_MALFORMED) {
        return resync(&scan, bytes, used);
    }
    if (answer != CSV_RECORD) {
        return answer;
    }
    splitter->is_suspicious = !block_is_ascii(scan.high) || block_any(scan.nul);
    *used = (size_t)(scan.at - bytes);
    const struct csv_cell *first = splitter->cells;
    bool is_blank = splitter->cell_count == 1 && splitter->kept_count == 1 && first->size == 0 &&
                    !first->is_quoted;
    return is_blank ? CSV_BLANK : CSV_RECORD;
}

size_t csv_undouble(const struct csv_cell *cell, char quote, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < cell->size; i++) {
        out[size++] = cell->bytes[i];
        i += cell->bytes[i] == quote; /* its twin follows */
    }
    return size;
}
