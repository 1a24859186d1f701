/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints in a store without locks: what one process writes, another reads; of two that are the
 * same member, one is fenced, at whatever call the other comes in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_store.h"

/* A process that is member m. */
struct process {
    struct state_store *store;
    struct state_folder folder;
    struct sluice_error *error;
};

static struct fake_store fake;

static void start(struct process *process)
{
    process->store = fake_open(&fake);
    process->error = error_create();
    state_folder_init(&process->folder, process->store, "p/checkpoints/f/m", "m");
}

static void end(struct process *process)
{
    state_folder_reset(&process->folder);
    state_store_destroy(process->store);
    error_destroy(process->error);
}

static int tear_down(void **state)
{
    (void)state;
    fake_reset(&fake);
    return 0;
}

/* Number of the newest checkpoint; 0: none; -1: fenced. */
static int64_t claim(struct process *process)
{
    struct checkpoint *newest = NULL;
    enum sluice_status status = store_claim(&process->folder, &newest, process->error);
    int64_t number = newest ? (int64_t)newest->number : 0;
    checkpoint_destroy(newest);
    if (status == SLUICE_OK)
        return number;
    assert_int_equal(status, SLUICE_FATAL);
    assert_int_equal(error_code(process->error), SLUICE_CODE_CONFLICT);
    return -1;
}

/* The next checkpoint's number, or -1 where the process is fenced. */
static int64_t save(struct process *process, const char *content)
{
    uint64_t number = store_next(&process->folder, 0);
    struct checkpoint *checkpoint = checkpoint_create(number);
    struct text state = {0};
    text_append(&state, content);
    assert_true(checkpoint_add(checkpoint, CHECKPOINT_POSITION, "source", 0, &state));
    enum sluice_status status = store_save(&process->folder, checkpoint, process->error);
    checkpoint_destroy(checkpoint);
    if (status == SLUICE_OK)
        return (int64_t)number;
    assert_int_equal(error_code(process->error), SLUICE_CODE_CONFLICT);
    return -1;
}

static void assert_content(struct process *process, uint64_t number, const char *content)
{
    struct checkpoint *read = NULL;
    assert_int_equal(store_load(&process->folder, number, &read, process->error), SLUICE_OK);
    assert_non_null(read);
    assert_int_equal(read->entry_count, 1); /* who wrote it is not seen */
    assert_string_equal(text_get(&read->entries[0].state), content);
    checkpoint_destroy(read);
}

static void assert_keys(const char *expected)
{
    struct text keys = {0};
    fake_list(&fake, &keys);
    assert_string_equal(text_get(&keys), expected);
    text_reset(&keys);
}

#define KEY(number) "p/checkpoints/f/m/0000000000000000000" number ".checkpoint "

static void what_one_process_wrote_the_next_one_reads(void **state)
{
    (void)state;
    struct process first, second;
    start(&first);
    assert_int_equal(claim(&first), 0);
    assert_int_equal(save(&first, "one"), 2);
    assert_int_equal(save(&first, "two"), 3);
    end(&first);
    start(&second);
    assert_int_equal(claim(&second), 3);
    assert_content(&second, 0, "two");
    assert_content(&second, 2, "one");
    assert_int_equal(save(&second, "three"), 5);
    end(&second);
}

static void claims_do_not_add_up_and_are_no_checkpoints(void **state)
{
    (void)state;
    struct process process;
    for (int i = 0; i < 3; i++) {
        start(&process);
        assert_int_equal(claim(&process), 0);
        end(&process);
    }
    assert_keys(KEY("3"));
    start(&process);
    assert_int_equal(claim(&process), 0);
    struct checkpoint *read = NULL;
    assert_int_equal(store_load(&process.folder, 4, &read, process.error), SLUICE_FATAL);
    assert_int_equal(error_code(process.error), SLUICE_CODE_NOT_FOUND);
    assert_null(read);
    end(&process);
}

static void pruning_keeps_what_was_asked_for(void **state)
{
    (void)state;
    struct process process;
    start(&process);
    claim(&process);
    for (int i = 0; i < 3; i++)
        save(&process, "x");
    assert_int_equal(store_write_mark(&process.folder, "committed", 3, process.error), SLUICE_OK);
    assert_int_equal(store_write_mark(&process.folder, "committed", 4, process.error), SLUICE_OK);
    assert_int_equal(store_prune(&process.folder, 4, 1, process.error), SLUICE_OK);
    assert_keys(KEY("3") KEY("4") "p/checkpoints/f/m/committed.00000000000000000004 ");
    end(&process);
}

static void a_mark_never_goes_back(void **state)
{
    (void)state;
    struct process process;
    uint64_t mark = 9;
    start(&process);
    assert_int_equal(store_read_mark(&process.folder, "committed", &mark, process.error), 0);
    assert_int_equal(mark, 0);
    store_write_mark(&process.folder, "committed", 7, process.error);
    store_write_mark(&process.folder, "committed", 5, process.error);
    assert_int_equal(store_read_mark(&process.folder, "committed", &mark, process.error), 0);
    assert_int_equal(mark, 7);
    end(&process);
}

static void a_number_is_drawn_once_among_all(void **state)
{
    (void)state;
    struct process one, other;
    uint64_t first = 0, second = 0;
    start(&one);
    start(&other);
    assert_int_equal(store_draw(&one.folder, 100, &first, one.error), SLUICE_OK);
    assert_int_equal(store_draw(&other.folder, 50, &second, other.error), SLUICE_OK);
    assert_int_equal(first, 100);
    assert_int_equal(second, 101);
    end(&one);
    end(&other);
}

/* ---- two processes ---- */

static void the_one_that_came_first_is_fenced_at_its_next_checkpoint(void **state)
{
    (void)state;
    struct process first, second;
    start(&first);
    start(&second);
    claim(&first);
    assert_int_equal(save(&first, "one"), 2);
    assert_int_equal(store_confirm(&first.folder, first.error), SLUICE_OK);
    assert_int_equal(claim(&second), 2);
    assert_int_equal(store_confirm(&first.folder, first.error), SLUICE_FATAL);
    assert_int_equal(error_code(first.error), SLUICE_CODE_CONFLICT);
    assert_int_equal(save(&first, "zombie"), -1);
    assert_non_null(strstr(error_message(first.error), "member `m`"));
    assert_non_null(strstr(error_causes(first.error), "process"));
    assert_int_equal(claim(&first), -1);
    assert_int_equal(save(&second, "two"), 4);
    assert_content(&second, 0, "two");
    end(&first);
    end(&second);
}

static void a_number_that_was_passed_and_pruned_does_not_count_again(void **state)
{
    (void)state;
    struct process first, second;
    start(&first);
    start(&second);
    claim(&first);
    claim(&second);
    for (int i = 0; i < 4; i++)
        save(&second, "x");
    assert_int_equal(store_prune(&second.folder, 6, 0, second.error), SLUICE_OK);
    assert_int_equal(save(&first, "zombie"), -1);
    assert_content(&second, 0, "x");
    end(&first);
    end(&second);
}

static void what_a_stopped_process_removes_late_is_its_own(void **state)
{
    (void)state;
    struct process first, second;
    start(&first);
    start(&second);
    claim(&first);
    save(&first, "one");
    save(&first, "two");
    assert_int_equal(claim(&second), 3);
    assert_int_equal(store_prune(&first.folder, 3, 0, first.error), SLUICE_OK);
    assert_content(&second, 0, "two");
    end(&first);
    end(&second);
}

struct race {
    struct process other;
    int saves;
    int64_t claimed;
    int64_t saved;
};

static void act(void *user)
{
    struct race *race = user;
    race->claimed = claim(&race->other);
    race->saved = race->claimed;
    for (int i = 0; i < race->saves && race->saved >= 0; i++)
        race->saved = save(&race->other, "other");
}

/* The other process starts as the same member (and saves) before each single call of ours in turn:
 * never do both think that they go on, and what was valid once is what the winner builds on. */
static void at_every_call_one_of_two_goes_on(int saves)
{
    for (int at = 1; at < 40; at++) {
        struct process ours;
        struct race race = {.saves = saves};
        start(&ours);
        start(&race.other);
        fake.other_at = at;
        fake.other = act;
        fake.user = &race;
        int64_t claimed = claim(&ours);
        int64_t saved = claimed < 0 ? -1 : save(&ours, "ours");
        bool has_come = !fake.other;
        fake.other = NULL;
        if (!has_come) {
            end(&ours);
            end(&race.other);
            fake_reset(&fake);
            assert_in_range(at, 5, 39); /* else nothing was tried */
            return;
        }
        int64_t next_ours = saved < 0 ? -1 : save(&ours, "ours");
        int64_t next_other = race.saved < 0 ? -1 : save(&race.other, "other");
        assert_true(next_ours < 0 || next_other < 0);
        /* What we were told is saved is there, or the other one went on from it. */
        if (saved > 0 && next_other > 0)
            assert_true(race.claimed == saved);
        end(&ours);
        end(&race.other);
        fake_reset(&fake);
    }
    fail_msg("a claim and a checkpoint take more calls than they should");
}

static void at_every_call_another_process_may_start(void **state)
{
    (void)state;
    at_every_call_one_of_two_goes_on(0);
}

static void at_every_call_another_process_may_start_and_go_on(void **state)
{
    (void)state;
    at_every_call_one_of_two_goes_on(1);
    at_every_call_one_of_two_goes_on(3);
}

/* ---- stores that fail ---- */

/* Every call in turn is refused for a moment, or its answer is lost: nobody notices. */
static void a_call_that_fails_for_a_moment_changes_nothing(void **state)
{
    (void)state;
    for (int fault = FAKE_REFUSED; fault <= FAKE_LOST; fault++) {
        for (int at = 1; at <= 20; at++) {
            struct process process;
            uint64_t mark = 0, drawn = 0;
            start(&process);
            fake.fault = (enum fake_fault)fault;
            fake.fault_at = at;
            assert_int_equal(claim(&process), 0);
            assert_int_equal(save(&process, "one"), 2);
            assert_int_equal(store_draw(&process.folder, 5, &drawn, process.error), SLUICE_OK);
            assert_int_equal(drawn, 5);
            assert_int_equal(store_write_mark(&process.folder, "committed", 2, process.error), 0);
            assert_int_equal(store_prune(&process.folder, 2, 0, process.error), SLUICE_OK);
            assert_int_equal(store_read_mark(&process.folder, "committed", &mark, process.error),
                             0);
            assert_int_equal(mark, 2);
            assert_content(&process, 0, "one");
            assert_keys(KEY("2") "p/checkpoints/f/m/attempted.00000000000000000005 "
                                 "p/checkpoints/f/m/committed.00000000000000000002 ");
            end(&process);
            fake_reset(&fake);
        }
    }
}

static void a_call_that_is_forbidden_is_not_repeated(void **state)
{
    (void)state;
    struct process process;
    struct checkpoint *newest = NULL;
    start(&process);
    fake.fault = FAKE_FORBIDDEN;
    fake.fault_at = 1;
    assert_int_equal(store_claim(&process.folder, &newest, process.error), SLUICE_CONFIG);
    assert_int_equal(fake.calls, 1);
    end(&process);
}

static void a_cancelled_store_gives_up(void **state)
{
    (void)state;
    struct process process;
    struct checkpoint *newest = NULL;
    start(&process);
    state_store_cancel(process.store);
    fake.fault = FAKE_REFUSED;
    fake.fault_at = 1;
    assert_int_equal(store_claim(&process.folder, &newest, process.error), SLUICE_FATAL);
    assert_int_equal(error_code(process.error), SLUICE_CODE_CANCELLED);
    end(&process);
}

static void a_store_that_does_not_know_conditions_is_refused_at_the_start(void **state)
{
    (void)state;
    struct process process;
    start(&process);
    assert_int_equal(state_store_begin(process.store, "p", "m", process.error), SLUICE_OK);
    assert_keys("p/members/m/owner ");
    fake.is_blind = true;
    assert_int_equal(state_store_begin(process.store, "p", "m", process.error), SLUICE_CONFIG);
    assert_non_null(strstr(error_message(process.error), "conditional writes"));
    end(&process);
}

static void damage_is_an_error_and_never_a_wrong_answer(void **state)
{
    (void)state;
    struct process process;
    start(&process);
    claim(&process);
    save(&process, "one");
    struct text *value = fake_find(&fake, "p/checkpoints/f/m/00000000000000000002.checkpoint");
    assert_non_null(value);
    for (size_t i = 0; i < value->size; i++) {
        struct checkpoint *read = NULL;
        value->data[i] = (char)(value->data[i] ^ 0x10);
        assert_int_equal(store_load(&process.folder, 0, &read, process.error), SLUICE_FATAL);
        assert_int_equal(error_code(process.error), SLUICE_CODE_STATE_CORRUPT);
        assert_non_null(strstr(error_field(process.error, SLUICE_AT_OBJECT), "fake://store"));
        assert_null(read);
        value->data[i] = (char)(value->data[i] ^ 0x10);
    }
    end(&process);
}

static void a_claim_whose_checkpoint_is_gone_is_an_error(void **state)
{
    (void)state;
    struct process process, next;
    struct checkpoint *newest = NULL;
    start(&process);
    start(&next);
    claim(&process);
    save(&process, "one");
    claim(&process);
    const char *key = "p/checkpoints/f/m/00000000000000000002.checkpoint";
    assert_int_equal(fake_calls.remove(&fake, key, process.error), SLUICE_OK);
    assert_int_equal(store_claim(&next.folder, &newest, next.error), SLUICE_FATAL);
    assert_int_equal(error_code(next.error), SLUICE_CODE_STATE_CORRUPT);
    end(&process);
    end(&next);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_teardown(name, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(what_one_process_wrote_the_next_one_reads),
        CASE(claims_do_not_add_up_and_are_no_checkpoints),
        CASE(pruning_keeps_what_was_asked_for),
        CASE(a_mark_never_goes_back),
        CASE(a_number_is_drawn_once_among_all),
        CASE(the_one_that_came_first_is_fenced_at_its_next_checkpoint),
        CASE(a_number_that_was_passed_and_pruned_does_not_count_again),
        CASE(what_a_stopped_process_removes_late_is_its_own),
        CASE(at_every_call_another_process_may_start),
        CASE(at_every_call_another_process_may_start_and_go_on),
        CASE(a_call_that_fails_for_a_moment_changes_nothing),
        CASE(a_call_that_is_forbidden_is_not_repeated),
        CASE(a_cancelled_store_gives_up),
        CASE(a_store_that_does_not_know_conditions_is_refused_at_the_start),
        CASE(damage_is_an_error_and_never_a_wrong_answer),
        CASE(a_claim_whose_checkpoint_is_gone_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
