/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged files never crash, hang or leak (under ASan and UBSan), and a failure always says why. */
#include "planned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_MS 3000

/* Numbers that are the same in every run. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static const char *const pieces[] = {
    "{",   "}",     "[",    "]",   ":",        ": ",    "- ",          "\n",     "\t",
    "&a ", "*a",    "${",   "}",   "$$",       "${A}",  "<<: ",        "!!str ", "\"",
    "'",   "---\n", "\xFF", "\0",  "null",     "steps", "from: [",     "after",  "0",
    "-1",  "  ",    "? ",   "|\n", "sink-any", "name",  "\xE2\x80\xA8"};

static void mutate(struct text *text, uint64_t *seed)
{
    struct text result = {0};
    size_t at = text->size ? next_random(seed) % text->size : 0;
    size_t cut = next_random(seed) % 4 ? next_random(seed) % 12 : 0;
    if (cut > text->size - at)
        cut = text->size - at;
    text_append_bytes(&result, text_get(text), at);
    uint64_t choice = next_random(seed) % 4;
    if (choice == 0)
        text_append_char(&result, (char)next_random(seed));
    else if (choice < 3)
        text_append(&result, pieces[next_random(seed) % (sizeof(pieces) / sizeof(pieces[0]))]);
    else if (text->size > 40)
        text_append_bytes(&result, text->data + next_random(seed) % (text->size - 40),
                          next_random(seed) % 40);
    text_append_bytes(&result, text_get(text) + at + cut, text->size - at - cut);
    text_reset(text);
    *text = result;
}

static void run_mutations(const char *path, const char *seed_text, uint64_t seed)
{
    struct text original = {0};
    struct sluice_error *error = error_create();
    if (path)
        assert_int_equal(file_read_all(path, TREE_MAX_BYTES, &original, error), SLUICE_OK);
    else
        text_append(&original, seed_text);
    error_destroy(error);
    int64_t end_ms = clock_monotonic_ms() + RUN_MS;
    while (clock_monotonic_ms() < end_ms) {
        struct text text = {0};
        text_append_bytes(&text, original.data, original.size);
        for (uint64_t i = next_random(&seed) % 6; i-- > 0;)
            mutate(&text, &seed);
        struct planned planned =
            plan_bytes(text_get(&text), text.size, next_random(&seed) % 2, NULL);
        assert_true(planned.status == SLUICE_OK || planned.printed.size > 0);
        planned_reset(&planned);
        text_reset(&text);
    }
    text_reset(&original);
}

static void damaged_dataco_files_never_crash(void **state)
{
    (void)state;
    run_mutations(PIPELINES_FOLDER "/dataco.yaml", NULL, 4242);
}

static void damaged_files_of_known_plugins_never_crash(void **state)
{
    (void)state;
    run_mutations(
        NULL,
        "pipeline: p\nsettings: {lanes: 3, memory: 1GiB, state: '${A:-x}'}\n"
        "schemas: {s: {user: string, url: string, at: {type: timestamp, zone: UTC}, n: int64}}\n"
        "flows:\n  f:\n    every: 5m\n    dead_letter: {sink-any: {}}\n    steps:\n"
        "      - source-rows: {schema: s, format: {lines: {separator: ;}}, limit: 3, wait: 5s,\n"
        "          size: 64KiB, mode: replace, names: [a, b], headers: {x: y}, secret: '${B:-c}'}\n"
        "      - {name: a, transform-same: {look: user}}\n"
        "      - transform-count: {by: [url, user], distinct: at}\n"
        "      - sink-any: {name: 'x={url}/{user}', id: [url]}\n"
        "      - {from: [a, source-rows], sink-any: {name: '{at:%Y}'}}\n"
        "  g: {after: f, lanes: 2, steps: [source-decides, sink-any]}\n",
        777);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_dataco_files_never_crash),
        cmocka_unit_test(damaged_files_of_known_plugins_never_crash),
    };
    return cmocka_run_group_tests(tests, planned_begin, planned_end);
}
