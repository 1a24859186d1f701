/* SPDX-License-Identifier: Apache-2.0 */
/* Version, sizes and names of a plugin's descriptor and of its components. */
#include "loader/negotiate.h"

#include <string.h>

enum { NAME_SIZE_MAX = 64, COMPONENTS_MAX = 256 };

static const struct grown_struct plugin_shape = {
    .what = "descriptor",
    .first_size = offsetof(struct sluice_plugin, components) + sizeof(void *),
    .own_size = sizeof(struct sluice_plugin),
};

static const struct grown_struct component_shape = {
    .what = "component table",
    .first_size = offsetof(struct sluice_component, codec) + sizeof(void *),
    .own_size = sizeof(struct sluice_component),
};

/* What each kind may claim, and how its names begin in a pipeline file. */
static const struct {
    const char *prefix;
    unsigned capabilities;
} kinds[] = {
    [SLUICE_KIND_SOURCE] = {"source-", SLUICE_PARALLEL | SLUICE_PROJECTS | SLUICE_CONTINUOUS_ONLY},
    [SLUICE_KIND_TRANSFORM] = {"transform-",
                               SLUICE_STATELESS | SLUICE_PROJECTS | SLUICE_BATCH_ONLY},
    [SLUICE_KIND_SINK] = {"sink-", SLUICE_EXACTLY_ONCE | SLUICE_MULTI_LANE_SINK},
    [SLUICE_KIND_CODEC] = {"", 0},
    [SLUICE_KIND_STATE] = {"state-", 0},
};

enum sluice_status negotiate_refuse(const struct negotiation *talk, const char *format, ...)
{
    struct text reason = {0};
    va_list arguments;
    va_start(arguments, format);
    text_printf_list(&reason, format, arguments);
    va_end(arguments);
    enum sluice_status status =
        error_set(talk->error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD, "plugin %s%s%s: %s",
                  talk->path, talk->component ? ", component " : "",
                  talk->component ? talk->component : "", text_get(&reason));
    text_reset(&reason);
    return status;
}

enum sluice_status negotiate_size(const struct negotiation *talk, const struct grown_struct *shape,
                                  size_t their_size)
{
    if (their_size < shape->first_size) {
        return negotiate_refuse(talk,
                                "its %s has %zu bytes, ABI %d.0 asks for %zu: build it again with "
                                "the installed headers",
                                shape->what, their_size, SLUICE_ABI_MAJOR, shape->first_size);
    }
    if (their_size > shape->own_size) {
        return negotiate_refuse(talk,
                                "its %s has %zu bytes, more than the %zu of ABI %d.%d: it says an "
                                "older ABI than it was built with",
                                shape->what, their_size, shape->own_size, SLUICE_ABI_MAJOR,
                                SLUICE_ABI_MINOR);
    }
    return SLUICE_OK;
}

bool negotiate_is_name(const char *name, char separator)
{
    if (!name || *name < 'a' || *name > 'z' || strnlen(name, NAME_SIZE_MAX + 1) > NAME_SIZE_MAX) {
        return false;
    }
    for (const char *at = name; *at; at++) {
        bool is_letter = *at >= 'a' && *at <= 'z';
        bool is_digit = *at >= '0' && *at <= '9';
        if (!is_letter && !is_digit && *at != separator) {
            return false;
        }
    }
    return true;
}

bool negotiate_is_text(const char *text)
{
    return text && *text;
}

static enum sluice_status check_version(const struct negotiation *talk, uint32_t version)
{
    unsigned major = version >> 16;
    unsigned minor = version & 0xFFFF;
    if (major != SLUICE_ABI_MAJOR) {
        return negotiate_refuse(talk,
                                "it speaks ABI %u.%u, this sluice speaks %d.%d: build it again "
                                "with the headers of this sluice",
                                major, minor, SLUICE_ABI_MAJOR, SLUICE_ABI_MINOR);
    }
    if (minor > SLUICE_ABI_MINOR) {
        return negotiate_refuse(talk,
                                "it needs ABI %u.%u, this sluice has %d.%d: install a newer "
                                "sluice, or build the plugin with older headers",
                                major, minor, SLUICE_ABI_MAJOR, SLUICE_ABI_MINOR);
    }
    return SLUICE_OK;
}

static enum sluice_status read_descriptor(const struct negotiation *talk,
                                          const struct sluice_plugin *descriptor,
                                          struct sluice_plugin *own)
{
    if (!descriptor) {
        return negotiate_refuse(talk, "it has no descriptor for ABI %d.%d", SLUICE_ABI_MAJOR,
                                SLUICE_ABI_MINOR);
    }
    enum sluice_status status = check_version(talk, descriptor->abi_version);
    if (status != SLUICE_OK) {
        return status;
    }
    size_t their_size = descriptor->struct_size;
    status = negotiate_size(talk, &plugin_shape, their_size);
    if (status != SLUICE_OK) {
        return status;
    }
    *own = (struct sluice_plugin){0};
    memcpy(own, descriptor, their_size);
    if (!negotiate_is_name(own->name, '-')) {
        return negotiate_refuse(talk, "its name must be lower case letters, digits and hyphens");
    }
    if (!negotiate_is_text(own->version) || !negotiate_is_text(own->licence) ||
        !negotiate_is_text(own->summary)) {
        return negotiate_refuse(talk, "its descriptor lacks the %s",
                                !negotiate_is_text(own->version)   ? "version"
                                : !negotiate_is_text(own->licence) ? "licence"
                                                                   : "summary");
    }
    if (!own->components || own->component_count == 0 || own->component_count > COMPONENTS_MAX) {
        return negotiate_refuse(talk, "it offers %zu components; 1 to %d are possible",
                                own->components ? own->component_count : 0, COMPONENTS_MAX);
    }
    return negotiate_size(talk, &component_shape, own->component_size);
}

/* Name and kind, so that later messages can say whom they are about. */
static enum sluice_status check_identity(struct negotiation *talk,
                                         const struct sluice_component *theirs)
{
    if (!negotiate_is_name(theirs->name, '-')) {
        return negotiate_refuse(talk,
                                "a component's name must be lower case letters, digits and "
                                "hyphens, at most %d",
                                NAME_SIZE_MAX);
    }
    talk->component = theirs->name;
    if (theirs->kind < SLUICE_KIND_SOURCE || theirs->kind > SLUICE_KIND_STATE) {
        return negotiate_refuse(talk, "its kind %d is unknown", (int)theirs->kind);
    }
    const char *prefix = kinds[theirs->kind].prefix;
    if (strncmp(theirs->name, prefix, strlen(prefix)) != 0) {
        return negotiate_refuse(talk, "the name of a %s must begin with %s",
                                kind_name(theirs->kind), prefix);
    }
    unsigned strange = theirs->capabilities & ~kinds[theirs->kind].capabilities;
    if (strange) {
        return negotiate_refuse(talk, "capability 0x%x is none of a %s", strange,
                                kind_name(theirs->kind));
    }
    return negotiate_is_text(theirs->summary) ? SLUICE_OK
                                              : negotiate_refuse(talk, "it lacks the summary");
}

/* It gets its place by the option `url`, and belongs to no step whose metrics could be shown. */
static enum sluice_status check_state_store(const struct negotiation *talk,
                                            const struct component *component)
{
    if (component->metric_count > 0) {
        return negotiate_refuse(talk, "a state store has no metrics");
    }
    for (size_t i = 0; i < component->option_count; i++) {
        const struct sluice_option *row = &component->options[i];
        if (row->kind == SLUICE_OPTION_STRING && strcmp(row->name, "url") == 0) {
            return SLUICE_OK;
        }
    }
    return negotiate_refuse(talk, "a state store needs a text option `url`");
}

static enum sluice_status read_component(struct negotiation *talk,
                                         const struct sluice_plugin *plugin, size_t index,
                                         struct component *component)
{
    const char *row = (const char *)plugin->components + index * plugin->component_size;
    struct sluice_component theirs = {0};
    memcpy(&theirs, row, plugin->component_size);
    if (theirs.struct_size != plugin->component_size) {
        return negotiate_refuse(talk,
                                "component %zu says it has %zu bytes, the descriptor says %zu",
                                index, theirs.struct_size, plugin->component_size);
    }
    enum sluice_status status = check_identity(talk, &theirs);
    if (status != SLUICE_OK) {
        return status;
    }
    *component = (struct component){
        .kind = theirs.kind,
        .name = theirs.name,
        .summary = theirs.summary,
        .capabilities = theirs.capabilities,
        .plugin_name = plugin->name,
        .plugin_version = plugin->version,
        .plugin_licence = plugin->licence,
        .path = talk->path,
    };
    status = negotiate_callbacks(talk, &theirs, component);
    if (status == SLUICE_OK) {
        status = negotiate_options(talk, &theirs, component);
    }
    if (status == SLUICE_OK) {
        status = negotiate_metrics(talk, &theirs, component);
    }
    if (status == SLUICE_OK && theirs.kind == SLUICE_KIND_STATE) {
        status = check_state_store(talk, component);
    }
    return status;
}

static bool is_repeated(const struct component *components, size_t count,
                        const struct component *component)
{
    for (size_t i = 0; i < count; i++) {
        if (components[i].kind == component->kind &&
            strcmp(components[i].name, component->name) == 0) {
            return true;
        }
    }
    return false;
}

enum sluice_status negotiate(struct negotiation *talk, const struct sluice_plugin *descriptor,
                             struct component **components, size_t *count)
{
    *components = NULL;
    *count = 0;
    struct sluice_plugin plugin;
    enum sluice_status status = read_descriptor(talk, descriptor, &plugin);
    if (status != SLUICE_OK) {
        return status;
    }
    struct component *list = arena_alloc(talk->arena, plugin.component_count * sizeof *list);
    if (!list) {
        return error_set(talk->error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                         "no memory to load plugin %s", talk->path);
    }
    for (size_t i = 0; i < plugin.component_count; i++) {
        talk->component = NULL;
        status = read_component(talk, &plugin, i, &list[i]);
        if (status != SLUICE_OK) {
            return status;
        }
        if (is_repeated(list, i, &list[i])) {
            return negotiate_refuse(talk, "it stands twice in the plugin");
        }
    }
    *components = list;
    *count = plugin.component_count;
    return SLUICE_OK;
}
