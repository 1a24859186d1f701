/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A continuous flow of one keyed step in several lanes. */
struct shaped {
    struct component component;
    struct step_plan step;
    struct flow_step runtime_step;
    struct flow_plan plan;
    struct flow flow;
};

static void shape_flow(struct shaped *shaped, const char *component, int lanes,
                       const char *const *key)
{
    memset(shaped, 0, sizeof *shaped);
    shaped->component = (struct component){.kind = SLUICE_KIND_TRANSFORM, .name = component};
    shaped->step = (struct step_plan){.name = "sessions",
                                      .component = &shaped->component,
                                      .is_parallel = true,
                                      .key_count = 1,
                                      .keys = key};
    shaped->plan = (struct flow_plan){
        .name = "f", .step_count = 1, .steps = &shaped->step, .lane_count = lanes};
    shaped->runtime_step.plan = &shaped->step;
    shaped->flow.plan = &shaped->plan;
    shaped->flow.step_count = 1;
    shaped->flow.steps = &shaped->runtime_step;
}

static const char *const user[] = {"user"};
static const char *const country[] = {"country"};

/* A checkpoint of four lanes keyed by user, with one entry of that kind in lane 3. */
static struct checkpoint *take(enum checkpoint_kind kind)
{
    struct shaped shaped;
    struct text state = {0};
    struct checkpoint *checkpoint = checkpoint_create(1);
    shape_flow(&shaped, "transform-session", 4, user);
    text_append(&state, "state");
    assert_true(checkpoint_add(checkpoint, kind, "sessions", 3, &state));
    assert_true(shape_add(&shaped.flow, checkpoint));
    return checkpoint;
}

static void state_that_no_longer_fits_is_refused_with_what_changed(void **state)
{
    (void)state;
    static const struct {
        enum checkpoint_kind kind;
        const char *component;
        int lanes;
        const char *const *key;
        const char *refusal; /* NULL: it fits */
    } cases[] = {
        {CHECKPOINT_STATE, "transform-session", 4, user, NULL},
        {CHECKPOINT_STATE, "transform-other", 4, user, "was transform-session when"},
        {CHECKPOINT_STATE, "transform-session", 2, user, "a number of lanes of 4 when"},
        {CHECKPOINT_STATE, "transform-session", 8, user, "a number of lanes of 4 when"},
        {CHECKPOINT_STATE, "transform-session", 4, country, "was keyed by user when"},
        {CHECKPOINT_POSITION, "transform-session", 2, user, "a number of lanes of 4 when"},
        {CHECKPOINT_STAGED, "transform-session", 2, user, "output that is not committed yet"},
        {CHECKPOINT_STAGED, "transform-session", 8, user, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shaped shaped;
        struct sluice_error *error = error_create();
        struct checkpoint *checkpoint = take(cases[i].kind);
        shape_flow(&shaped, cases[i].component, cases[i].lanes, cases[i].key);
        enum sluice_status status = shape_check(&shaped.flow, checkpoint, true, error);
        assert_int_equal(status, cases[i].refusal ? SLUICE_CONFIG : SLUICE_OK);
        if (cases[i].refusal)
            assert_non_null(strstr(error_message(error), cases[i].refusal));
        checkpoint_destroy(checkpoint);
        error_destroy(error);
    }
}

static void staged_output_that_is_committed_needs_no_place(void **state)
{
    (void)state;
    struct shaped shaped;
    struct sluice_error *error = error_create();
    struct checkpoint *checkpoint = take(CHECKPOINT_STAGED);
    shape_flow(&shaped, "transform-session", 1, user);
    assert_int_equal(shape_check(&shaped.flow, checkpoint, false, error), SLUICE_OK);
    checkpoint_destroy(checkpoint);
    error_destroy(error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_that_no_longer_fits_is_refused_with_what_changed),
        cmocka_unit_test(staged_output_that_is_committed_needs_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
