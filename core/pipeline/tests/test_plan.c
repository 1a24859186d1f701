/* SPDX-License-Identifier: Apache-2.0 */
/* What a good file becomes: typed options, graph, schemas, projection, lanes. */
#include "planned.h"

#include <stdlib.h>
#include <string.h>

/* As in the test plugin. */
struct rows_options {
    const struct sluice_schema *schema;
    const struct sluice_codec_choice *format;
    const char *text, *secret, *path;
    bool flag;
    int64_t limit, size, wait, since;
    double ratio;
    int mode;
    struct sluice_strings names;
    struct sluice_pairs headers, logins;
};

struct lines_options {
    const char *separator;
};

static struct planned plan_good(const char *text)
{
    struct planned planned = plan_text(text);
    if (planned.status != SLUICE_OK)
        fail_msg("%s", text_get(&planned.printed));
    return planned;
}

static const struct flow_plan *flow_at(const struct planned *planned, size_t index)
{
    return &planned->plan->pipelines[0].flows[index];
}

/* "a:int64 b:string* …": a star for dictionary codes. */
static void assert_schema(const struct sluice_schema *schema, const char *expected)
{
    struct text text = {0};
    for (size_t i = 0; i < schema->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(schema, i);
        text_printf(&text, "%s%s:%s%s", i ? " " : "", field->name, type_name(field->type),
                    field->is_dictionary ? "*" : "");
    }
    assert_string_equal(text_get(&text), expected);
    text_reset(&text);
}

static void options_come_typed(void **state)
{
    (void)state;
    struct planned planned = plan_good(
        "pipeline: p\n"
        "schemas: {s: {a: int64, t: {type: timestamp, required: false, path: x.t, zone: UTC}}}\n"
        "flows:\n  f:\n    steps:\n"
        "      - source-rows: {schema: s, format: {lines: {separator: ';'}}, text: 5, secret: x,\n"
        "          path: file:a, flag: 'false', limit: '42', size: 2KiB, wait: 1m 5s,\n"
        "          since: 1970-01-01T00:00:01Z, ratio: 1e-3, mode: replace, names: one,\n"
        "          headers: {b: 1, a: x}}\n"
        "      - sink-any\n");
    const struct rows_options *options = flow_at(&planned, 0)->steps[0].options;
    assert_int_equal(options->schema->field_count, 2);
    const struct sluice_field *field = sluice_schema_field(options->schema, 1);
    assert_string_equal(field->path, "x.t");
    assert_false(field->is_required);
    assert_non_null(field->time_format);
    assert_true(sluice_schema_field(options->schema, 0)->is_required);
    assert_string_equal(options->format->component->name, "lines");
    assert_string_equal(((const struct lines_options *)options->format->options)->separator, ";");
    assert_string_equal(options->text, "5");
    assert_string_equal(options->secret, "x");
    assert_false(options->flag);
    assert_int_equal(options->limit, 42);
    assert_int_equal(options->size, 2048);
    assert_int_equal(options->wait, 65000);
    assert_int_equal(options->since, 1000000);
    assert_true(options->ratio == 1e-3);
    assert_int_equal(options->mode, 1);
    assert_int_equal(options->names.count, 1);
    assert_string_equal(options->headers.keys[0], "b");
    assert_string_equal(options->headers.values[1], "x");
    planned_reset(&planned);
}

static void defaults_fill_what_is_left_out(void **state)
{
    (void)state;
    struct planned planned = plan_good("pipeline: p\nflows: {f: {steps: [{source-rows: {schema: "
                                       "{a: int64}}}, sink-any]}}\n");
    const struct rows_options *options = flow_at(&planned, 0)->steps[0].options;
    assert_string_equal(((const struct lines_options *)options->format->options)->separator, "|");
    assert_string_equal(options->text, "hello");
    assert_null(options->secret);
    assert_true(options->flag);
    assert_int_equal(options->limit, 7);
    assert_int_equal(options->size, 65536);
    assert_int_equal(options->wait, 90000);
    assert_int_equal(options->names.count, 2);
    assert_string_equal(options->names.items[1], "b");
    assert_int_equal(options->headers.count, 0);
    const struct settings_plan *settings = &planned.plan->pipelines[0].settings;
    assert_string_equal(settings->state, "state");
    assert_int_equal(settings->checkpoint_ms, 30000);
    assert_int_equal(settings->memory_bytes, INT64_C(1) << 30);
    assert_int_equal(settings->channel_bytes, 4 << 20);
    assert_int_equal(settings->shutdown_ms, 30000);
    assert_null(settings->member);
    planned_reset(&planned);
}

static void triggers_are_taken_over(void **state)
{
    (void)state;
    struct planned planned =
        plan_good("pipeline: p\nflows:\n  a: {steps: [source-decides, sink-any]}\n"
                  "  b: {every: 5m, steps: [source-decides, sink-any]}\n"
                  "  c: {after: b, lanes: 3, steps: [source-decides, sink-any]}\n");
    assert_int_equal(flow_at(&planned, 0)->trigger, FLOW_CONTINUOUS);
    assert_int_equal(flow_at(&planned, 1)->trigger, FLOW_EVERY);
    assert_int_equal(flow_at(&planned, 1)->every_ms, 300000);
    assert_int_equal(flow_at(&planned, 2)->trigger, FLOW_AFTER);
    assert_string_equal(flow_at(&planned, 2)->after, "b");
    assert_int_equal(flow_at(&planned, 2)->lane_count, 2);
    planned_reset(&planned);
}

static void steps_come_sorted_with_names_and_the_dead_letter_last(void **state)
{
    (void)state;
    struct planned planned = plan_good(
        "pipeline: p\nflows:\n  f:\n    dead_letter: {name: bad, sink-any: {}}\n    steps:\n"
        "      - {from: [transform-same, transform-same-2], sink-any: {}}\n"
        "      - {from: s, transform-same: {}}\n"
        "      - {from: s, transform-same: {}}\n"
        "      - {name: s, source-decides: {}}\n"
        "      - {from: s, sink-any: {}}\n");
    const struct flow_plan *flow = flow_at(&planned, 0);
    const char *const names[] = {"s",        "transform-same", "transform-same-2",
                                 "sink-any", "sink-any-2",     "bad"};
    assert_int_equal(flow->step_count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(flow->steps[i].name, names[i]);
    assert_int_equal(flow->steps[3].input_count, 2);
    assert_int_equal(flow->steps[3].inputs[0], 1);
    assert_int_equal(flow->steps[3].inputs[1], 2);
    assert_int_equal(flow->steps[4].inputs[0], 0);
    assert_true(flow->steps[5].is_dead_letter);
    assert_schema(
        flow->steps[5].input_schema,
        "time:timestamp pipeline:string flow:string step:string code:string reason:string "
        "origin:string partition:int64 position:int64 original:string "
        "original_base64:binary original_column:string other_columns:string");
    planned_reset(&planned);
}

#define ROWS                                                                                       \
    "source-rows: {schema: {user: string, url: string, at: timestamp, n: int64, country: string}}"

static void columns_that_nobody_reads_are_left_out(void **state)
{
    (void)state;
    struct planned planned =
        plan_good("pipeline: p\nflows:\n  f:\n    every: 1m\n    steps:\n      - " ROWS "\n"
                  "      - transform-same: {look: at}\n"
                  "      - transform-count: {by: [url, country], distinct: user}\n"
                  "      - sink-any: {id: [url], name: '{country}'}\n");
    const struct flow_plan *flow = flow_at(&planned, 0);
    assert_schema(flow->steps[0].output_schema,
                  "user:string* url:string* at:timestamp country:string*");
    assert_ptr_equal(flow->steps[0].output_schema, flow->steps[1].input_schema);
    assert_schema(flow->steps[1].output_schema,
                  "user:string* url:string* at:timestamp country:string*");
    assert_schema(flow->steps[2].output_schema, "url:string country:string total:int64");
    assert_null(flow->steps[0].input_schema);
    assert_null(flow->steps[3].output_schema);
    assert_int_equal(flow->steps[2].key_count, 2);
    assert_string_equal(flow->steps[2].keys[1], "country");
    planned_reset(&planned);
}

static void a_sink_that_says_nothing_reads_all(void **state)
{
    (void)state;
    struct planned planned = plan_good("pipeline: p\nflows:\n  f:\n    steps:\n      - " ROWS
                                       "\n      - transform-same: {look: at}\n      - sink-any\n");
    assert_schema(flow_at(&planned, 0)->steps[0].output_schema,
                  "user:string url:string at:timestamp n:int64 country:string");
    planned_reset(&planned);
}

static void a_branch_asks_for_its_own_columns(void **state)
{
    (void)state;
    struct planned planned = plan_good(
        "pipeline: p\nflows:\n  f:\n    every: 1m\n    steps:\n      - " ROWS "\n"
        "      - transform-count: {by: url}\n      - sink-any\n"
        "      - {from: source-rows, transform-count: {by: country}}\n      - sink-any\n");
    assert_schema(flow_at(&planned, 0)->steps[0].output_schema, "url:string* country:string*");
    planned_reset(&planned);
}

static void properties_pass_through_stateless_steps(void **state)
{
    (void)state;
    struct planned planned =
        plan_good("pipeline: p\nflows:\n  f:\n    every: 1m\n    steps:\n      - " ROWS "\n"
                  "      - transform-count: {by: [url, country]}\n      - transform-same\n"
                  "      - sink-any\n");
    const struct flow_plan *flow = flow_at(&planned, 0);
    assert_int_equal(flow->steps[1].input_property_count, 0);
    assert_int_equal(flow->steps[2].input_property_count, 1);
    assert_int_equal(flow->steps[3].input_property_count, 1);
    assert_int_equal(flow->steps[3].input_properties[0].property, SLUICE_PARTITIONED_BY);
    assert_int_equal(flow->steps[3].input_properties[0].column_count, 2);
    planned_reset(&planned);
}

static void batch_flows_run_in_lanes(void **state)
{
    (void)state;
    struct planned planned = plan_good(
        "pipeline: p\nsettings: {lanes: 5}\nflows:\n  f:\n    every: 1m\n    steps:\n      - " ROWS
        "\n"
        "      - transform-same\n      - transform-count: {by: url}\n      - transform-same\n"
        "      - sink-any\n");
    const struct flow_plan *flow = flow_at(&planned, 0);
    const enum edge_kind edges[] = {EDGE_FORWARD, EDGE_FORWARD, EDGE_HASH, EDGE_FORWARD,
                                    EDGE_GATHER};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(flow->steps[i].edge, edges[i]);
        assert_int_equal(flow->steps[i].is_parallel, i < 4);
    }
    assert_int_equal(flow->lane_count, 5);
    planned_reset(&planned);
}

static void continuous_flows_read_in_one_lane(void **state)
{
    (void)state;
    struct planned planned =
        plan_good("pipeline: p\nflows:\n  f:\n    steps:\n      - " ROWS
                  "\n      - transform-same\n      - sink-any\n  g:\n    lanes: 1\n    steps: "
                  "[source-decides, sink-any]\n");
    const struct flow_plan *flow = flow_at(&planned, 0);
    for (size_t i = 0; i < 3; i++) {
        assert_false(flow->steps[i].is_parallel);
        assert_int_equal(flow->steps[i].edge, EDGE_FORWARD);
    }
    assert_int_equal(flow->lane_count, 2);
    assert_int_equal(flow_at(&planned, 1)->lane_count, 1);
    planned_reset(&planned);
}

static void one_flow_alone_can_be_planned(void **state)
{
    (void)state;
    const char *text = "pipeline: p\nflows:\n  a: {every: 1m, steps: [source-decides, sink-any]}\n"
                       "  b: {after: a, steps: [source-decides, sink-any]}\n";
    struct planned planned = plan_bytes(text, strlen(text), false, "b");
    assert_int_equal(planned.status, SLUICE_OK);
    assert_int_equal(planned.plan->pipelines[0].flow_count, 1);
    assert_string_equal(flow_at(&planned, 0)->name, "b");
    planned_reset(&planned);
}

static void an_options_place_is_found_again(void **state)
{
    (void)state;
    struct planned planned = plan_good("pipeline: p\nflows:\n  f:\n    steps:\n"
                                       "      - source-rows:\n"
                                       "          schema: {a: int64}\n"
                                       "          headers:\n"
                                       "            x: y\n"
                                       "          names: [m, n]\n"
                                       "      - sink-any\n");
    const struct step_plan *step = &flow_at(&planned, 0)->steps[0];
    struct mark mark = plan_option_mark(planned.plan, step, "headers", "x");
    assert_string_equal(mark.file, "t.yaml");
    assert_int_equal(mark.line, 8);
    assert_int_equal(mark.column, 16);
    assert_int_equal(plan_option_mark(planned.plan, step, "names", "1").column, 22);
    assert_int_equal(plan_option_mark(planned.plan, step, "names", "n").column, 22);
    assert_int_equal(plan_option_mark(planned.plan, step, "names", NULL).column, 18);
    assert_int_equal(plan_option_mark(planned.plan, step, "absent", NULL).line, 5);
    assert_int_equal(plan_option_mark(planned.plan, step, NULL, NULL).column, 9);
    planned_reset(&planned);
}

static void a_warning_leaves_the_plan_valid(void **state)
{
    (void)state;
    struct planned planned = plan_good(
        "pipeline: p\nflows: {f: {steps: [{source-rows: {schema: {a: int64}, limit: 13}}, "
        "sink-any]}}\n");
    const char *warning =
        strstr(text_get(&planned.printed), "t.yaml:2:63: warning: 13 brings bad luck\n");
    assert_non_null(warning);
    assert_null(strstr(strchr(warning, '\n'), "warning:"));
    planned_reset(&planned);
}

static void a_check_takes_placeholders_of_every_type(void **state)
{
    (void)state;
    const char *text =
        "pipeline: p\nsettings: {lanes: '${N_1}', memory: '${N_1}'}\nflows:\n  f:\n"
        "    every: ${N_1}\n    lanes: ${N_1}\n    steps:\n"
        "      - source-rows: {schema: '${N_1}', format: '${N_1}', text: '${N_1}', path: "
        "'${N_1}',\n"
        "          secret: '${file:absent}', flag: '${N_1}', limit: '${N_1}', size: '${N_1}',\n"
        "          wait: '${N_1}', since: '${N_1}', ratio: '${N_1}', mode: '${N_1}',\n"
        "          names: ['${N_1}', '${N_1}', '${N_1}'], headers: {a: '${N_1}'}}\n"
        "      - transform-same: {look: '${N_1}'}\n"
        "      - sink-any: {name: '{x}-${N_1}', id: [a]}\n"
        "  g:\n    steps:\n"
        "      - source-rows: {schema: {a: int64}, names: ['${N_1}', b, c]}\n"
        "      - sink-any\n";
    unsetenv("N_1");
    struct planned planned = plan_bytes(text, strlen(text), true, NULL);
    if (planned.status != SLUICE_OK)
        fail_msg("%s", text_get(&planned.printed));
    assert_non_null(flow_at(&planned, 0)->steps[1].input_schema);
    planned_reset(&planned);
    planned = plan_text(text);
    assert_int_equal(planned.status, SLUICE_CONFIG);
    planned_reset(&planned);
}

static void json_is_a_pipeline_file(void **state)
{
    (void)state;
    struct planned planned =
        plan_good("{\"pipeline\": \"p\", \"flows\": {\"f\": {\"steps\": [{\"source-rows\": "
                  "{\"schema\": {\"a\": "
                  "\"int64\"}, \"limit\": 3, \"flag\": true}}, {\"sink-any\": {}}]}}}");
    /* With the default dead letter. */
    assert_int_equal(flow_at(&planned, 0)->step_count, 3);
    planned_reset(&planned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_come_typed),
        cmocka_unit_test(defaults_fill_what_is_left_out),
        cmocka_unit_test(triggers_are_taken_over),
        cmocka_unit_test(steps_come_sorted_with_names_and_the_dead_letter_last),
        cmocka_unit_test(columns_that_nobody_reads_are_left_out),
        cmocka_unit_test(a_sink_that_says_nothing_reads_all),
        cmocka_unit_test(a_branch_asks_for_its_own_columns),
        cmocka_unit_test(properties_pass_through_stateless_steps),
        cmocka_unit_test(batch_flows_run_in_lanes),
        cmocka_unit_test(continuous_flows_read_in_one_lane),
        cmocka_unit_test(one_flow_alone_can_be_planned),
        cmocka_unit_test(an_options_place_is_found_again),
        cmocka_unit_test(a_warning_leaves_the_plan_valid),
        cmocka_unit_test(a_check_takes_placeholders_of_every_type),
        cmocka_unit_test(json_is_a_pipeline_file),
    };
    return cmocka_run_group_tests(tests, planned_begin, planned_end);
}
