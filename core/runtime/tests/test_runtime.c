/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of in-memory components through the real runtime: lanes, channels, barriers, checkpoints. */
#include "components.h"

#include "telemetry/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MOST_STEPS = 8 };

/* One pipeline with one flow, built by hand. */
struct fixture {
    char folder[64];
    struct world world;
    struct test_options options;
    struct step_plan steps[MOST_STEPS];
    struct flow_plan flow;
    struct pipeline_plan pipeline;
    struct plan plan;
    struct arena *arena;
    struct sluice_error *error;
};

static const size_t no_inputs[1] = {0};

static struct step_plan *add_step(struct fixture *fixture, const char *name,
                                  const struct component *component, size_t input_count,
                                  const size_t *inputs)
{
    struct step_plan *step = &fixture->steps[fixture->flow.step_count++];
    *step = (struct step_plan){.name = name,
                               .component = component,
                               .options = &fixture->options,
                               .input_count = input_count,
                               .inputs = input_count ? inputs : no_inputs,
                               .input_schema = &number_schema,
                               .output_schema = &number_schema};
    return step;
}

static void add_dead_letter(struct fixture *fixture)
{
    struct step_plan *step = add_step(fixture, "dead-letter", &sink_rejects, 0, NULL);
    step->is_dead_letter = true;
    step->input_schema = plan_dead_letter_schema(fixture->arena);
}

static int make_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/sluice-runtime-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->arena = arena_create();
    fixture->error = error_create();
    fixture->world = (struct world){.row_count = 100000, .keys = 7, .batch_rows = 1000};
    fixture->world.visible = calloc(1, 1000000);
    pthread_mutex_init(&fixture->world.lock, NULL);
    fixture->options.world = &fixture->world;
    fixture->flow = (struct flow_plan){.name = "flow", .steps = fixture->steps, .lane_count = 2};
    fixture->pipeline = (struct pipeline_plan){
        .name = "test",
        .file = "test.yaml",
        .settings = {.state = fixture->folder,
                     .checkpoint_ms = 3600000,
                     .memory_bytes = 256 << 20,
                     .channel_bytes = 1 << 20,
                     .shutdown_ms = 20000},
        .flow_count = 1,
        .flows = &fixture->flow};
    fixture->plan = (struct plan){.pipeline_count = 1, .pipelines = &fixture->pipeline};
    log_configure(LOG_FORMAT_TEXT, SLUICE_LOG_ERROR);
    *state = fixture;
    return 0;
}

static int free_fixture(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", fixture->folder);
    assert_int_equal(system(command), 0);
    arena_destroy(fixture->arena);
    error_destroy(fixture->error);
    free(fixture->world.visible);
    free(fixture);
    return 0;
}

static enum runtime_result run(struct fixture *fixture, bool is_once, int stop_after_ms)
{
    struct runtime *runtime = NULL;
    struct runtime_options options = {.is_once = is_once};
    assert_int_equal(
        runtime_create(&fixture->plan, NULL, &options, &runtime, fixture->error), SLUICE_OK);
    assert_int_equal(runtime_start(runtime, fixture->error), SLUICE_OK);
    if (stop_after_ms && !runtime_wait(runtime, stop_after_ms))
        runtime_stop(runtime);
    assert_true(runtime_wait(runtime, 120000));
    enum runtime_result result = runtime_result(runtime);
    runtime_destroy(runtime);
    return result;
}

static void assert_each_visible_once(const struct world *world)
{
    for (int64_t id = 0; id < world->row_count; id++) {
        bool is_rejected = world->reject_every && id % world->reject_every == 0;
        assert_int_equal(world->visible[id], is_rejected ? 0 : 1);
    }
}

static void every_row_arrives_once_and_rejects_are_in_the_dead_letter(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.reject_every = 1000;
    add_step(fixture, "numbers", &source_numbers, 0, NULL);
    add_step(fixture, "pass", &transform_pass, 1, (size_t[]){0});
    add_step(fixture, "collect", &sink_collect, 1, (size_t[]){1});
    add_dead_letter(fixture);
    assert_int_equal(run(fixture, true, 0), RUNTIME_DONE);
    assert_each_visible_once(&fixture->world);
    assert_int_equal(fixture->world.rejected_rows, 100);
}

static void checkpoints_in_the_middle_lose_and_repeat_nothing(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.reject_every = 100;
    fixture->world.batch_rows = 100;
    fixture->world.waits_for_commit = true;
    fixture->pipeline.settings.checkpoint_ms = 1;
    fixture->pipeline.settings.channel_bytes = 1;
    add_step(fixture, "numbers", &source_numbers, 0, NULL);
    add_step(fixture, "pass", &transform_pass, 1, (size_t[]){0});
    add_step(fixture, "collect", &sink_collect, 1, (size_t[]){1});
    add_dead_letter(fixture);
    assert_int_equal(run(fixture, true, 0), RUNTIME_DONE);
    assert_each_visible_once(&fixture->world);
    assert_int_equal(fixture->world.rejected_rows, 1000);
    assert_true(fixture->world.commits > 1);
}

static void a_stopped_flow_goes_on_where_it_was(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.batch_rows = 10;
    fixture->world.is_endless = true;
    fixture->pipeline.settings.checkpoint_ms = 5;
    fixture->pipeline.settings.channel_bytes = 1;
    add_step(fixture, "numbers", &source_numbers, 0, NULL);
    add_step(fixture, "collect", &sink_collect, 1, (size_t[]){0});
    assert_int_equal(run(fixture, false, 20), RUNTIME_DONE);
    int64_t first = fixture->world.visible_rows;
    fixture->world.is_endless = false;
    assert_int_equal(run(fixture, true, 0), RUNTIME_DONE);
    assert_true(first <= fixture->world.row_count);
    assert_each_visible_once(&fixture->world);
}

/* numbers → pass ─┬─────────────▶ sum … all lanes, exchange by key, one batch a channel. */
static void an_exchange_with_all_keys_in_one_lane_comes_to_its_end(void **state)
{
    struct fixture *fixture = *state;
    static const char *const keys[] = {"key"};
    fixture->flow.trigger = FLOW_EVERY;
    fixture->flow.every_ms = 3600000;
    fixture->flow.lane_count = 4;
    fixture->world.keys = 1;
    fixture->world.batch_rows = 50;
    fixture->pipeline.settings.channel_bytes = 1;
    add_step(fixture, "numbers", &source_numbers, 0, NULL)->is_parallel = true;
    add_step(fixture, "pass", &transform_pass, 1, (size_t[]){0})->is_parallel = true;
    struct step_plan *sum = add_step(fixture, "sum", &transform_sum, 1, (size_t[]){1});
    sum->is_parallel = true;
    sum->edge = EDGE_HASH;
    sum->key_count = 1;
    sum->keys = keys;
    add_step(fixture, "collect", &sink_collect, 1, (size_t[]){2})->edge = EDGE_GATHER;
    add_dead_letter(fixture);
    assert_int_equal(run(fixture, true, 0), RUNTIME_DONE);
    assert_int_equal(fixture->world.visible_rows, 1);
    assert_int_equal(fixture->world.visible_sum, fixture->world.row_count);
}

/* Two exchanges in a row, a diamond between them, many keys. */
static void a_diamond_of_exchanges_comes_to_its_end(void **state)
{
    struct fixture *fixture = *state;
    static const char *const keys[] = {"key"};
    fixture->flow.trigger = FLOW_EVERY;
    fixture->flow.lane_count = 3;
    fixture->world.keys = 61;
    fixture->world.batch_rows = 20;
    fixture->world.row_count = 30000;
    fixture->pipeline.settings.channel_bytes = 1;
    add_step(fixture, "numbers", &source_numbers, 0, NULL)->is_parallel = true;
    const struct {
        const char *name;
        const struct component *component;
        size_t inputs[2];
        size_t input_count;
    } steps[] = {{"left", &transform_pass, {0}, 1},
                 {"right", &transform_pass, {0}, 1},
                 {"sum", &transform_sum, {1, 2}, 2},
                 {"again", &transform_sum, {3}, 1}};
    for (size_t i = 0; i < 4; i++) {
        struct step_plan *step = add_step(fixture, steps[i].name, steps[i].component,
                                          steps[i].input_count, steps[i].inputs);
        step->is_parallel = true;
        step->edge = EDGE_HASH;
        step->key_count = 1;
        step->keys = keys;
    }
    add_step(fixture, "collect", &sink_collect, 1, (size_t[]){4})->edge = EDGE_GATHER;
    assert_int_equal(run(fixture, true, 0), RUNTIME_DONE);
    assert_int_equal(fixture->world.visible_sum, 2 * fixture->world.row_count);
    assert_int_equal(fixture->world.visible_rows, 61);
}

static void rows_without_a_verdict_come_again_after_a_retry(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.row_count = 5000;
    fixture->world.retry_every = 3;
    add_step(fixture, "numbers", &source_numbers, 0, NULL);
    add_step(fixture, "collect", &sink_collect, 1, (size_t[]){0});
    assert_int_equal(run(fixture, true, 0), RUNTIME_DONE);
    assert_each_visible_once(&fixture->world);
}

static void a_refused_checkpoint_shows_nothing_and_starts_over(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.row_count = 5000;
    fixture->world.refuse_decision = 1;
    add_step(fixture, "numbers", &source_deciding, 0, NULL);
    add_step(fixture, "collect", &sink_collect, 1, (size_t[]){0});
    assert_int_equal(run(fixture, true, 0), RUNTIME_DONE);
    assert_each_visible_once(&fixture->world);
    assert_true(fixture->world.reads > 5);
}

/* What a source waits for goes ahead of the commands of a checkpoint that is under way. */
static void a_takeover_in_the_middle_of_a_checkpoint_goes_on(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.row_count = 20000;
    fixture->world.batch_rows = 50;
    fixture->pipeline.settings.checkpoint_ms = 1;
    fixture->world.takes_over = true;
    add_step(fixture, "numbers", &source_deciding, 0, NULL);
    add_step(fixture, "collect", &sink_collect, 1, (size_t[]){0});
    assert_int_equal(run(fixture, true, 0), RUNTIME_DONE);
    assert_each_visible_once(&fixture->world);
}

static void two_readers_of_one_step_both_get_every_row(void **state)
{
    struct fixture *fixture = *state;
    fixture->world.row_count = 20000;
    add_step(fixture, "numbers", &source_numbers, 0, NULL);
    add_step(fixture, "one", &sink_collect, 1, (size_t[]){0});
    add_step(fixture, "other", &sink_collect, 1, (size_t[]){0});
    assert_int_equal(run(fixture, true, 0), RUNTIME_DONE);
    for (int64_t id = 0; id < fixture->world.row_count; id++)
        assert_int_equal(fixture->world.visible[id], 2);
}

/* ---- a sink of best effort ---- */

static void add_breaking_flow(struct fixture *fixture)
{
    static const size_t first[] = {0}, second[] = {1};
    fixture->world.batch_rows = 100;
    fixture->world.row_count = 20000;
    fixture->pipeline.settings.checkpoint_ms = 1;
    fixture->pipeline.settings.channel_bytes = 1;
    add_step(fixture, "numbers", &source_numbers, 0, NULL);
    add_step(fixture, "pass", &transform_pass, 1, first);
    struct step_plan *step = add_step(fixture, "breaking", &sink_breaking, 1, second);
    step->is_best_effort = true;
    step->patience_ms = 50;
    add_dead_letter(fixture);
}

/* Each row is at the sink or in the dead letter. */
static void assert_one_place(const struct world *world)
{
    int64_t visible = 0;
    for (int64_t id = 0; id < world->row_count; id++) {
        assert_true(world->visible[id] <= 1);
        visible += world->visible[id];
    }
    assert_int_equal(visible + world->rejected_rows, world->row_count);
}

static void rows_of_an_outage_are_in_the_dead_letter(void **state)
{
    struct fixture *fixture = *state;
    add_breaking_flow(fixture);
    fixture->world.outage_from = 20;
    fixture->world.outage_calls = 1000000;
    /* What was staged when it began waits for the next start. */
    assert_int_not_equal(run(fixture, true, 0), RUNTIME_FAILED);
    fixture->world.outage_calls = 0;
    assert_int_equal(run(fixture, true, 0), RUNTIME_DONE);
    assert_one_place(&fixture->world);
    assert_true(fixture->world.rejected_rows > 0);
}

static void a_call_that_hangs_is_cut_off(void **state)
{
    struct fixture *fixture = *state;
    add_breaking_flow(fixture);
    fixture->world.outage_from = 20;
    fixture->world.outage_calls = 1;
    fixture->world.is_hanging = true;
    assert_int_equal(run(fixture, true, 0), RUNTIME_DONE);
    assert_one_place(&fixture->world);
    assert_true(fixture->world.rejected_rows > 0);
}

static void what_was_staged_before_an_outage_is_finished_by_the_next_start(void **state)
{
    struct fixture *fixture = *state;
    add_breaking_flow(fixture);
    fixture->world.is_commit_broken = true;
    fixture->world.outage_from = 1;
    fixture->world.outage_calls = 1000000;
    assert_int_equal(run(fixture, true, 0), RUNTIME_UNCOMMITTED);
    assert_true(fixture->world.visible_rows + fixture->world.rejected_rows <
                fixture->world.row_count);
    fixture->world.outage_calls = 0;
    assert_int_equal(run(fixture, true, 0), RUNTIME_DONE);
    assert_one_place(&fixture->world);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, make_fixture, free_fixture)
    const struct CMUnitTest tests[] = {
        CASE(every_row_arrives_once_and_rejects_are_in_the_dead_letter),
        CASE(checkpoints_in_the_middle_lose_and_repeat_nothing),
        CASE(a_stopped_flow_goes_on_where_it_was),
        CASE(an_exchange_with_all_keys_in_one_lane_comes_to_its_end),
        CASE(a_diamond_of_exchanges_comes_to_its_end),
        CASE(rows_without_a_verdict_come_again_after_a_retry),
        CASE(a_refused_checkpoint_shows_nothing_and_starts_over),
        CASE(a_takeover_in_the_middle_of_a_checkpoint_goes_on),
        CASE(two_readers_of_one_step_both_get_every_row),
        CASE(rows_of_an_outage_are_in_the_dead_letter),
        CASE(a_call_that_hangs_is_cut_off),
        CASE(what_was_staged_before_an_outage_is_finished_by_the_next_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
