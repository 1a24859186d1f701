/* SPDX-License-Identifier: Apache-2.0 */
#include "record_index.h"

enum { FIRST_WINDOW = 512, STEP = 64 };

void csv_index_init(struct csv_index *index, struct row_block *block, char delimiter, char quote,
                    size_t max_record_bytes)
{
    *index = (struct csv_index){.host = block->host,
                                .find_places = VECTOR_VERSION(csv_find_places, vector_level()),
                                .block = block,
                                .max_record_bytes = max_record_bytes,
                                .window_limit = FIRST_WINDOW};
    index->places.delimiter = delimiter;
    index->places.quote = quote;
}

void csv_index_reset(struct csv_index *index)
{
    if (index->host) {
        sluice_free(index->host, index->uses);
        index->uses = NULL;
    }
}

void csv_index_begin(struct csv_index *index)
{
    index->record = NULL;
    index->window_limit = FIRST_WINDOW;
}

/* ---- layout ---- */

static bool reserve_uses(struct csv_index *index, size_t count)
{
    if (count <= index->use_capacity) {
        return true;
    }
    struct csv_cell_use *grown =
        sluice_resize(index->host, index->uses, count * sizeof *index->uses);
    if (grown) {
        index->uses = grown;
        index->use_capacity = count;
    }
    return grown != NULL;
}

static void use_cell(struct csv_index *index, size_t cell, const struct sluice_field *field,
                     int slot)
{
    struct csv_cell_use *use = &index->uses[cell];
    bool is_string = field->type == SLUICE_TYPE_STRING;
    use->cells = slot == ROW_BLOCK_NO_SLOT ? NULL : row_block_cells(index->block, slot);
    use->is_text_if_empty = field->is_required && is_string;
    use->is_left_if_empty = field->is_required && !is_string;
}

bool csv_index_set_layout(struct csv_index *index, const struct csv_layout *layout)
{
    index->cell_count = 0;
    if (layout->missing >= 0 || layout->twice >= 0 || layout->cell_count == 0) {
        return true;
    }
    if (!reserve_uses(index, layout->cell_count)) {
        return false;
    }
    for (size_t i = 0; i < layout->cell_count; i++) {
        index->uses[i] = (struct csv_cell_use){0};
    }
    for (size_t i = 0; i < layout->declared->field_count; i++) {
        int cell = layout->cells[i];
        for (size_t other = 0; other < i; other++) {
            if (cell != CSV_NO_CELL && cell == layout->cells[other]) {
                return true; /* two fields of one cell */
            }
        }
        if (cell != CSV_NO_CELL) {
            use_cell(index, (size_t)cell, sluice_schema_field(layout->declared, i),
                     row_block_slot(index->block, i));
        } else if (!row_block_leave_out(index->block, i)) {
            return true;
        }
    }
    index->cell_count = layout->cell_count;
    return true;
}

/* ---- window ---- */

/* The first byte from `at` on that is not ASCII; `end` where there is none before it. */
static inline size_t next_high(const struct csv_index *index, size_t at, size_t end)
{
    size_t step = at / STEP;
    uint64_t high = index->places.high[step] & UINT64_MAX << at % STEP;
    while (high == 0 && (step + 1) * STEP < end) {
        high = index->places.high[++step];
    }
    size_t found = high != 0 ? step * STEP + (size_t)__builtin_ctzll(high) : end;
    return found < end ? found : end;
}

/* Whether the bytes before `end`, which are whole records, are UTF-8: then each stretch of bytes
 * that are not ASCII is. */
static bool is_text(const struct csv_index *index, size_t end)
{
    size_t at = 0;
    while (at < end && (at = next_high(index, at, end)) < end) {
        size_t stop = at;
        while (stop < end && (unsigned char)index->window[stop] >= 0x80) {
            stop++;
        }
        if (!sluice_is_utf8(index->host, index->window + at, stop - at)) {
            return false;
        }
        at = stop;
    }
    return true;
}

/* The end of the last whole record of the window, as far as line feeds tell. */
static size_t whole_end(const struct csv_index *index)
{
    const struct csv_places *places = &index->places;
    size_t count = places->count;
    while (count > 0 && index->window[places->at[count - 1]] != '\n') {
        count--;
    }
    return count > 0 ? places->at[count - 1] : 0;
}

/* A window from `bytes` on, each wider than the one before. False where it is no text. */
static bool open_window(struct csv_index *index, const char *bytes, size_t size)
{
    size_t wider = index->window_limit * 2;
    index->window_limit = wider < CSV_WINDOW ? wider : CSV_WINDOW;
    index->window_size = size < index->window_limit ? size : index->window_limit;
    index->find_places(&index->places, bytes, index->window_size);
    index->window = bytes;
    index->record = bytes;
    index->next = 0;
    return !index->places.has_nul && is_text(index, whole_end(index));
}

/* The record at hand goes on behind the window: one that holds more of it, or false. */
static bool move_window(struct csv_index *index, size_t size)
{
    size_t most = size < CSV_WINDOW ? size : CSV_WINDOW;
    bool holds_all = index->record == index->window && index->window_size == most;
    return !holds_all && open_window(index, index->record, size);
}

/* ---- records ---- */

static int64_t count_line_feeds(const char *bytes, size_t size)
{
    int64_t count = 0;
    for (size_t i = 0; i < size; i++) {
        count += bytes[i] == '\n';
    }
    return count;
}

/* A record that is being read off the places. */
struct reading {
    const char *window;
    const uint16_t *place;
    const uint16_t *last; /* behind the places */
    size_t at;            /* where the cell begins */
    int64_t row;
    int64_t line_feeds;
    bool is_cut; /* the places ended before the record did */
};

/* Tells a cell. False where it may not be like that. */
static inline bool keep_cell(const struct csv_cell_use *use, struct reading *reading,
                             struct sluice_string cell, bool is_quoted)
{
    if (cell.size == 0 && !is_quoted && !use->is_text_if_empty) {
        if (use->is_left_if_empty) {
            return false;
        }
        cell.bytes = NULL;
    }
    if (use->cells) {
        use->cells[reading->row] = cell;
    }
    return true;
}

/* The quoted cell at reading->at, up to `delimiter`: opening quote, closing quote and delimiter are
 * the next places. */
static inline bool take_quoted(const struct csv_index *index, const struct csv_cell_use *use,
                               struct reading *reading, char delimiter)
{
    if (reading->last - reading->place < 3) {
        reading->is_cut = true;
        return false;
    }
    const char *window = reading->window;
    size_t begin = reading->at + 1;
    size_t close = reading->place[1];
    size_t end = reading->place[2];
    bool has_return = delimiter == '\n' && end == close + 2 && window[close + 1] == '\r';
    if ((end != close + 1 && !has_return) || window[end] != delimiter) {
        return false;
    }
    struct sluice_string cell = {window + begin, close - begin};
    if (index->places.has_quoted_line_feed) {
        reading->line_feeds += count_line_feeds(cell.bytes, cell.size);
    }
    reading->place += 3;
    reading->at = end + 1;
    return keep_cell(use, reading, cell, true);
}

static inline bool take_plain(const struct csv_cell_use *use, struct reading *reading,
                              char delimiter)
{
    if (reading->place == reading->last) {
        reading->is_cut = true;
        return false;
    }
    size_t end = *reading->place++;
    struct sluice_string cell = {reading->window + reading->at, end - reading->at};
    if (reading->window[end] != delimiter) {
        return false;
    }
    if (delimiter == '\n' && cell.size > 0 && cell.bytes[cell.size - 1] == '\r') {
        cell.size--;
    }
    reading->at = end + 1;
    return keep_cell(use, reading, cell, false);
}

static inline bool take_cell(const struct csv_index *index, size_t cell, struct reading *reading,
                             char delimiter)
{
    const struct csv_cell_use *use = &index->uses[cell];
    return reading->window[reading->at] == index->places.quote
               ? take_quoted(index, use, reading, delimiter)
               : take_plain(use, reading, delimiter);
}

static bool is_blank(const struct reading *reading)
{
    const char *at = reading->window + reading->at;
    return *at == '\n' || (*at == '\r' && at[1] == '\n');
}

static bool take_cells(const struct csv_index *index, struct reading *reading)
{
    size_t last = index->cell_count - 1;
    for (size_t i = 0; i < last; i++) {
        if (!take_cell(index, i, reading, index->places.delimiter)) {
            return false;
        }
    }
    return !(last == 0 && is_blank(reading)) && take_cell(index, last, reading, '\n');
}

enum taking { TAKEN, CUT, LEFT };

/* The next record of the window into the next row. */
static enum taking take_record(struct csv_index *index, int64_t *line)
{
    const struct csv_places *places = &index->places;
    struct reading reading = {.window = index->window,
                              .place = places->at + index->next,
                              .last = places->at + places->count,
                              .at = (size_t)(index->record - index->window),
                              .row = index->block->count,
                              .line_feeds = 1};
    if (!take_cells(index, &reading)) {
        return reading.is_cut ? CUT : LEFT;
    }
    size_t size = (size_t)(index->window + reading.at - index->record);
    if (size > index->max_record_bytes) {
        return LEFT;
    }
    row_block_add(index->block, (struct sluice_string){index->record, size}, *line);
    index->record += size;
    index->next = (size_t)(reading.place - places->at);
    *line += reading.line_feeds;
    return TAKEN;
}

size_t csv_index_rows(struct csv_index *index, const char *bytes, size_t size, int64_t *line)
{
    const char *end = bytes + size;
    bool is_ordinary =
        index->cell_count > 0 && (index->record == bytes || open_window(index, bytes, size));
    while (is_ordinary && !row_block_is_full(index->block)) {
        enum taking taking = take_record(index, line);
        if (taking == CUT) {
            is_ordinary = move_window(index, (size_t)(end - index->record));
        } else {
            is_ordinary = taking == TAKEN;
        }
    }
    size_t taken = index->cell_count > 0 ? (size_t)(index->record - bytes) : 0;
    if (!is_ordinary) {
        csv_index_begin(index);
    }
    return taken;
}
