/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "serve/address.h"
#include "serve/credentials.h"

static void addresses_are_read_and_loopback_is_the_default(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host; /* NULL: no address */
        const char *port;
    } cases[] = {{"127.0.0.1:9464", "127.0.0.1", "9464"},
                 {":0", "127.0.0.1", "0"},
                 {"[::1]:80", "::1", "80"},
                 {"metrics.example:65535", "metrics.example", "65535"},
                 {"9464", NULL, NULL},
                 {"127.0.0.1:", NULL, NULL},
                 {"127.0.0.1:65536", NULL, NULL},
                 {"127.0.0.1:-1", NULL, NULL},
                 {"127.0.0.1:80a", NULL, NULL},
                 {"::1:80", NULL, NULL},
                 {"[]:80", NULL, NULL},
                 {"[::1:80", NULL, NULL},
                 {"", NULL, NULL}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct listen_address address;
        assert_int_equal(address_parse(cases[i].text, &address), cases[i].host != NULL);
        if (cases[i].host) {
            assert_string_equal(address.host, cases[i].host);
            assert_string_equal(address.port, cases[i].port);
        }
    }
}

static void assert_matches(const struct http_settings *settings, const char *header, bool expected)
{
    struct credentials credentials;
    assert_true(credentials_init(&credentials, settings));
    assert_int_equal(credentials_match(&credentials, header), expected);
    credentials_reset(&credentials);
}

static void who_is_asked_for_nothing_is_let_in(void **state)
{
    (void)state;
    const struct http_settings settings = {.listen = ":0"};
    assert_matches(&settings, NULL, true);
    assert_matches(&settings, "Bearer anything", true);
}

static void a_token_must_be_the_same_in_every_byte(void **state)
{
    (void)state;
    const struct http_settings settings = {.token = "s3cret"};
    assert_matches(&settings, "Bearer s3cret", true);
    assert_matches(&settings, "bearer s3cret", true);
    static const char *const wrong[] = {NULL,           "",               "Bearer",
                                        "Bearer ",      "Bearer s3cre",   "Bearer s3crets",
                                        "Bearer S3CRET", "Bearer  s3cret", "Basic s3cret",
                                        "Bearer s3crets3cret"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_matches(&settings, wrong[i], false);
    }
}

static void basic_credentials_are_base64_of_user_and_password(void **state)
{
    (void)state;
    /* RFC 7617, section 2 */
    const struct http_settings settings = {.user = "Aladdin", .password = "open sesame"};
    assert_matches(&settings, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", true);
    assert_matches(&settings, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=", false);
    const struct http_settings plain = {.user = "a", .password = "bc"};
    assert_matches(&plain, "Basic YTpiYw==", true);
    const struct http_settings both = {.user = "a", .password = "b", .token = "t"};
    assert_matches(&both, "Bearer t", true);
    assert_matches(&both, "Basic YTpi", true);
}

/* ---- notify ---- */

struct supervisor {
    int socket;
    char path[100];
};

static void listen_as_supervisor(struct supervisor *supervisor)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(supervisor->path, sizeof(supervisor->path), "/tmp/sluice-notify-%d", (int)getpid());
    memcpy(address.sun_path, supervisor->path, strlen(supervisor->path) + 1);
    supervisor->socket = socket(AF_UNIX, SOCK_DGRAM, 0);
    unlink(supervisor->path);
    assert_int_equal(bind(supervisor->socket, (struct sockaddr *)&address, sizeof(address)), 0);
    setenv("NOTIFY_SOCKET", supervisor->path, 1);
}

static void assert_told(const struct supervisor *supervisor, const char *expected)
{
    char text[256] = "";
    ssize_t got = recv(supervisor->socket, text, sizeof(text) - 1, MSG_DONTWAIT);
    if (got < 0) {
        got = 0;
    }
    text[got] = '\0';
    assert_string_equal(text, expected);
}

static void a_supervisor_hears_of_every_change_once(void **state)
{
    (void)state;
    struct supervisor supervisor;
    struct notifier notifier;
    listen_as_supervisor(&supervisor);
    setenv("WATCHDOG_USEC", "3000000", 1);
    notifier_init(&notifier);
    assert_int_equal(notifier.watchdog_ms, 1000);
    notifier_tell(&notifier, false, "starting");
    assert_told(&supervisor, "STATUS=starting\n");
    notifier_tell(&notifier, true, "running\nREADY=0");
    assert_told(&supervisor, "READY=1\nSTATUS=running\n");
    notifier_tell(&notifier, true, "running\nREADY=0");
    assert_told(&supervisor, "");
    notifier_alive(&notifier);
    notifier_alive(&notifier);
    assert_told(&supervisor, "WATCHDOG=1\n");
    assert_told(&supervisor, "");
    notifier_stopping(&notifier);
    assert_told(&supervisor, "STOPPING=1\n");
    notifier_reset(&notifier);
    unlink(supervisor.path);
    close(supervisor.socket);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
}

static void without_a_supervisor_nothing_is_sent(void **state)
{
    (void)state;
    struct notifier notifier;
    static const char *const names[] = {"relative", "/nonexistent/socket", "/"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        notifier_init(&notifier);
        assert_int_equal(notifier.socket, -1);
        notifier_tell(&notifier, true, "running");
        notifier_reset(&notifier);
    }
    unsetenv("NOTIFY_SOCKET");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_and_loopback_is_the_default),
        cmocka_unit_test(who_is_asked_for_nothing_is_let_in),
        cmocka_unit_test(a_token_must_be_the_same_in_every_byte),
        cmocka_unit_test(basic_credentials_are_base64_of_user_and_password),
        cmocka_unit_test(a_supervisor_hears_of_every_change_once),
        cmocka_unit_test(without_a_supervisor_nothing_is_sent),
    };
    return cmocka_run_group_tests_name("serve", tests, NULL, NULL);
}
