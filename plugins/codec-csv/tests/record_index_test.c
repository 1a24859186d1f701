/* SPDX-License-Identifier: Apache-2.0 */
/* The fast way to records against csv_split(), which it must agree with to the byte: over random
 * text made of what matters to CSV, and over good files with a few bytes changed. */
#include "record_index.h"

#include "records/byte_block.h"
#include "test_host/test_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { FILE_LIMIT = 40 * 1024, CELLS = 3 };

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % below);
}

static const struct sluice_field fields[CELLS] = {
    {.name = "a", .type = SLUICE_TYPE_STRING},
    {.name = "b", .type = SLUICE_TYPE_STRING},
    {.name = "c", .type = SLUICE_TYPE_STRING},
};
static const struct sluice_schema three = {sizeof fields[0], CELLS, fields};

struct readers {
    struct test_host *test;
    struct csv_splitter slow;
    struct csv_layout layout;
    struct text_reader reader;
    struct record_rows rows;
    struct row_block block;
    struct csv_index index;
    int records; /* all of them */
    int agreed;  /* those that the index gave */
};

static void readers_begin(struct readers *readers, char quote)
{
    *readers = (struct readers){.test = test_host_create()};
    const struct sluice_host *host = &readers->test->host;
    struct sluice_error *error = readers->test->error;
    readers->slow = (struct csv_splitter){
        .host = host, .delimiter = ',', .quote = quote, .keep_limit = CELLS};
    assert_int_equal(csv_layout_init(&readers->layout, host, &three, error), SLUICE_OK);
    assert_int_equal(text_reader_init(&readers->reader, host, error), SLUICE_OK);
    assert_int_equal(rows_init(&readers->rows, &readers->reader, &three, &three, error),
                     SLUICE_OK);
    assert_int_equal(row_block_init(&readers->block, &readers->rows, &readers->reader, error),
                     SLUICE_OK);
    csv_index_init(&readers->index, &readers->block, ',', quote, FILE_LIMIT);
    assert_true(csv_index_set_layout(&readers->index, &readers->layout));
}

static void readers_end(struct readers *readers)
{
    csv_index_reset(&readers->index);
    row_block_reset(&readers->block);
    rows_reset(&readers->rows);
    text_reader_reset(&readers->reader);
    csv_layout_reset(&readers->layout);
    csv_splitter_reset(&readers->slow);
    test_host_destroy(readers->test);
}

/* Row `row` of the block is the record that csv_split() finds in the same place. */
static void compare_record(struct readers *readers, int64_t row, int64_t *line)
{
    const struct sluice_string *record = &readers->block.records[row];
    size_t used;
    assert_int_equal(csv_split(&readers->slow, record->bytes, record->size, false, &used),
                     CSV_RECORD);
    assert_int_equal(used, record->size);
    assert_int_equal(readers->slow.cell_count, CELLS);
    assert_int_equal(readers->block.positions[row], *line);
    *line += readers->slow.line_feeds;
    for (int i = 0; i < CELLS; i++) {
        const struct csv_cell *cell = &readers->slow.cells[i];
        struct sluice_string got =
            row_block_cells(&readers->block, row_block_slot(&readers->block, (size_t)i))[row];
        assert_false(cell->has_doubled);
        assert_int_equal(got.size, cell->size);
        assert_ptr_equal(got.bytes, cell->size == 0 && !cell->is_quoted ? NULL : cell->bytes);
    }
    assert_null(memchr(record->bytes, '\0', record->size));
    assert_true(sluice_is_utf8(&readers->test->host, record->bytes, record->size));
}

/* What the index takes at `bytes`, compared; answers how much that is. */
static size_t take_fast(struct readers *readers, const char *bytes, size_t size, int64_t *line)
{
    int64_t reached = *line;
    size_t taken = csv_index_rows(&readers->index, bytes, size, &reached);
    const char *at = bytes;
    for (int64_t row = 0; row < readers->block.count; row++) {
        assert_ptr_equal(readers->block.records[row].bytes, at);
        compare_record(readers, row, line);
        at += readers->block.records[row].size;
        readers->agreed++;
        readers->records++;
    }
    assert_int_equal(reached, *line);
    assert_int_equal(at - bytes, taken);
    readers->block.count = 0;
    return taken;
}

/* A file in blocks of malloc, so that sanitizers see what is read beyond the padding. */
static void read_both_ways(struct readers *readers, const char *file, size_t size)
{
    char *bytes = malloc(size + SLUICE_PADDING);
    assert_non_null(bytes);
    memcpy(bytes, file, size);
    memset(bytes + size, '"', SLUICE_PADDING);
    csv_index_begin(&readers->index);
    int64_t line = 1;
    for (size_t at = 0; at < size;) {
        size_t taken = take_fast(readers, bytes + at, size - at, &line);
        at += taken;
        if (taken > 0 && readers->index.record) {
            continue; /* the block was full */
        }
        size_t used;
        if (at == size ||
            csv_split(&readers->slow, bytes + at, size - at, false, &used) == CSV_MORE) {
            break;
        }
        at += used;
        line += readers->slow.line_feeds;
        readers->records++;
    }
    free(bytes);
}

/* With each version of the loop that this machine can run. */
static void read_at_all_levels(struct readers *readers, const char *file, size_t size)
{
    for (enum vector_level level = VECTOR_BASE; level <= vector_level(); level++) {
        readers->index.find_places = VECTOR_VERSION(csv_find_places, level);
        read_both_ways(readers, file, size);
    }
}

static void random_text_is_split_the_same(void **state)
{
    (void)state;
    static const char *const pieces[] = {",",
                                         ",",
                                         "\"",
                                         "\"",
                                         "\n",
                                         "\r\n",
                                         "\r",
                                         "a",
                                         "bc",
                                         "\"\"",
                                         "\xc3\x85",
                                         "\xff",
                                         "long, but only without quotes"};
    random_state = 1;
    struct readers readers;
    readers_begin(&readers, '"');
    for (int round = 0; round < 6000; round++) {
        char file[1600];
        size_t size = 0;
        size_t wanted = draw(1500);
        uint32_t kinds = round % 2 ? 13 : 9; /* with and without bytes that are not ASCII */
        while (size < wanted) {
            const char *piece = pieces[draw(20) < 9 ? draw(9) : draw(kinds)];
            memcpy(file + size, piece, strlen(piece));
            size += strlen(piece);
        }
        read_at_all_levels(&readers, file, size);
    }
    assert_true(readers.agreed > 1000);
    readers_end(&readers);
}

static size_t make_record(char *out, char quote)
{
    size_t size = 0;
    for (int cell = 0; cell < CELLS; cell++) {
        bool is_quoted = draw(3) == 0;
        size_t length = draw(40) == 0 ? draw(700) : draw(24);
        if (is_quoted) {
            out[size++] = quote;
        }
        for (size_t i = 0; i < length; i++) {
            static const char quoted[] = "abcdef gh,\r\n";
            out[size++] = is_quoted ? quoted[draw(draw(8) ? 9 : 12)] : (char)('a' + draw(26));
        }
        if (is_quoted) {
            out[size++] = quote;
        }
        out[size++] = cell < CELLS - 1 ? ',' : '\n';
        if (cell == CELLS - 1 && draw(8) == 0) {
            out[size - 1] = '\r';
            out[size++] = '\n';
        }
    }
    return size;
}

static void read_damaged_files(char quote)
{
    static const char bytes[] = ",\"'\n\r\0ax\xc3\xff";
    struct readers readers;
    readers_begin(&readers, quote);
    char *file = malloc(FILE_LIMIT + 4096);
    assert_non_null(file);
    for (int round = 0; round < 160; round++) {
        size_t wanted = draw(FILE_LIMIT);
        size_t size = 0;
        while (size < wanted) {
            size += make_record(file + size, quote);
        }
        for (uint32_t i = draw(6); size > 0 && i > 0; i--) {
            file[draw((uint32_t)size)] = bytes[draw(sizeof bytes - 1)];
        }
        read_at_all_levels(&readers, file, size > 0 ? size - draw(2) : 0);
    }
    free(file);
    /* The fast way is the usual one: a file is left to the slow one where it is damaged only. */
    assert_true(readers.agreed > readers.records * 9 / 10);
    readers_end(&readers);
}

static void damaged_files_are_split_the_same(void **state)
{
    (void)state;
    random_state = 2;
    read_damaged_files('"');
    read_damaged_files('\'');
}

static void bits_are_gathered_the_same_without_vector_instructions(void **state)
{
    (void)state;
    random_state = 3;
    for (int round = 0; round < 10000; round++) {
        uint64_t words[2];
        for (int i = 0; i < 2; i++) {
            words[i] = (uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX);
        }
        byte_block block = block_load((const char *)words);
        assert_int_equal(block_bits(block), word_bits(words[0]) | word_bits(words[1]) << 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_text_is_split_the_same),
        cmocka_unit_test(damaged_files_are_split_the_same),
        cmocka_unit_test(bits_are_gathered_the_same_without_vector_instructions),
    };
    return cmocka_run_group_tests_name("record_index", tests, NULL, NULL);
}
