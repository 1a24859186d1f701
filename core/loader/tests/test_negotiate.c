/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that are wrong each in one way, and the sentence that each gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample_plugin.h"

static enum sluice_status snapshot(void *instance, struct sluice_state_writer *writer,
                                   struct sluice_error *error)
{
    (void)instance, (void)writer, (void)error;
    return SLUICE_OK;
}
static enum sluice_status restore(void *instance, struct sluice_state_reader *reader,
                                  struct sluice_error *error)
{
    (void)instance, (void)reader, (void)error;
    return SLUICE_OK;
}
static enum sluice_status decide(void *instance, uint64_t checkpoint, struct sluice_error *error)
{
    (void)instance, (void)checkpoint, (void)error;
    return SLUICE_OK;
}
static void destroy(void *instance)
{
    (void)instance;
}

static void newer_minor(struct sample *s)
{
    s->plugin.abi_version = SLUICE_ABI_VERSION + 1;
}
static void other_major(struct sample *s)
{
    s->plugin.abi_version = 0;
}
static void small_descriptor(struct sample *s)
{
    s->plugin.struct_size = 16;
}
static void large_descriptor(struct sample *s)
{
    s->plugin.struct_size += 8;
}
static void no_version(struct sample *s)
{
    s->plugin.version = "";
}
static void no_licence(struct sample *s)
{
    s->plugin.licence = NULL;
}
static void odd_plugin_name(struct sample *s)
{
    s->plugin.name = "My Plugin";
}
static void no_components(struct sample *s)
{
    s->plugin.component_count = 0;
}
static void null_components(struct sample *s)
{
    s->plugin.components = NULL;
}
static void endless_components(struct sample *s)
{
    s->plugin.component_count = SIZE_MAX;
}
static void small_component(struct sample *s)
{
    s->plugin.component_size = 24;
}
static void large_component(struct sample *s)
{
    s->plugin.component_size += 8;
}
static void torn_component(struct sample *s)
{
    s->component[0].struct_size -= 8;
}
static void odd_name(struct sample *s)
{
    s->component[0].name = "source-Sample";
}
static void null_name(struct sample *s)
{
    s->component[0].name = NULL;
}
static void foreign_prefix(struct sample *s)
{
    s->component[0].name = "sample";
}
static void unknown_kind(struct sample *s)
{
    s->component[0].kind = (enum sluice_kind)99;
}
static void odd_capability(struct sample *s)
{
    s->component[0].capabilities = 1u << 30;
}
static void foreign_capability(struct sample *s)
{
    s->component[0].capabilities = SLUICE_EXACTLY_ONCE;
}
static void no_table(struct sample *s)
{
    s->component[0].source = NULL;
}
static void two_tables(struct sample *s)
{
    s->component[0].sink = &s->sink;
}
static void small_table(struct sample *s)
{
    s->source.struct_size = 8;
}
static void large_table(struct sample *s)
{
    s->source.struct_size += 8;
}
static void no_read(struct sample *s)
{
    s->source.read = NULL;
}
static void nothing_at_all(struct sample *s)
{
    s->source = (struct sluice_source){.struct_size = sizeof s->source};
}
static void restore_alone(struct sample *s)
{
    s->source.restore = restore;
}
static void decide_alone(struct sample *s)
{
    s->source.decide = decide;
}
static void half_state(struct sample *s)
{
    become(s, SLUICE_KIND_TRANSFORM, "transform-sample");
    s->transform.snapshot = snapshot;
}
static void empty_sink(struct sample *s)
{
    become(s, SLUICE_KIND_SINK, "sink-sample");
}
static void empty_codec(struct sample *s)
{
    become(s, SLUICE_KIND_CODEC, "sample");
}
static void half_codec(struct sample *s)
{
    become(s, SLUICE_KIND_CODEC, "sample");
    s->codec.encoder_destroy = destroy;
}
static enum sluice_status get(void *instance, const char *key, struct sluice_buffer *bytes,
                              bool *is_there, struct sluice_error *error)
{
    (void)instance, (void)key, (void)bytes, (void)is_there, (void)error;
    return SLUICE_OK;
}
static enum sluice_status put(void *instance, const char *key, struct sluice_string bytes,
                              bool must_be_new, bool *is_done, struct sluice_error *error)
{
    (void)instance, (void)key, (void)bytes, (void)must_be_new, (void)is_done, (void)error;
    return SLUICE_OK;
}
static enum sluice_status list(void *instance, const char *prefix, sluice_key_visit visit,
                               void *user, struct sluice_error *error)
{
    (void)instance, (void)prefix, (void)visit, (void)user, (void)error;
    return SLUICE_OK;
}
static enum sluice_status drop(void *instance, const char *key, struct sluice_error *error)
{
    (void)instance, (void)key, (void)error;
    return SLUICE_OK;
}
static void whole_state(struct sample *s)
{
    become(s, SLUICE_KIND_STATE, "state-sample");
    s->state_store.get = get;
    s->state_store.put = put;
    s->state_store.list = list;
    s->state_store.remove = drop;
    s->component[0].metric_count = 0;
    s->options[0].name = "url";
    s->options[0].kind = SLUICE_OPTION_STRING;
}
static void empty_state(struct sample *s)
{
    become(s, SLUICE_KIND_STATE, "state-sample");
}
static void state_without_place(struct sample *s)
{
    whole_state(s);
    s->options[0].name = "path";
}
static void state_with_metrics(struct sample *s)
{
    whole_state(s);
    s->component[0].metric_count = 1;
}
static void misnamed_state(struct sample *s)
{
    whole_state(s);
    s->component[0].name = "s3";
}
static void twice(struct sample *s)
{
    s->component[1] = s->component[0];
    s->plugin.component_count = 2;
}
static const struct spoilt cases[] = {
    {newer_minor, "needs ABI 1.1, this sluice has 1.0"},
    {other_major, "speaks ABI 0.0, this sluice speaks 1.0"},
    {small_descriptor, "its descriptor has 16 bytes"},
    {large_descriptor, "more than the 64 of ABI 1.0"},
    {no_version, "lacks the version"},
    {no_licence, "lacks the licence"},
    {odd_plugin_name, "its name must be lower case"},
    {no_components, "it offers 0 components"},
    {null_components, "it offers 0 components"},
    {endless_components, "1 to 256 are possible"},
    {small_component, "its component table has 24 bytes"},
    {large_component, "its component table has"},
    {torn_component, "component 0 says it has"},
    {odd_name, "a component's name must be"},
    {null_name, "a component's name must be"},
    {foreign_prefix, "the name of a source must begin with source-"},
    {unknown_kind, "its kind 99 is unknown"},
    {odd_capability, "capability 0x40000000 is none of a source"},
    {foreign_capability, "capability 0x10 is none of a source"},
    {no_table, "it is a source without a source table"},
    {two_tables, "it is a source, but has a sink table too"},
    {small_table, "its source table has 8 bytes"},
    {large_table, "its source table has"},
    {no_read, "it lacks the callback read"},
    {nothing_at_all, "it lacks the callbacks plan, create, read, destroy"},
    {restore_alone, "it has restore, but lacks the callback snapshot"},
    {decide_alone, "it has decide, but lacks the callback snapshot"},
    {half_state, "it lacks the callback restore"},
    {empty_sink, "it lacks the callbacks write, stage, commit"},
    {empty_codec, "it can neither decode nor encode"},
    {half_codec, "it lacks the callbacks encoder_create, encoder_begin, encode, encoder_finish"},
    {empty_state, "it lacks the callbacks get, put, list, remove"},
    {state_without_place, "a state store needs a text option `url`"},
    {state_with_metrics, "a state store has no metrics"},
    {misnamed_state, "the name of a state must begin with state-"},
    {twice, "it stands twice in the plugin"},
};

static void a_state_store_becomes_a_component(void **state)
{
    (void)state;
    struct sample sample;
    struct outcome outcome;
    make_sample(&sample);
    whole_state(&sample);
    negotiate_sample(&sample.plugin, &outcome);
    assert_int_equal(outcome.status, SLUICE_OK);
    assert_true(outcome.components[0].kind == SLUICE_KIND_STATE);
    assert_true(outcome.components[0].state_store.put == put);
    forget(&outcome);
}

static void a_correct_descriptor_becomes_a_component(void **state)
{
    (void)state;
    struct sample sample;
    struct outcome outcome;
    make_sample(&sample);
    negotiate_sample(&sample.plugin, &outcome);
    assert_int_equal(outcome.status, SLUICE_OK);
    assert_int_equal(outcome.count, 1);
    assert_string_equal(outcome.components[0].name, "source-sample");
    assert_string_equal(outcome.components[0].plugin_licence, "MIT");
    assert_true(outcome.components[0].source.read == sample.source.read);
    assert_int_equal(outcome.components[0].option_count, 3);
    assert_int_equal(outcome.components[0].metric_count, 1);
    forget(&outcome);
}

static void every_cause_has_its_own_sentence(void **state)
{
    (void)state;
    assert_all_refused(cases, sizeof cases / sizeof *cases);
}

static void no_descriptor_at_all_is_refused(void **state)
{
    (void)state;
    struct outcome outcome;
    negotiate_sample(NULL, &outcome);
    assert_int_equal(outcome.status, SLUICE_CONFIG);
    forget(&outcome);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_correct_descriptor_becomes_a_component),
        cmocka_unit_test(a_state_store_becomes_a_component),
        cmocka_unit_test(every_cause_has_its_own_sentence),
        cmocka_unit_test(no_descriptor_at_all_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
