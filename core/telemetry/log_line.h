/* SPDX-License-Identifier: Apache-2.0 */
/* One log line as bytes: logfmt or JSON, escaped so that no value can forge a line, a field or a
 * terminal command. Pure: no clock, no output. */
#ifndef SLUICE_TELEMETRY_LOG_LINE_H
#define SLUICE_TELEMETRY_LOG_LINE_H

#include "telemetry/log.h"

struct log_line {
    struct text text;
    enum log_format format;
};

/* A line is begun with its time, gets its fields in order, and is ended with a newline. */
void log_line_begin(struct log_line *line, int64_t time_ms, enum sluice_log_level level,
                    bool use_colour);
/* NULL values are left out. Bytes of the key that logfmt cannot have become underscores. */
void log_line_field(struct log_line *line, const char *key, const char *value);
void log_line_end(struct log_line *line);

#endif
