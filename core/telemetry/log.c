/* SPDX-License-Identifier: Apache-2.0 */
/* Where log lines go: one write to standard error a line, around a live display. What a line looks
 * like is in log_line.c. */
#include "telemetry/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "telemetry/log_line.h"

/* The one global of the process: the log's settings. */
static struct {
    atomic_int least; /* enum sluice_log_level */
    pthread_mutex_t lock;
    /* guarded by lock */
    enum log_format format;
    bool use_colour;
    void (*hide)(void *user);
    void (*show)(void *user);
    void *user;
} settings = {.least = SLUICE_LOG_INFO, .lock = PTHREAD_MUTEX_INITIALIZER};

/* An error as fields: each place, its code, its cause. */
enum { ERROR_FIELDS_MAX = SLUICE_AT_FIELD_COUNT + 2 };

void log_configure(enum log_format format, enum sluice_log_level least)
{
    const char *no_colour = getenv("NO_COLOR");
    pthread_mutex_lock(&settings.lock);
    settings.format = format;
    settings.use_colour = isatty(STDERR_FILENO) && !(no_colour && *no_colour);
    pthread_mutex_unlock(&settings.lock);
    atomic_store(&settings.least, (int)least);
}

bool log_is_enabled(enum sluice_log_level level)
{
    return (int)level >= atomic_load_explicit(&settings.least, memory_order_relaxed);
}

void log_set_display(void (*hide)(void *user), void (*show)(void *user), void *user)
{
    pthread_mutex_lock(&settings.lock);
    settings.hide = hide;
    settings.show = show;
    settings.user = user;
    pthread_mutex_unlock(&settings.lock);
}

/* A pipe that is full or non-blocking is waited for; a reader that has gone is no reason to stop
 * moving rows. */
static void write_bytes(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDERR_FILENO, bytes, size);
        if (written >= 0) {
            bytes += written;
            size -= (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
            poll(&room, 1, -1);
        } else if (errno != EINTR) {
            return;
        }
    }
}

static void put_line(struct log_line *line, enum sluice_log_level level,
                     const struct log_scope *scope, const struct sluice_log_field *fields,
                     size_t field_count, const char *message)
{
    log_line_begin(line, clock_wall_ms(), level, settings.use_colour);
    log_line_field(line, "message", message);
    if (scope) {
        log_line_field(line, "pipeline", scope->pipeline);
        log_line_field(line, "flow", scope->flow);
        log_line_field(line, "step", scope->step);
    }
    for (size_t i = 0; i < field_count; i++) {
        log_line_field(line, fields[i].key, fields[i].value);
    }
    log_line_end(line);
}

static void write_line(enum sluice_log_level level, const struct log_scope *scope,
                       const struct sluice_log_field *fields, size_t field_count,
                       const char *message)
{
    struct log_line line = {.format = LOG_FORMAT_TEXT};
    pthread_mutex_lock(&settings.lock);
    line.format = settings.format;
    put_line(&line, level, scope, fields, field_count, message);
    if (settings.hide) {
        settings.hide(settings.user);
    }
    if (line.text.has_failed) {
        static const char lost[] = "level=error message=\"no memory left for a log line\"\n";
        write_bytes(lost, sizeof lost - 1);
    } else {
        write_bytes(line.text.data, line.text.size);
    }
    if (settings.show) {
        settings.show(settings.user);
    }
    pthread_mutex_unlock(&settings.lock);
    text_reset(&line.text);
}

void log_write_list(enum sluice_log_level level, const struct log_scope *scope,
                    const struct sluice_log_field *fields, size_t field_count, const char *format,
                    va_list arguments)
{
    if (!log_is_enabled(level)) {
        return;
    }
    struct text message = {0};
    text_printf_list(&message, format, arguments);
    write_line(level, scope, fields, field_count, text_get(&message));
    text_reset(&message);
}

void log_write(enum sluice_log_level level, const struct log_scope *scope,
               const struct sluice_log_field *fields, size_t field_count, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    log_write_list(level, scope, fields, field_count, format, arguments);
    va_end(arguments);
}

void log_error(enum sluice_log_level level, const struct log_scope *scope,
               const struct sluice_error *error, const char *what)
{
    if (!log_is_enabled(level)) {
        return;
    }
    struct sluice_log_field fields[ERROR_FIELDS_MAX];
    size_t count = 0;
    fields[count++] = (struct sluice_log_field){"code", error_code_name(error_code(error))};
    for (int at = 0; at < SLUICE_AT_FIELD_COUNT; at++) {
        enum sluice_error_field field = (enum sluice_error_field)at;
        fields[count++] =
            (struct sluice_log_field){error_field_name(field), error_field(error, field)};
    }
    const char *causes = error_causes(error);
    fields[count++] = (struct sluice_log_field){"cause", *causes ? causes : NULL};

    const char *message = error_message(error);
    if (what && *what) {
        log_write(level, scope, fields, count, "%s: %s", what, message);
    } else {
        log_write(level, scope, fields, count, "%s", message);
    }
}
