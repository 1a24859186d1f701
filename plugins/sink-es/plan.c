/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said of the options before anything runs. Values of options may still be
 * placeholders here, so only what is set and what is not counts, not what it says. */
#include "plan.h"

#include "bulk/mapping.h"

#include <string.h>

static enum sluice_status fail_option(const struct sluice_host *host, struct sluice_error *error,
                                      const char *option, const char *text)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "%s: %s", option, text);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "%s", option);
    return SLUICE_CONFIG;
}

static enum sluice_status check_id(const struct sluice_host *host, const struct es_options *options,
                                   struct sluice_error *error)
{
    if (options->id.count > 0 && options->id_template) {
        return fail_option(host, error, "id_template",
                           "`id` is there too; only one of them can make the document id");
    }
    if (options->action == ES_UPDATE && !es_has_id(options)) {
        return fail_option(host, error, "action", "update needs `id` or `id_template`");
    }
    return SLUICE_OK;
}

static enum sluice_status check_version(const struct sluice_host *host,
                                        const struct es_options *options,
                                        const struct sluice_schema *input,
                                        struct sluice_error *error)
{
    if (!es_is_set(options->version)) {
        return SLUICE_OK;
    }
    if (options->action != ES_INDEX) {
        return fail_option(host, error, "version",
                           "only the action index writes versions; create and update have none");
    }
    if (!es_has_id(options)) {
        return fail_option(host, error, "version", "a version needs `id` or `id_template`");
    }
    for (size_t i = 0; input && i < input->field_count; i++) {
        const struct sluice_field *field = sluice_schema_field(input, i);
        if (strcmp(field->name, options->version) == 0 && field->type != SLUICE_TYPE_INT64) {
            return fail_option(host, error, "version", "the column must be of type int64");
        }
    }
    return SLUICE_OK;
}

static enum sluice_status check_credentials(const struct sluice_host *host,
                                            const struct es_options *options,
                                            struct sluice_error *error)
{
    int ways = es_is_set(options->user) + es_is_set(options->api_key) + es_is_set(options->bearer);
    if (ways > 1) {
        const char *option = es_is_set(options->api_key) ? "api_key" : "bearer";
        return fail_option(host, error, option, "only one of user, api_key and bearer can be used");
    }
    if (es_is_set(options->password) && !es_is_set(options->user)) {
        return fail_option(host, error, "password", "`user` is missing");
    }
    return SLUICE_OK;
}

static enum sluice_status check_columns(const struct sluice_host *host,
                                        const struct sluice_schema *input,
                                        struct sluice_error *error)
{
    for (size_t i = 0; input && i < input->field_count; i++) {
        const char *name = sluice_schema_field(input, i)->name;
        if (!mapping_is_field_name(name)) {
            return sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                               "the column %s has the name of a field that search servers keep "
                               "for themselves; rename it before sink-es",
                               name);
        }
    }
    return SLUICE_OK;
}

enum sluice_status es_check_options(const struct sluice_host *host,
                                    const struct es_options *options,
                                    const struct sluice_schema *input, struct sluice_error *error)
{
    enum sluice_status status = check_id(host, options, error);
    if (status == SLUICE_OK) {
        status = check_version(host, options, input, error);
    }
    if (status == SLUICE_OK) {
        status = check_credentials(host, options, error);
    }
    return status == SLUICE_OK ? check_columns(host, input, error) : status;
}

enum sluice_status es_plan(const struct sluice_host *host, const void *typed,
                           struct sluice_planning *planning, struct sluice_error *error)
{
    const struct es_options *options = typed;
    if (!es_has_id(options)) {
        sluice_planning_at_least_once(host, planning,
                                      "without `id` writes rows again after a crash");
        sluice_planning_warn(host, planning, NULL,
                             "sink-es without `id` is at-least-once: the server makes the ids, so "
                             "rows that are sent again after a crash or a lost answer become "
                             "further documents; name the columns that identify a row in `id`");
    }
    return es_check_options(host, options, sluice_planning_input(host, planning), error);
}
