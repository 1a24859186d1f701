/* SPDX-License-Identifier: Apache-2.0 */
#include "letters/letters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[64];
    char path[96];
    struct sluice_error *error;
};

static int make_folder(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/sluice-letters-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof fixture->path, "%s/f.ndjson", fixture->folder);
    fixture->error = error_create();
    *state = fixture;
    return 0;
}

static int remove_folder(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", fixture->folder);
    assert_int_equal(system(command), 0);
    error_destroy(fixture->error);
    free(fixture);
    return 0;
}

static void append(const struct fixture *fixture, const char *text)
{
    FILE *file = fopen(fixture->path, "ae");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Originals of the letters, joined; with `code`, their lines go into `taken`. */
static void read_all(const struct fixture *fixture, const char *code, struct letter_ranges *taken,
                     struct text *originals)
{
    struct letter_reader *reader = NULL;
    struct letter letter;
    const struct letter_filter filter = {
        .code = code, .from_us = INT64_MIN, .until_us = INT64_MAX};
    text_clear(originals);
    assert_int_equal(letter_reader_open(fixture->path, &reader, fixture->error), SLUICE_OK);
    while (letter_reader_next(reader, &letter, fixture->error) == SLUICE_OK) {
        if (letter_matches(&letter, &filter) && taken)
            assert_true(letter_ranges_add(taken, &letter));
        text_append_bytes(originals, letter.original.bytes, letter.original.size);
    }
    letter_reader_close(reader);
}

static void assert_letters(const struct fixture *fixture, const char *expected)
{
    struct text originals = {0};
    read_all(fixture, NULL, NULL, &originals);
    assert_string_equal(text_get(&originals), expected);
    text_reset(&originals);
}

#define LETTER(code, original)                                                                     \
    "{\"step\":\"s\",\"code\":\"" code "\",\"original\":\"" original "\"}\n"

static void claim(const struct fixture *fixture, const char *code)
{
    struct letter_ranges taken = {0};
    struct text originals = {0};
    read_all(fixture, code, &taken, &originals);
    assert_int_equal(claim_write(fixture->path, &taken, 17, 4, fixture->error), SLUICE_OK);
    letter_ranges_reset(&taken);
    text_reset(&originals);
}

static void an_unfinished_last_line_is_not_there_yet(void **state)
{
    const struct fixture *fixture = *state;
    assert_letters(fixture, "");
    append(fixture, LETTER("a", "1") "{\"step\":\"s\",\"orig");
    assert_letters(fixture, "1");
}

static void a_claim_hides_its_letters_once_it_is_decided_and_not_before(void **state)
{
    const struct fixture *fixture = *state;
    append(fixture, LETTER("a", "1") LETTER("b", "2") LETTER("a", "3"));
    claim(fixture, "a");
    assert_letters(fixture, "123");
    assert_int_equal(claim_settle(fixture->path, true, fixture->error), SLUICE_OK);
    assert_letters(fixture, "2");
    append(fixture, LETTER("a", "4"));
    assert_letters(fixture, "24");
    assert_int_equal(letters_sweep(fixture->path, fixture->error), SLUICE_OK);
    assert_letters(fixture, "24");
}

static void a_claim_that_was_not_decided_leaves_no_trace(void **state)
{
    const struct fixture *fixture = *state;
    bool is_there = true;
    uint64_t nonce = 0;
    uint64_t checkpoint = 0;
    append(fixture, LETTER("a", "1"));
    claim(fixture, "a");
    assert_int_equal(
        claim_pending(fixture->path, &is_there, &nonce, &checkpoint, fixture->error), SLUICE_OK);
    assert_true(is_there && nonce == 17 && checkpoint == 4);
    assert_int_equal(claim_settle(fixture->path, false, fixture->error), SLUICE_OK);
    assert_int_equal(
        claim_pending(fixture->path, &is_there, &nonce, &checkpoint, fixture->error), SLUICE_OK);
    assert_false(is_there);
    assert_letters(fixture, "1");
}

/* A crash between the cleaned file's rename and the removal of the claim. */
static void a_claim_about_a_file_that_was_cleaned_already_takes_nothing_out(void **state)
{
    const struct fixture *fixture = *state;
    append(fixture, LETTER("a", "1") LETTER("b", "2") LETTER("b", "3"));
    claim(fixture, "a");
    assert_int_equal(claim_settle(fixture->path, true, fixture->error), SLUICE_OK);
    assert_int_equal(unlink(fixture->path), 0);
    append(fixture, LETTER("b", "2") LETTER("b", "3"));
    assert_letters(fixture, "23");
    assert_int_equal(letters_sweep(fixture->path, fixture->error), SLUICE_OK);
    assert_letters(fixture, "23");
}

static void a_damaged_claim_is_an_error_and_never_guessed_at(void **state)
{
    const struct fixture *fixture = *state;
    char path[128];
    bool is_there;
    uint64_t number;
    snprintf(path, sizeof path, "%s.claim", fixture->path);
    append(fixture, LETTER("a", "1"));
    claim(fixture, "a");
    assert_int_equal(truncate(path, 30), 0);
    assert_int_equal(claim_pending(fixture->path, &is_there, &number, &number, fixture->error),
                     SLUICE_FATAL);
    assert_int_equal(error_code(fixture->error), SLUICE_CODE_STATE_CORRUPT);
}

static void lines_that_are_no_letters_are_told_apart(void **state)
{
    const struct fixture *fixture = *state;
    struct letter_reader *reader = NULL;
    struct letter letter;
    static const char *const lines[] = {"rubbish\n", "{}\n", "[1]\n",
                                        "{\"original_base64\":\"AAA\"}\n", "\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        append(fixture, lines[i]);
    append(fixture, "{\"original_base64\":\"AP8=\"}\n");
    assert_int_equal(letter_reader_open(fixture->path, &reader, fixture->error), SLUICE_OK);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(letter_reader_next(reader, &letter, fixture->error), SLUICE_OK);
        assert_true(letter.is_damaged);
    }
    assert_int_equal(letter_reader_next(reader, &letter, fixture->error), SLUICE_OK);
    assert_true(!letter.is_damaged && letter.is_binary && letter.original.size == 2);
    assert_memory_equal(letter.original.bytes, "\x00\xff", 2);
    letter_reader_close(reader);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_unfinished_last_line_is_not_there_yet),
        CASE(a_claim_hides_its_letters_once_it_is_decided_and_not_before),
        CASE(a_claim_that_was_not_decided_leaves_no_trace),
        CASE(a_claim_about_a_file_that_was_cleaned_already_takes_nothing_out),
        CASE(a_damaged_claim_is_an_error_and_never_guessed_at),
        CASE(lines_that_are_no_letters_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
