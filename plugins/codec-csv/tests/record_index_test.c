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

struct readers {
    struct test_host *test;
    struct csv_splitter slow;
    struct csv_splitter fast;
    struct csv_index index;
    int records; /* all of them */
    int agreed;  /* those that the index gave */
};

static void readers_begin(struct readers *readers, char quote)
{
    *readers = (struct readers){.test = test_host_create()};
    readers->slow = (struct csv_splitter){
        .host = &readers->test->host, .delimiter = ',', .quote = quote, .keep_limit = CELLS};
    readers->fast = readers->slow;
}

static void readers_end(struct readers *readers)
{
    csv_splitter_reset(&readers->slow);
    csv_splitter_reset(&readers->fast);
    test_host_destroy(readers->test);
}

static void compare_cells(const struct readers *readers)
{
    const struct csv_splitter *slow = &readers->slow;
    const struct csv_splitter *fast = &readers->fast;
    assert_int_equal(fast->cell_count, slow->cell_count);
    assert_int_equal(fast->kept_count, slow->kept_count);
    assert_int_equal(fast->line_feeds, slow->line_feeds);
    for (size_t i = 0; i < slow->kept_count; i++) {
        assert_ptr_equal(fast->cells[i].bytes, slow->cells[i].bytes);
        assert_int_equal(fast->cells[i].size, slow->cells[i].size);
        assert_int_equal(fast->cells[i].is_quoted, slow->cells[i].is_quoted);
        assert_false(fast->cells[i].has_doubled);
        assert_false(slow->cells[i].has_doubled);
    }
}

/* A file in blocks of malloc, so that sanitizers see what is read beyond the padding. Answers how
 * far whole records reach. */
static void read_both_ways(struct readers *readers, const char *file, size_t size)
{
    char *bytes = malloc(size + SLUICE_PADDING);
    assert_non_null(bytes);
    memcpy(bytes, file, size);
    memset(bytes + size, '"', SLUICE_PADDING);
    csv_index_begin(&readers->index);
    for (size_t at = 0; at < size;) {
        size_t used;
        enum csv_answer answer = csv_split(&readers->slow, bytes + at, size - at, false, &used);
        if (answer == CSV_MORE) {
            size_t ignored;
            assert_false(csv_index_record(&readers->index, &readers->fast, bytes + at, size - at,
                                          CELLS, &ignored));
            break;
        }
        size_t used_fast;
        if (csv_index_record(&readers->index, &readers->fast, bytes + at, size - at, CELLS,
                             &used_fast)) {
            assert_int_equal(answer, CSV_RECORD);
            assert_int_equal(used_fast, used);
            compare_cells(readers);
            bool is_text = !memchr(bytes + at, '\0', used) &&
                           sluice_is_utf8(&readers->test->host, bytes + at, used);
            assert_true(is_text || readers->fast.is_suspicious);
            readers->agreed++;
        }
        readers->records++;
        at += used;
    }
    free(bytes);
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
        read_both_ways(&readers, file, size);
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
        read_both_ways(&readers, file, size > 0 ? size - draw(2) : 0);
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
