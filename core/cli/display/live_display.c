/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/display/live_display.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/display/status_frame.h"
#include "telemetry/log.h"

static const char hide_cursor[] = "\x1b[?25l";
static const char show_cursor[] = "\x1b[?25h";

struct live_display {
    pthread_mutex_t lock; /* taken under the log's lock, and never the other way round */
    /* guarded by lock */
    struct text frame;
    size_t line_count; /* of the frame on the terminal */
};

static void write_terminal(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, size);
        if (written < 0 && errno != EINTR) {
            return;
        }
        bytes += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
}

static struct terminal_size measure_terminal(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2 || size.ws_row < 2) {
        return (struct terminal_size){.columns = 80, .lines = 23};
    }
    /* The last line is the cursor's, the last column belongs to nobody: some terminals wrap. */
    return (struct terminal_size){.columns = size.ws_col - 1u, .lines = size.ws_row - 1u};
}

static void append_erase(const struct live_display *display, struct text *text)
{
    if (display->line_count > 0) {
        text_printf(text, "\r\x1b[%zuA\x1b[J", display->line_count);
    }
}

/* Called under the log's lock, before a line; show_again() follows. */
static void take_away(void *user)
{
    struct live_display *display = user;
    struct text text = {0};
    pthread_mutex_lock(&display->lock);
    append_erase(display, &text);
    write_terminal(text_get(&text), text.size);
    text_reset(&text);
}

static void show_again(void *user)
{
    struct live_display *display = user;
    write_terminal(text_get(&display->frame), display->frame.size);
    pthread_mutex_unlock(&display->lock);
}

struct live_display *live_display_create(void)
{
    struct live_display *display = calloc(1, sizeof *display);
    if (!display) {
        return NULL;
    }
    if (pthread_mutex_init(&display->lock, NULL) != 0) {
        free(display);
        return NULL;
    }
    write_terminal(hide_cursor, sizeof hide_cursor - 1);
    log_set_display(take_away, show_again, display);
    return display;
}

void live_display_draw(struct live_display *display, const struct status_view *view)
{
    struct text text = {0};
    pthread_mutex_lock(&display->lock);
    append_erase(display, &text);
    text_clear(&display->frame);
    display->line_count = status_frame_render(view, measure_terminal(), &display->frame);
    text_append_bytes(&text, text_get(&display->frame), display->frame.size);
    if (!text.has_failed && !display->frame.has_failed) {
        write_terminal(text_get(&text), text.size);
    }
    pthread_mutex_unlock(&display->lock);
    text_reset(&text);
}

void live_display_destroy(struct live_display *display)
{
    if (!display) {
        return;
    }
    log_set_display(NULL, NULL, NULL);
    struct text text = {0};
    append_erase(display, &text);
    text_append(&text, show_cursor);
    write_terminal(text_get(&text), text.size);
    text_reset(&text);
    text_reset(&display->frame);
    pthread_mutex_destroy(&display->lock);
    free(display);
}

void live_display_abandon(struct live_display *display)
{
    if (display) {
        write_terminal(show_cursor, sizeof show_cursor - 1);
    }
}
