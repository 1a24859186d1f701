/* SPDX-License-Identifier: Apache-2.0 */
/* Option and metric rows that are wrong each in one way, and the sentence that each gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample_plugin.h"

static void small_rows(struct sample *s)
{
    s->component[0].option_size = 8;
}
static void large_rows(struct sample *s)
{
    s->component[0].option_size += 8;
}
static void no_rows(struct sample *s)
{
    s->component[0].options = NULL;
}
static void endless_rows(struct sample *s)
{
    s->component[0].option_count = SIZE_MAX;
}
static void odd_option(struct sample *s)
{
    s->options[0].name = "Path Name";
}
static void null_option(struct sample *s)
{
    s->options[0].name = NULL;
}
static void odd_kind(struct sample *s)
{
    s->options[0].kind = (enum sluice_option_kind)77;
}
static void outside(struct sample *s)
{
    s->options[1].offset = sizeof(struct sample_options);
}
static void far_outside(struct sample *s)
{
    s->options[1].offset = SIZE_MAX - 3;
}
static void not_aligned(struct sample *s)
{
    s->options[1].offset = 9;
}
static void same_place(struct sample *s)
{
    s->options[1].offset = 0;
}
static void same_name(struct sample *s)
{
    s->options[1].name = "path";
}
static void no_text(struct sample *s)
{
    s->options[1].text = NULL;
}
static void no_example(struct sample *s)
{
    s->options[1].example = "";
}
static void no_allowed(struct sample *s)
{
    s->options[2].allowed = NULL;
}
static void odd_default(struct sample *s)
{
    s->options[2].default_text = "slow";
}
static void required_default(struct sample *s)
{
    s->options[0].default_text = "x";
}
static void odd_range(struct sample *s)
{
    s->options[1].minimum = 5;
}
static void small_metrics(struct sample *s)
{
    s->component[0].metric_size = 8;
}
static void odd_metric(struct sample *s)
{
    s->metrics[0].name = "files total";
}
static void no_unit(struct sample *s)
{
    s->metrics[0].unit = NULL;
}
static void no_total(struct sample *s)
{
    s->metrics[0].name = "files";
}
static void gauge_total(struct sample *s)
{
    s->metrics[0].kind = SLUICE_METRIC_GAUGE;
}
static void taken_label(struct sample *s)
{
    static const char *const labels[] = {"folder", "step", NULL};
    s->metrics[0].labels = labels;
}
static void many_labels(struct sample *s)
{
    static const char *const labels[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", NULL};
    s->metrics[0].labels = labels;
}
static void falling_bounds(struct sample *s)
{
    static const double bounds[] = {1, 1};
    s->metrics[0].bounds = bounds;
    s->metrics[0].bound_count = 2;
}

static const struct spoilt cases[] = {
    {small_rows, "its option rows has 8 bytes"},
    {large_rows, "its option rows has"},
    {no_rows, "it counts 3 options, but has no table"},
    {endless_rows, "which cannot be meant"},
    {odd_option, "an option's name must be"},
    {null_option, "an option's name must be"},
    {odd_kind, "option path has the unknown kind 77"},
    {outside, "option limit is written at byte 24 (8 bytes), outside its options struct of 24"},
    {far_outside, "outside its options struct"},
    {not_aligned, "which is not aligned"},
    {same_place, "options path and limit are written to the same place"},
    {same_name, "option path stands twice"},
    {no_text, "option limit lacks the text"},
    {no_example, "option limit lacks the example"},
    {no_allowed, "option mode is an enum without allowed values"},
    {odd_default, "option mode has a default that it does not allow: slow"},
    {required_default, "option path is required, yet has a default"},
    {odd_range, "option limit has a minimum above its maximum"},
    {small_metrics, "its metric rows has 8 bytes"},
    {odd_metric, "a metric's name must be"},
    {no_unit, "metric files_total lacks the unit"},
    {no_total, "metric files: counters, and only they, end in _total"},
    {gauge_total, "metric files_total: counters, and only they, end in _total"},
    {taken_label, "metric files_total cannot have the label \"step\""},
    {many_labels, "metric files_total has more than 8 labels"},
    {falling_bounds, "metric files_total must have at most 24 bounds, which rise"},
};

static void every_cause_has_its_own_sentence(void **state)
{
    (void)state;
    assert_all_refused(cases, sizeof cases / sizeof *cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cause_has_its_own_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
