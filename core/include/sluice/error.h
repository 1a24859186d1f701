/* SPDX-License-Identifier: Apache-2.0 */
/* Filling an error. A callback gets a `struct sluice_error *` (never NULL, owned by the caller),
 * describes in it what went wrong in the user's terms, and returns a status other than OK:
 *
 *     return sluice_fail(host, error, SLUICE_RETRY, SLUICE_CODE_TIMEOUT,
 *                        "no answer from %s within %d ms", name, timeout_ms);
 *
 * The core adds pipeline, flow and step. A plugin neither logs what it returns nor puts secrets
 * into it. The last call of sluice_fail wins; fields and causes add up after it. */
#ifndef SLUICE_ERROR_H
#define SLUICE_ERROR_H

#include <sluice/host.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define SLUICE_PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))
#else
#define SLUICE_PRINTF(format_at, first_at)
#endif

/* Clears the error, sets status, stable code and message, and returns the status. */
SLUICE_PRINTF(5, 6)
static inline enum sluice_status sluice_fail(const struct sluice_host *host,
                                             struct sluice_error *error, enum sluice_status status,
                                             enum sluice_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    host->table->error_set(host, error, status, code, format, arguments);
    va_end(arguments);
    return status;
}

/* Says where: topic, offset, object, line, option … Setting a field again replaces it. */
SLUICE_PRINTF(4, 5)
static inline void sluice_error_at(const struct sluice_host *host, struct sluice_error *error,
                                   enum sluice_error_field field, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    host->table->error_field(host, error, field, format, arguments);
    va_end(arguments);
}

/* Adds the deeper reason, for example the server's own words. */
SLUICE_PRINTF(3, 4)
static inline void sluice_error_because(const struct sluice_host *host, struct sluice_error *error,
                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    host->table->error_cause(host, error, format, arguments);
    va_end(arguments);
}

/* With SLUICE_RETRY: the server asked to wait this long (Retry-After). */
static inline void sluice_error_retry_after(const struct sluice_host *host,
                                            struct sluice_error *error, int64_t delay_ms)
{
    host->table->error_retry_after(host, error, delay_ms);
}

#ifdef __cplusplus
}
#endif

#endif
