/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/checkpoint.h"

#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char folder[64];
    struct state_folder state;
    struct sluice_error *error;
};

static int make_folder(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/sluice-checkpoint-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    state_folder_init(&fixture->state, state_store_files(), fixture->folder, "m");
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
    state_folder_reset(&fixture->state);
    error_destroy(fixture->error);
    free(fixture);
    return 0;
}

static struct checkpoint *make_checkpoint(uint64_t number)
{
    struct checkpoint *checkpoint = checkpoint_create(number);
    struct text state = {0};
    text_append_bytes(&state, "offsets\0with a NUL", 18);
    assert_true(checkpoint_add(checkpoint, CHECKPOINT_POSITION, "source-kafka", 0, &state));
    text_append(&state, "upload 7");
    assert_true(checkpoint_add(checkpoint, CHECKPOINT_STAGED, "sink-s3", 1, &state));
    checkpoint->after_run = 99;
    return checkpoint;
}

static void a_checkpoint_reads_back_as_it_was_written(void **state)
{
    struct fixture *fixture = *state;
    struct checkpoint *written = make_checkpoint(42);
    struct checkpoint *read = NULL;
    assert_int_equal(store_save(&fixture->state, written, fixture->error), SLUICE_OK);
    assert_int_equal(store_load(&fixture->state, 0, &read, fixture->error), SLUICE_OK);
    assert_int_equal(read->number, 42);
    assert_int_equal(read->after_run, 99);
    const struct checkpoint_entry *entry = checkpoint_find(read, "source-kafka", 0);
    assert_non_null(entry);
    assert_int_equal(entry->state.size, 18);
    assert_memory_equal(entry->state.data, "offsets\0with a NUL", 18);
    assert_null(checkpoint_find(read, "source-kafka", 1));
    assert_non_null(checkpoint_find(read, "sink-s3", 1));
    checkpoint_destroy(written);
    checkpoint_destroy(read);
}

static void a_folder_that_is_not_there_holds_no_checkpoint(void **state)
{
    struct fixture *fixture = *state;
    struct checkpoint *read = NULL;
    char folder[128];
    snprintf(folder, sizeof folder, "%s/nothing", fixture->folder);
    struct state_folder nothing;
    state_folder_init(&nothing, state_store_files(), folder, "m");
    assert_int_equal(store_load(&nothing, 0, &read, fixture->error), SLUICE_OK);
    assert_null(read);
    state_folder_reset(&nothing);
}

static void every_flipped_bit_and_every_cut_is_found(void **state)
{
    struct fixture *fixture = *state;
    struct checkpoint *written = make_checkpoint(7);
    struct text bytes = {0};
    assert_int_equal(checkpoint_encode(written, &bytes, fixture->error), SLUICE_OK);
    for (size_t i = 0; i < bytes.size; i++) {
        struct checkpoint *read = NULL;
        bytes.data[i] = (char)(bytes.data[i] ^ 0x10);
        assert_int_equal(checkpoint_decode(bytes.data, bytes.size, &read, fixture->error),
                         SLUICE_FATAL);
        assert_null(read);
        bytes.data[i] = (char)(bytes.data[i] ^ 0x10);
        assert_int_equal(checkpoint_decode(bytes.data, i, &read, fixture->error), SLUICE_FATAL);
        assert_null(read);
        assert_int_equal(error_code(fixture->error), SLUICE_CODE_STATE_CORRUPT);
    }
    text_reset(&bytes);
    checkpoint_destroy(written);
}

static void other_versions_are_refused_not_guessed(void **state)
{
    struct fixture *fixture = *state;
    struct checkpoint *written = make_checkpoint(7);
    struct text bytes = {0};
    assert_int_equal(checkpoint_encode(written, &bytes, fixture->error), SLUICE_OK);
    for (int version = 0; version <= 255; version++) {
        struct checkpoint *read = NULL;
        bytes.data[8] = (char)(unsigned char)version;
        uint64_t hash = hash_bytes(bytes.data, bytes.size - 8);
        memcpy(bytes.data + bytes.size - 8, &hash, 8);
        enum sluice_status status =
            checkpoint_decode(bytes.data, bytes.size, &read, fixture->error);
        assert_int_equal(status, version == 1 ? SLUICE_OK : SLUICE_FATAL);
        assert_int_equal(version == 1 ? SLUICE_CODE_STATE_VERSION : error_code(fixture->error),
                         SLUICE_CODE_STATE_VERSION);
        checkpoint_destroy(read);
    }
    text_reset(&bytes);
    checkpoint_destroy(written);
}

static void every_flipped_bit_and_every_cut_of_a_mark_is_found(void **state)
{
    struct fixture *fixture = *state;
    char path[160];
    struct text whole = {0};
    snprintf(path, sizeof path, "%s/committed", fixture->folder);
    assert_int_equal(store_write_mark(&fixture->state, "committed", 17, fixture->error), SLUICE_OK);
    assert_int_equal(file_read_all(path, 100, &whole, fixture->error), SLUICE_OK);
    for (size_t i = 0; i < 2 * whole.size; i++) {
        uint64_t mark = 1;
        bool is_cut = i >= whole.size;
        size_t at = is_cut ? i - whole.size : i;
        whole.data[at] = (char)(whole.data[at] ^ (is_cut ? 0 : 1));
        assert_int_equal(file_replace(path, whole.data, is_cut ? at : whole.size, fixture->error),
                         SLUICE_OK);
        assert_int_equal(store_read_mark(&fixture->state, "committed", &mark, fixture->error),
                         SLUICE_FATAL);
        assert_int_equal(error_code(fixture->error), SLUICE_CODE_STATE_CORRUPT);
        assert_int_equal(mark, 0);
        whole.data[at] = (char)(whole.data[at] ^ (is_cut ? 0 : 1));
    }
    text_reset(&whole);
}

static void the_newest_is_found_and_older_ones_are_pruned(void **state)
{
    struct fixture *fixture = *state;
    for (uint64_t number = 8; number <= 12; number++) {
        struct checkpoint *checkpoint = make_checkpoint(number);
        assert_int_equal(store_save(&fixture->state, checkpoint, fixture->error), SLUICE_OK);
        checkpoint_destroy(checkpoint);
    }
    uint64_t newest = 0;
    struct checkpoint *read = NULL;
    assert_int_equal(store_newest(&fixture->state, &newest, fixture->error), SLUICE_OK);
    assert_int_equal(newest, 12);
    assert_int_equal(store_prune(&fixture->state, 12, 1, fixture->error), SLUICE_OK);
    assert_int_equal(store_load(&fixture->state, 10, &read, fixture->error), SLUICE_FATAL);
    assert_int_equal(error_code(fixture->error), SLUICE_CODE_NOT_FOUND);
    assert_int_equal(store_load(&fixture->state, 11, &read, fixture->error), SLUICE_OK);
    checkpoint_destroy(read);
}

static void a_mark_is_zero_until_it_is_written(void **state)
{
    struct fixture *fixture = *state;
    uint64_t mark = 1;
    assert_int_equal(store_read_mark(&fixture->state, "committed", &mark, fixture->error),
                     SLUICE_OK);
    assert_int_equal(mark, 0);
    assert_int_equal(store_write_mark(&fixture->state, "committed", 17, fixture->error),
                     SLUICE_OK);
    assert_int_equal(store_read_mark(&fixture->state, "committed", &mark, fixture->error),
                     SLUICE_OK);
    assert_int_equal(mark, 17);
}

static void a_drawn_number_is_larger_than_every_earlier_one(void **state)
{
    struct fixture *fixture = *state;
    uint64_t number = 0;
    assert_int_equal(store_draw(&fixture->state, 1000, &number, fixture->error), SLUICE_OK);
    assert_int_equal(number, 1000);
    assert_int_equal(store_draw(&fixture->state, 10, &number, fixture->error), SLUICE_OK);
    assert_int_equal(number, 1001);
    assert_int_equal(store_next(&fixture->state, 7), 8);
    assert_int_equal(store_confirm(&fixture->state, fixture->error), SLUICE_OK);
}

static void a_member_is_kept_over_a_restart_and_held_by_one(void **state)
{
    struct fixture *fixture = *state;
    struct member first, second, again;
    assert_int_equal(member_take(fixture->folder, NULL, &first, fixture->error), SLUICE_OK);
    assert_int_equal(member_take(fixture->folder, NULL, &second, fixture->error), SLUICE_OK);
    assert_string_not_equal(first.id, second.id);
    struct member taken;
    assert_int_equal(member_take(fixture->folder, first.id, &taken, fixture->error),
                     SLUICE_FATAL);
    assert_int_equal(error_code(fixture->error), SLUICE_CODE_CONFLICT);
    member_drop(&first);
    assert_int_equal(member_take(fixture->folder, NULL, &again, fixture->error), SLUICE_OK);
    assert_string_equal(again.id, first.id);
    member_drop(&again);
    member_drop(&second);
}

static void a_member_name_that_could_leave_the_folder_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct member member;
    static const char *const names[] = {"..", "a/b", "", ".hidden", "über"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(member_take(fixture->folder, names[i], &member, fixture->error),
                         SLUICE_CONFIG);
        assert_int_equal(member.lock, -1);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
    const struct CMUnitTest tests[] = {
        CASE(a_checkpoint_reads_back_as_it_was_written),
        CASE(a_folder_that_is_not_there_holds_no_checkpoint),
        CASE(every_flipped_bit_and_every_cut_is_found),
        CASE(the_newest_is_found_and_older_ones_are_pruned),
        CASE(other_versions_are_refused_not_guessed),
        CASE(a_mark_is_zero_until_it_is_written),
        CASE(every_flipped_bit_and_every_cut_of_a_mark_is_found),
        CASE(a_drawn_number_is_larger_than_every_earlier_one),
        CASE(a_member_is_kept_over_a_restart_and_held_by_one),
        CASE(a_member_name_that_could_leave_the_folder_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
