/* SPDX-License-Identifier: Apache-2.0 */
/* The host that a plan callback sees. Planning does no I/O and handles no rows: the table has the
 * calls of planning.h and error.h, formatting and memory; the rest stays empty. */
#include "pipeline/planning.h"

#include <stdlib.h>
#include <string.h>

static enum sluice_status set_error(sluice_host_ref host, struct sluice_error *error,
                                    enum sluice_status status, enum sluice_code code,
                                    const char *format, va_list arguments)
{
    (void)host;
    return error_set_list(error, status, code, format, arguments);
}

static void set_error_field(sluice_host_ref host, struct sluice_error *error,
                            enum sluice_error_field field, const char *format, va_list arguments)
{
    (void)host;
    error_set_field_list(error, field, format, arguments);
}

static void add_error_cause(sluice_host_ref host, struct sluice_error *error, const char *format,
                            va_list arguments)
{
    (void)host;
    error_add_cause_list(error, format, arguments);
}

static void set_retry_after(sluice_host_ref host, struct sluice_error *error, int64_t delay_ms)
{
    (void)host;
    error_set_retry_after(error, delay_ms);
}

static void ignore_log(sluice_host_ref host, enum sluice_log_level level,
                       const struct sluice_log_field *fields, size_t field_count,
                       const char *format, va_list arguments)
{
    (void)host;
    (void)level;
    (void)fields;
    (void)field_count;
    (void)format;
    (void)arguments;
}

static void *alloc_memory(sluice_host_ref host, size_t size)
{
    (void)host;
    return calloc(1, size + SLUICE_PADDING);
}

static void *resize_memory(sluice_host_ref host, void *memory, size_t size)
{
    (void)host;
    return realloc(memory, size + SLUICE_PADDING);
}

static void free_memory(sluice_host_ref host, void *memory)
{
    (void)host;
    free(memory);
}

static bool parse_timestamp(sluice_host_ref host, const struct sluice_time_format *format,
                            const char *bytes, size_t size, int64_t *value_us)
{
    (void)host;
    return time_format_parse(format, bytes, size, value_us);
}

static bool check_utf8(sluice_host_ref host, const char *bytes, size_t size)
{
    (void)host;
    return is_utf8(bytes, size);
}

static uint64_t hash(sluice_host_ref host, const void *bytes, size_t size)
{
    (void)host;
    return hash_bytes(bytes, size);
}

static const char *get_codec_name(sluice_host_ref host, const struct sluice_codec_choice *choice)
{
    (void)host;
    return choice->component->name;
}

static const struct sluice_schema *get_input(sluice_host_ref host, struct sluice_planning *planning)
{
    (void)host;
    return planning->input;
}

static bool get_is_batch(sluice_host_ref host, struct sluice_planning *planning)
{
    (void)host;
    return planning->is_batch;
}

static bool get_has_member_folder(sluice_host_ref host, struct sluice_planning *planning)
{
    (void)host;
    return planning->has_member_folder;
}

static const char *copy_text(struct sluice_planning *planning, const char *text)
{
    if (!text)
        return NULL;
    char *copy = arena_copy(planning->arena, text, strlen(text));
    planning->has_failed = planning->has_failed || !copy;
    return copy;
}

static bool grow_fields(struct sluice_planning *planning)
{
    if (planning->field_count < planning->field_capacity)
        return true;
    size_t capacity = planning->field_capacity ? planning->field_capacity * 2 : 16;
    struct sluice_field *fields = arena_alloc(planning->arena, capacity * sizeof(*fields));
    if (!fields) {
        planning->has_failed = true;
        return false;
    }
    if (planning->field_count)
        memcpy(fields, planning->fields, planning->field_count * sizeof(*fields));
    planning->fields = fields;
    planning->field_capacity = capacity;
    return true;
}

static enum sluice_status add_output(sluice_host_ref host, struct sluice_planning *planning,
                                     const struct sluice_field *field, size_t field_size)
{
    (void)host;
    for (size_t i = 0; i < planning->field_count; i++) {
        if (strcmp(planning->fields[i].name, field->name) != 0)
            continue;
        if (!planning->is_quiet)
            diagnostics_error(planning->diagnostics, &planning->step->key->span,
                              "%s would give out two columns named `%s`",
                              planning->step->component->name, field->name);
        return SLUICE_CONFIG;
    }
    if (!grow_fields(planning))
        return SLUICE_FATAL;
    struct sluice_field copy = {0};
    memcpy(&copy, field, field_size < sizeof copy ? field_size : sizeof copy);
    copy.name = copy_text(planning, field->name);
    copy.path = copy_text(planning, copy.path);
    copy.default_text = copy_text(planning, copy.default_text);
    copy.is_dictionary = false; /* the plan's own word, said by the projection */
    if (copy.type == SLUICE_TYPE_TIMESTAMP && !copy.time_format) {
        struct sluice_error *error = error_create();
        copy.time_format = error ? time_format_create(planning->arena, NULL, NULL, error) : NULL;
        planning->has_failed = planning->has_failed || !copy.time_format;
        error_destroy(error);
    }
    if (planning->has_failed)
        return SLUICE_FATAL;
    planning->fields[planning->field_count++] = copy;
    return SLUICE_OK;
}

static void add_name(struct sluice_planning *planning, struct names *names, const char *column)
{
    if (names_has(names, column))
        return;
    const char *copy = copy_text(planning, column);
    if (!copy || !names_add(planning->arena, names, copy))
        planning->has_failed = true;
}

static void add_key(sluice_host_ref host, struct sluice_planning *planning, const char *column)
{
    (void)host;
    add_name(planning, &planning->keys, column);
}

static void add_read(sluice_host_ref host, struct sluice_planning *planning, const char *column)
{
    (void)host;
    planning->has_reads = true;
    add_name(planning, &planning->reads, column);
}

static void add_property(sluice_host_ref host, struct sluice_planning *planning,
                         enum sluice_property property, const char *const *columns, size_t count)
{
    (void)host;
    const char **copies = arena_alloc(planning->arena, (count + 1) * sizeof(const char *));
    for (size_t i = 0; copies && i < count; i++)
        copies[i] = copy_text(planning, columns[i]);
    struct property_plan plan = {property, count, copies};
    if (!copies || !properties_add(planning->arena, &planning->properties, &plan))
        planning->has_failed = true;
}

static bool has_property(sluice_host_ref host, struct sluice_planning *planning,
                         enum sluice_property property, const char *const *columns, size_t count)
{
    (void)host;
    return properties_has(planning->input_properties, property, columns, count);
}

static void warn(sluice_host_ref host, struct sluice_planning *planning, const char *option,
                 const char *format, va_list arguments)
{
    (void)host;
    if (planning->is_quiet)
        return;
    struct text message = {0};
    text_printf_list(&message, format, arguments);
    diagnostics_warn(planning->diagnostics,
                     option_span(planning->step->key, planning->step->given, option, NULL), "%s",
                     text_get(&message));
    text_reset(&message);
}

static void weaken(sluice_host_ref host, struct sluice_planning *planning, const char *why)
{
    (void)host;
    planning->at_least_once = arena_copy(planning->arena, why, strlen(why));
    planning->has_failed = planning->has_failed || !planning->at_least_once;
}

static const struct sluice_host_table planning_table = {
    .struct_size = sizeof(struct sluice_host_table),
    .error_set = set_error,
    .error_field = set_error_field,
    .error_cause = add_error_cause,
    .error_retry_after = set_retry_after,
    .log = ignore_log,
    .alloc = alloc_memory,
    .resize = resize_memory,
    .free = free_memory,
    .parse_timestamp = parse_timestamp,
    .is_utf8 = check_utf8,
    .hash_bytes = hash,
    .codec_name = get_codec_name,
    .planning_input = get_input,
    .planning_is_batch = get_is_batch,
    .planning_output = add_output,
    .planning_key = add_key,
    .planning_reads = add_read,
    .planning_property = add_property,
    .planning_has_property = has_property,
    .planning_warn = warn,
    .planning_at_least_once = weaken,
    .planning_has_member_folder = get_has_member_folder,
};

bool properties_add(struct arena *arena, struct properties *properties,
                    const struct property_plan *property)
{
    struct property_plan *items =
        arena_alloc(arena, (properties->count + 1) * sizeof(struct property_plan));
    if (!items)
        return false;
    if (properties->count)
        memcpy(items, properties->items, properties->count * sizeof(struct property_plan));
    items[properties->count] = *property;
    properties->items = items;
    properties->count++;
    return true;
}

static bool is_among(const char *const *columns, size_t count, const char *column)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(columns[i], column) == 0)
            return true;
    }
    return false;
}

bool properties_has(const struct properties *properties, enum sluice_property property,
                    const char *const *columns, size_t count)
{
    for (size_t i = 0; properties && i < properties->count; i++) {
        const struct property_plan *known = &properties->items[i];
        bool is_same = known->property == property && known->column_count == count;
        for (size_t j = 0; is_same && j < count; j++)
            is_same = is_among(known->columns, known->column_count, columns[j]);
        if (is_same)
            return true;
    }
    return false;
}

enum sluice_status planning_call(struct sluice_planning *planning, struct sluice_error *error)
{
    const struct sluice_host host = {&planning_table};
    const struct component *component = planning->step->component;
    const void *options = planning->step->options;
    enum sluice_status status = SLUICE_OK;
    if (component->kind == SLUICE_KIND_SOURCE)
        status = component->source.plan(&host, options, planning, error);
    else if (component->kind == SLUICE_KIND_TRANSFORM)
        status = component->transform.plan(&host, options, planning, error);
    else if (component->sink.plan)
        status = component->sink.plan(&host, options, planning, error);
    if (planning->has_failed)
        diagnostics_fail(planning->diagnostics);
    return planning->has_failed ? SLUICE_FATAL : status;
}
