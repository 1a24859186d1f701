/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines, tables, quantities and frames: the parts of the room that only make text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "cli/arguments.h"
#include "cli/display/component_text.h"
#include "cli/display/status_frame.h"
#include "cli/display/table.h"

/* ---- arguments ---- */

static const char *const formats[] = {"text", "json", NULL};
static const struct flag flags[] = {
    {.name = "once", .text = "Once."},
    {.name = "flow", .value = "NAME", .text = "Flow."},
    {.name = "log", .value = "FORMAT", .allowed = formats, .text = "Log."},
};

struct parsed {
    struct arguments arguments;
    struct text complaint;
    bool is_good;
};

/* `words`: separated by spaces, cut in place. */
static struct parsed parse(char *words)
{
    static char *list[16];
    struct parsed parsed = {0};
    int count = 0;
    for (char *rest = words, *word; (word = strsep(&rest, " "));) {
        list[count++] = word;
    }
    parsed.is_good = arguments_parse(flags, 3, count, list, &parsed.arguments, &parsed.complaint);
    return parsed;
}

static void flags_and_operands_come_in_any_order(void **state)
{
    (void)state;
    char words[] = "a.yaml --once --flow=x b.yaml --log json -- --odd.yaml";
    struct parsed parsed = parse(words);
    assert_true(parsed.is_good);
    assert_non_null(parsed.arguments.values[0]);
    assert_string_equal(parsed.arguments.values[1], "x");
    assert_string_equal(parsed.arguments.values[2], "json");
    assert_int_equal(parsed.arguments.operand_count, 3);
    assert_string_equal(parsed.arguments.operands[2], "--odd.yaml");
}

static void a_lone_hyphen_is_an_operand(void **state)
{
    (void)state;
    char words[] = "-";
    struct parsed parsed = parse(words);
    assert_true(parsed.is_good);
    assert_string_equal(parsed.arguments.operands[0], "-");
}

static void every_mistake_on_the_command_line_is_explained(void **state)
{
    static const struct {
        const char *words;
        const char *complaint;
    } cases[] = {
        {"--onec", "unknown flag --onec; did you mean --once?"},
        {"--colour=always", "unknown flag --colour"},
        {"-x", "unknown flag -x"},
        {"--flow", "--flow needs a value: --flow NAME"},
        {"--once=yes", "--once takes no value"},
        {"--log=jsn", "--log cannot be \"jsn\"; did you mean json?"},
        {"--log yaml5", "--log cannot be \"yaml5\"; it is one of text, json"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char words[64];
        strncpy(words, cases[i].words, sizeof words - 1);
        words[sizeof words - 1] = '\0';
        struct parsed parsed = parse(words);
        assert_false(parsed.is_good);
        assert_string_equal(text_get(&parsed.complaint), cases[i].complaint);
        text_reset(&parsed.complaint);
    }
}

/* ---- tables and quantities ---- */

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    static const bool is_number[] = {false, true, false};
    struct table table = {.column_count = 3, .is_number = is_number};
    const char *const cells[] = {"NAME", "ROWS", "NOTE", "Zürich", "5", "", "a", "12,345", "x"};
    for (size_t i = 0; i < 9; i++) {
        table_add(&table, cells[i]);
    }
    struct text text = {0};
    table_render(&table, "", &text);
    assert_string_equal(text_get(&text), "NAME      ROWS  NOTE\n"
                                         "Zürich       5\n"
                                         "a       12,345  x\n");
    text_reset(&text);
    table_reset(&table);
}

static void quantities_are_written_for_people(void **state)
{
    (void)state;
    struct text text = {0};
    append_count(&text, 1234567);
    text_append_char(&text, '|');
    append_size(&text, 999);
    text_append_char(&text, '|');
    append_size(&text, 3.4 * 1024 * 1024);
    text_append_char(&text, '|');
    append_size(&text, 1023.9 * 1024);
    text_append_char(&text, '|');
    append_short(&text, 999.7);
    text_append_char(&text, '|');
    append_short(&text, 512000);
    text_append_char(&text, '|');
    append_duration(&text, 340);
    text_append_char(&text, '|');
    append_duration(&text, 12340);
    text_append_char(&text, '|');
    append_duration(&text, 245000);
    text_append_char(&text, '|');
    append_duration(&text, 3723000);
    assert_string_equal(text_get(&text),
                        "1,234,567|999 B|3.4 MiB|1.0 MiB|1.0 k|512 k|340 ms|12.3 s|"
                        "4:05|1:02:03");
    text_reset(&text);
}

/* ---- flows and frames ---- */

static const struct component source = {.kind = SLUICE_KIND_SOURCE, .name = "source-x"};
static const struct component transform = {.kind = SLUICE_KIND_TRANSFORM, .name = "transform-x"};
static const struct component sink = {
    .kind = SLUICE_KIND_SINK, .name = "sink-x", .capabilities = SLUICE_EXACTLY_ONCE};
static const struct component loose_sink = {.kind = SLUICE_KIND_SINK, .name = "sink-y"};

static const size_t first[] = {0};
static const size_t second[] = {1};

/* read → parse → write, and a branch to other. */
static const struct step_plan steps[] = {
    {.name = "read", .component = &source},
    {.name = "parse", .component = &transform, .input_count = 1, .inputs = first},
    {.name = "write", .component = &sink, .input_count = 1, .inputs = second},
    {.name = "other", .component = &loose_sink, .input_count = 1, .inputs = second},
};

static void a_graph_with_a_branch_is_one_line(void **state)
{
    (void)state;
    struct flow_plan flow = {.name = "f", .step_count = 4, .steps = steps};
    struct text text = {0};
    append_graph(&flow, &text);
    assert_string_equal(text_get(&text), "read → parse → write; parse → other");
    text_reset(&text);
}

static void delivery_names_the_steps_that_weaken_it(void **state)
{
    (void)state;
    struct flow_plan flow = {
        .name = "f", .step_count = 3, .steps = steps, .trigger = FLOW_EVERY, .every_ms = 300000};
    struct text text = {0};
    append_delivery(&flow, &text);
    assert_string_equal(text_get(&text), "exactly once");

    flow.step_count = 4;
    flow.trigger = FLOW_CONTINUOUS;
    text_clear(&text);
    append_delivery(&flow, &text);
    assert_string_equal(text_get(&text), "at least once: read starts over after a crash, other may "
                                         "write rows again after a crash");
    text_reset(&text);
}

/* A running flow as the runtime would report it. */
struct sample {
    struct flow_plan plan;
    struct step_view steps[4];
    struct flow_view flow;
    struct status_view view;
};

static void make_sample(struct sample *sample)
{
    *sample = (struct sample){
        .plan = {.name = "ingest", .step_count = 4, .steps = steps},
        .view = {.flow_count = 1, .flows = &sample->flow},
        .flow = {.step_count = 4, .steps = sample->steps},
    };
    sample->flow.status = (struct flow_status){.plan = &sample->plan,
                                               .state = FLOW_RUNNING,
                                               .checkpoint_count = 3,
                                               .checkpoint_number = 12,
                                               .checkpoint_duration_ms = 340,
                                               .rejected = 17};
    for (size_t i = 0; i < 4; i++) {
        sample->steps[i] = (struct step_view){
            .status = {.plan = &steps[i], .activity = STEP_WORKING, .progress_total = -1}};
    }
    sample->steps[0] = (struct step_view){.rows_per_s = 512000,
                                          .progress_per_s = 1000,
                                          .status = {.plan = &steps[0],
                                                     .activity = STEP_WAITING_OUTPUT,
                                                     .rows_out = 1234567,
                                                     .bytes_out = 340 << 20,
                                                     .progress_done = 6000,
                                                     .progress_total = 10000}};
    sample->steps[3].status.activity = STEP_WAITING_RETRY;
    static const char reason[] = "no answer\n\x1b[2J";
    memcpy(sample->steps[3].status.last_error, reason, sizeof reason);
}

static void a_frame_shows_rows_rates_bytes_progress_and_who_waits_for_whom(void **state)
{
    (void)state;
    struct sample sample;
    struct text text = {0};
    make_sample(&sample);
    size_t lines = status_frame_render(&sample.view,
                                       (struct terminal_size){.columns = 200, .lines = 20}, &text);
    assert_int_equal(lines, 5);
    const char *frame = text_get(&text);
    assert_non_null(strstr(frame, "ingest  running  checkpoint 12 (340 ms)  17 rejected\n"));
    assert_non_null(strstr(frame, "  read       1,234,567 rows    512 k/s   340 MiB"
                                  "  [############........]  60 %  4.0 s left"
                                  "  waits for room in parse\n"));
    assert_non_null(strstr(frame, "retries: no answer  [2J\n"));
    text_reset(&text);
}

static void a_frame_never_leaves_the_terminal(void **state)
{
    (void)state;
    struct sample sample;
    make_sample(&sample);
    for (size_t columns = 1; columns < 90; columns += 7) {
        struct text text = {0};
        size_t lines = status_frame_render(
            &sample.view, (struct terminal_size){.columns = columns, .lines = 3}, &text);
        assert_int_equal(lines, 3);
        char *rest = text.data;
        for (char *line; (line = strsep(&rest, "\n"));) {
            assert_true(text_width(line) <= columns);
        }
        text_reset(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_and_operands_come_in_any_order),
        cmocka_unit_test(a_lone_hyphen_is_an_operand),
        cmocka_unit_test(every_mistake_on_the_command_line_is_explained),
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(quantities_are_written_for_people),
        cmocka_unit_test(a_graph_with_a_branch_is_one_line),
        cmocka_unit_test(delivery_names_the_steps_that_weaken_it),
        cmocka_unit_test(a_frame_shows_rows_rates_bytes_progress_and_who_waits_for_whom),
        cmocka_unit_test(a_frame_never_leaves_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
