/* SPDX-License-Identifier: Apache-2.0 */
/* The plan callback: from typed options and the input's schema it says what comes out, before
 * anything runs. It does no I/O and keeps nothing: it may be called several times, also by `sluice
 * check`. There is no instance yet, so only these host calls are there: the ones of this page and of
 * error.h, sluice_log (silent), sluice_alloc, sluice_resize and sluice_free, sluice_codec_name,
 * sluice_parse_timestamp, sluice_is_utf8 and sluice_hash_bytes; the others are NULL in the table. */
#ifndef SLUICE_PLANNING_H
#define SLUICE_PLANNING_H

#include <sluice/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Schema of the step's input; NULL for a source. */
static inline const struct sluice_schema *sluice_planning_input(const struct sluice_host *host,
                                                                struct sluice_planning *planning)
{
    return host->table->planning_input(host, planning);
}

/* True in a flow with every/after (one bounded run), false in a continuous one. */
static inline bool sluice_planning_is_batch(const struct sluice_host *host,
                                            struct sluice_planning *planning)
{
    return host->table->planning_is_batch(host, planning);
}

/* Appends a column to the output. The field is copied. Twice the same name: CONFIG. */
static inline enum sluice_status sluice_planning_output(const struct sluice_host *host,
                                                        struct sluice_planning *planning,
                                                        const struct sluice_field *field)
{
    return host->table->planning_output(host, planning, field, sizeof(*field));
}

/* The step is keyed: rows with equal values in the key columns must meet in one instance. */
static inline void sluice_planning_key(const struct sluice_host *host,
                                       struct sluice_planning *planning, const char *column)
{
    host->table->planning_key(host, planning, column);
}

/* The step itself looks at this input column. A column that no later step reads and that the step
 * does not read may be left out of its input. Without any call all columns are read. */
static inline void sluice_planning_reads(const struct sluice_host *host,
                                         struct sluice_planning *planning, const char *column)
{
    host->table->planning_reads(host, planning, column);
}

/* The output has this property; see enum sluice_property. */
static inline void sluice_planning_property(const struct sluice_host *host,
                                            struct sluice_planning *planning,
                                            enum sluice_property property,
                                            const char *const *columns, size_t count)
{
    host->table->planning_property(host, planning, property, columns, count);
}

/* Whether the input has the property for exactly these columns. */
static inline bool sluice_planning_has_property(const struct sluice_host *host,
                                                struct sluice_planning *planning,
                                                enum sluice_property property,
                                                const char *const *columns, size_t count)
{
    return host->table->planning_has_property(host, planning, property, columns, count);
}

/* With these options a sink that declares SLUICE_EXACTLY_ONCE is at-least-once only; `why` is half a
 * sentence for `sluice check`. Copied. */
static inline void sluice_planning_at_least_once(const struct sluice_host *host,
                                                 struct sluice_planning *planning, const char *why)
{
    host->table->planning_at_least_once(host, planning, why);
}

/* Whether each process will have a folder of its own (sluice_this_run()->member_path): not where the
 * state lies in an object store. */
static inline bool sluice_planning_has_member_folder(const struct sluice_host *host,
                                                     struct sluice_planning *planning)
{
    return host->table->planning_has_member_folder(host, planning);
}

/* A warning at an option's line (option NULL: the step's line); the plan stays valid. */
SLUICE_PRINTF(4, 5)
static inline void sluice_planning_warn(const struct sluice_host *host,
                                        struct sluice_planning *planning, const char *option,
                                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    host->table->planning_warn(host, planning, option, format, arguments);
    va_end(arguments);
}

#ifdef __cplusplus
}
#endif

#endif
