/* SPDX-License-Identifier: Apache-2.0 */
/* Room telemetry: the process's log. One line a message on stderr: text (logfmt, coloured level on
 * a terminal) or JSON. Every line has time (ISO 8601 UTC, ms), level, message, then pipeline, flow,
 * step where known, then the fields. Control bytes and invalid UTF-8 in values are escaped. One
 * write(2) a line; any thread. The log's settings are the one global of the process. */
#ifndef SLUICE_TELEMETRY_LOG_H
#define SLUICE_TELEMETRY_LOG_H

#include "base/base.h"

enum log_format { LOG_FORMAT_TEXT = 0, LOG_FORMAT_JSON };

struct log_scope {
    const char *pipeline; /* NULL where unknown */
    const char *flow;
    const char *step;
};

void log_configure(enum log_format format, enum sluice_log_level least);
bool log_is_enabled(enum sluice_log_level level);
void log_write(enum sluice_log_level level, const struct log_scope *scope,
               const struct sluice_log_field *fields, size_t field_count, const char *format, ...)
    PRINTF_LIKE(5, 6);
void log_write_list(enum sluice_log_level level, const struct log_scope *scope,
                    const struct sluice_log_field *fields, size_t field_count, const char *format,
                    va_list arguments);
/* Logs an error's message with its code and position fields as log fields. */
void log_error(enum sluice_log_level level, const struct log_scope *scope,
               const struct sluice_error *error, const char *what);

/* A live display draws on the same terminal: called under the log's lock before and after each
 * line. NULL takes it off. */
void log_set_display(void (*hide)(void *user), void (*show)(void *user), void *user);

#endif
