/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "telemetry/log.h"
#include "telemetry/log_line.h"

static void assert_line(enum log_format format, const char *value, const char *expected)
{
    struct log_line line = {.format = format};
    log_line_begin(&line, 1700000000123, SLUICE_LOG_INFO, false);
    log_line_field(&line, "key", value);
    log_line_end(&line);
    assert_string_equal(text_get(&line.text), expected);
    text_reset(&line.text);
}

static void a_text_line_is_logfmt(void **state)
{
    (void)state;
#define HEAD "time=2023-11-14T22:13:20.123Z level=info "
    assert_line(LOG_FORMAT_TEXT, "bare-1.5", HEAD "key=bare-1.5\n");
    assert_line(LOG_FORMAT_TEXT, "two words", HEAD "key=\"two words\"\n");
    assert_line(LOG_FORMAT_TEXT, "a=b", HEAD "key=\"a=b\"\n");
    assert_line(LOG_FORMAT_TEXT, "", HEAD "key=\"\"\n");
    assert_line(LOG_FORMAT_TEXT, NULL, "time=2023-11-14T22:13:20.123Z level=info\n");
}

static void no_value_can_forge_a_line_or_a_terminal_command(void **state)
{
    (void)state;
    assert_line(LOG_FORMAT_TEXT, "a\nlevel=error", HEAD "key=\"a\\nlevel=error\"\n");
    assert_line(LOG_FORMAT_TEXT, "\x1b[2J", HEAD "key=\"\\u001b[2J\"\n");
    assert_line(LOG_FORMAT_TEXT,
                "\xc2\x9b"
                "2J",
                HEAD "key=\"\\u009b2J\"\n");
    assert_line(LOG_FORMAT_TEXT, "\xe2\x80\xae", HEAD "key=\"\\u202e\"\n");
    assert_line(LOG_FORMAT_TEXT, "\"\\", HEAD "key=\"\\\"\\\\\"\n");
}

static void utf8_stays_and_other_bytes_are_spelled_out(void **state)
{
    (void)state;
    assert_line(LOG_FORMAT_TEXT, "Zürich", HEAD "key=\"Zürich\"\n");
    assert_line(LOG_FORMAT_TEXT, "\xff", HEAD "key=\"\\xff\"\n");
    assert_line(LOG_FORMAT_TEXT, "\xc3", HEAD "key=\"\\xc3\"\n");
    assert_line(LOG_FORMAT_TEXT, "\xed\xa0\x80", HEAD "key=\"\\xed\\xa0\\x80\"\n");
    assert_line(LOG_FORMAT_TEXT, "\xf0\x9f\x98\x80", HEAD "key=\"\xf0\x9f\x98\x80\"\n");
}

static void a_json_line_is_one_valid_object(void **state)
{
    (void)state;
    assert_line(LOG_FORMAT_JSON, "say \"hi\"\n\x01\xff",
                "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"info\","
                "\"key\":\"say \\\"hi\\\"\\n\\u0001\\\\xff\"}\n");
}

/* Standard error as a pipe while `work` runs; what came out, NUL-terminated. */
static void capture(void (*work)(void), char *out, size_t capacity)
{
    char name[] = "/tmp/sluice-log-XXXXXX";
    int file = mkstemp(name);
    int saved = dup(STDERR_FILENO);
    assert_true(file >= 0 && saved >= 0);
    unlink(name);
    dup2(file, STDERR_FILENO);
    work();
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t size = pread(file, out, capacity - 1, 0);
    assert_true(size >= 0);
    out[size] = '\0';
    close(file);
}

static void log_an_error(void)
{
    struct sluice_error *error = error_create();
    struct log_scope scope = {.pipeline = "p", .flow = "f", .step = "s"};
    error_set(error, SLUICE_RETRY, SLUICE_CODE_TIMEOUT, "no answer");
    error_set_field(error, SLUICE_AT_TOPIC, "clicks");
    error_add_cause(error, "broker is down");
    log_configure(LOG_FORMAT_TEXT, SLUICE_LOG_INFO);
    log_error(SLUICE_LOG_WARN, &scope, error, "reading");
    log_write(SLUICE_LOG_DEBUG, NULL, NULL, 0, "not shown");
    error_destroy(error);
}

static void an_error_is_logged_with_scope_code_place_and_cause(void **state)
{
    (void)state;
    char out[1024];
    capture(log_an_error, out, sizeof out);
    assert_non_null(strstr(out, " level=warn message=\"reading: no answer\" pipeline=p flow=f "
                                "step=s code=timeout topic=clicks cause=\"broker is down\"\n"));
    assert_null(strstr(out, "not shown"));
}

static int hidden;
static int shown;

static void count_call(void *user)
{
    ++*(int *)user;
}

static void hide_display(void *user)
{
    (void)user;
    count_call(&hidden);
}

static void show_display(void *user)
{
    (void)user;
    count_call(&shown);
}

static void *log_many(void *unused)
{
    for (int i = 0; i < 200; i++) {
        log_write(SLUICE_LOG_INFO, NULL,
                  (struct sluice_log_field[]){{"filler", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}},
                  1, "line");
    }
    return unused;
}

static void log_from_threads(void)
{
    pthread_t threads[4];
    log_configure(LOG_FORMAT_JSON, SLUICE_LOG_INFO);
    log_set_display(hide_display, show_display, NULL);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, NULL), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    log_set_display(NULL, NULL, NULL);
}

static void lines_of_several_threads_stay_whole_and_frame_the_display(void **state)
{
    (void)state;
    static char out[256 * 1024];
    capture(log_from_threads, out, sizeof out);
    int lines = 0;
    for (const char *line = out; *line; line = strchr(line, '\n') + 1) {
        const char *end = strchr(line, '\n');
        assert_non_null(end);
        assert_memory_equal(line, "{\"time\":\"", 9);
        assert_int_equal(end[-1], '}');
        lines++;
    }
    assert_int_equal(lines, 800);
    assert_int_equal(hidden, 800);
    assert_int_equal(shown, 800);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_line_is_logfmt),
        cmocka_unit_test(no_value_can_forge_a_line_or_a_terminal_command),
        cmocka_unit_test(utf8_stays_and_other_bytes_are_spelled_out),
        cmocka_unit_test(a_json_line_is_one_valid_object),
        cmocka_unit_test(an_error_is_logged_with_scope_code_place_and_cause),
        cmocka_unit_test(lines_of_several_threads_stay_whole_and_frame_the_display),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
