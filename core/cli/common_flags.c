/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common_flags.h"

#include <string.h>

#include "telemetry/log.h"

const char *const log_formats[] = {
    [LOG_FORMAT_TEXT] = "text",
    [LOG_FORMAT_JSON] = "json",
    NULL,
};

const char *const log_levels[] = {
    [SLUICE_LOG_DEBUG] = "debug",
    [SLUICE_LOG_INFO] = "info",
    [SLUICE_LOG_WARN] = "warn",
    [SLUICE_LOG_ERROR] = "error",
    NULL,
};

static int find(const char *const *names, const char *name)
{
    int at = 0;
    while (names[at] && strcmp(names[at], name) != 0) {
        at++;
    }
    return at;
}

void configure_log(const char *format, const char *level, const char *default_level)
{
    log_configure((enum log_format)find(log_formats, format ? format : "text"),
                  (enum sluice_log_level)find(log_levels, level ? level : default_level));
}
