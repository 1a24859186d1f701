/* SPDX-License-Identifier: Apache-2.0 */
/* Planning calls of the test host: what a plan callback declares becomes test->planned. */
#include "test_host/calls.h"

#include <string.h>

static const struct sluice_schema *host_planning_input(sluice_host_ref host,
                                                       struct sluice_planning *planning)
{
    (void)planning;
    return test_host_of(host)->input_schema;
}

static bool host_planning_is_batch(sluice_host_ref host, struct sluice_planning *planning)
{
    (void)planning;
    return test_host_of(host)->run.is_batch;
}

static bool host_planning_has_member_folder(sluice_host_ref host, struct sluice_planning *planning)
{
    (void)planning;
    return *test_host_of(host)->run.member_path;
}

static enum sluice_status host_planning_output(sluice_host_ref host,
                                               struct sluice_planning *planning,
                                               const struct sluice_field *field,
                                               size_t field_size)
{
    (void)planning;
    (void)field_size; /* tests are built with the host's own header */
    struct test_host *test = test_host_of(host);
    size_t count = test->planned ? test->planned->field_count : 0;
    struct sluice_field *fields = arena_alloc(test->arena, (count + 1) * sizeof *fields);
    if (count > 0) {
        memcpy(fields, test->planned->fields, count * sizeof *fields);
    }
    fields[count] = *field;
    test->planned = arena_alloc(test->arena, sizeof *test->planned);
    *test->planned = (struct sluice_schema){sizeof *fields, count + 1, fields};
    return SLUICE_OK;
}

static void host_planning_name(sluice_host_ref host, struct sluice_planning *planning,
                               const char *name)
{
    (void)host;
    (void)planning;
    (void)name;
}

static void host_planning_property(sluice_host_ref host, struct sluice_planning *planning,
                                   enum sluice_property property, const char *const *columns,
                                   size_t count)
{
    (void)host;
    (void)planning;
    (void)property;
    (void)columns;
    (void)count;
}

static bool host_planning_has_property(sluice_host_ref host, struct sluice_planning *planning,
                                       enum sluice_property property, const char *const *columns,
                                       size_t count)
{
    (void)planning;
    (void)property;
    return test_host_has_property(test_host_of(host), columns, count);
}

static void host_planning_at_least_once(sluice_host_ref host, struct sluice_planning *planning,
                                        const char *why)
{
    (void)planning;
    struct test_host *test = test_host_of(host);
    test->at_least_once = arena_copy(test->arena, why, strlen(why));
}

static void host_planning_warn(sluice_host_ref host, struct sluice_planning *planning,
                               const char *option, const char *format, va_list arguments)
{
    (void)planning;
    (void)option;
    host->table->log(host, SLUICE_LOG_WARN, NULL, 0, format, arguments);
}

bool test_host_has_property(const struct test_host *test, const char *const *columns, size_t count)
{
    return test->clustered_by && count == 1 && strcmp(columns[0], test->clustered_by) == 0;
}

void test_host_fill_planning(struct sluice_host_table *table)
{
    table->planning_input = host_planning_input;
    table->planning_is_batch = host_planning_is_batch;
    table->planning_output = host_planning_output;
    table->planning_key = host_planning_name;
    table->planning_reads = host_planning_name;
    table->planning_property = host_planning_property;
    table->planning_has_property = host_planning_has_property;
    table->planning_at_least_once = host_planning_at_least_once;
    table->planning_warn = host_planning_warn;
    table->planning_has_member_folder = host_planning_has_member_folder;
}
