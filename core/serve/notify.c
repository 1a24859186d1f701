/* SPDX-License-Identifier: Apache-2.0 */
/* The protocol of sd_notify(3): lines in a datagram to a unix socket. It is documented and stable, and
 * these few lines spare every user libsystemd and what it pulls in. */
#include "serve/serve.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* How often within the time that the supervisor waits for a sign of life. */
enum { WATCHDOG_SHARE = 3 };

static int open_socket(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = name ? strlen(name) : 0;
    bool is_usable = size > 1 && size < sizeof(address.sun_path) && strchr("/@", name[0]);
    int made = is_usable ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (made < 0) {
        return -1;
    }
    memcpy(address.sun_path, name, size);
    if (name[0] == '@') {
        address.sun_path[0] = '\0'; /* the abstract namespace */
    }
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    if (connect(made, (const struct sockaddr *)&address, length) != 0) {
        close(made);
        return -1;
    }
    return made;
}

static int64_t read_number(const char *name)
{
    const char *text = getenv(name);
    int64_t number = 0;
    return text && parse_int64(text, strlen(text), &number) ? number : 0;
}

void notifier_init(struct notifier *notifier)
{
    int64_t watched = read_number("WATCHDOG_PID");
    *notifier = (struct notifier){.socket = open_socket(getenv("NOTIFY_SOCKET"))};
    if (watched == 0 || watched == (int64_t)getpid()) {
        notifier->watchdog_ms = read_number("WATCHDOG_USEC") / 1000 / WATCHDOG_SHARE;
    }
}

void notifier_reset(struct notifier *notifier)
{
    if (notifier->socket >= 0) {
        close(notifier->socket);
    }
    notifier->socket = -1;
    text_reset(&notifier->status);
}

/* A supervisor that does not listen is its own trouble. */
static void send_text(const struct notifier *notifier, const char *text)
{
    if (notifier->socket >= 0) {
        ssize_t ignored = send(notifier->socket, text, strlen(text), MSG_NOSIGNAL);
        (void)ignored;
    }
}

void notifier_tell(struct notifier *notifier, bool is_ready, const char *status)
{
    struct text lines = {0};
    if (is_ready && !notifier->is_ready) {
        notifier->is_ready = true;
        text_append(&lines, "READY=1\n");
    }
    if (strcmp(text_get(&notifier->status), status) != 0) {
        text_clear(&notifier->status);
        text_append(&notifier->status, status);
        text_printf(&lines, "STATUS=%.*s\n", (int)strcspn(status, "\n"), status);
    }
    if (lines.size > 0) {
        send_text(notifier, text_get(&lines));
    }
    text_reset(&lines);
}

void notifier_alive(struct notifier *notifier)
{
    int64_t now_ms = clock_monotonic_ms();
    if (notifier->watchdog_ms > 0 && now_ms >= notifier->next_watchdog_ms) {
        notifier->next_watchdog_ms = now_ms + notifier->watchdog_ms;
        send_text(notifier, "WATCHDOG=1\n");
    }
}

void notifier_stopping(struct notifier *notifier)
{
    send_text(notifier, "STOPPING=1\n");
}
