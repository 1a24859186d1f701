/* SPDX-License-Identifier: Apache-2.0 */
/* sluice plugins: which components there are, and what they take. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/common_flags.h"
#include "cli/display/component_text.h"
#include "cli/display/table.h"

enum { FLAG_MARKDOWN, FLAG_JSON_SCHEMA, FLAG_PLUGIN_PATH, FLAG_LOG_LEVEL, FLAG_COUNT };

static const struct flag flags[FLAG_COUNT] = {
    [FLAG_MARKDOWN] = {.name = "markdown", .text = "Print reference pages, of NAME or of all."},
    [FLAG_JSON_SCHEMA] = {.name = "json-schema",
                          .text = "Print a JSON Schema of pipeline files, for editors."},
    [FLAG_PLUGIN_PATH] = {.name = "plugin-path",
                          .value = "FOLDERS",
                          .text = "Look for plugins here first (colon-separated)."},
    [FLAG_LOG_LEVEL] = {.name = "log-level",
                        .value = "LEVEL",
                        .allowed = log_levels,
                        .text = "Least level that is logged (default: warn)."},
};

static void append_row(struct table *table, const struct component *component)
{
    table_add(table, component->name);
    table_add(table, kind_name(component->kind));
    table_add(table, component_guarantee(component));
    table_add(table, component->plugin_name);
    table_add(table, component->plugin_version);
    table_add(table, component->summary);
}

static void list_components(const struct loader *loader, struct text *text)
{
    static const bool is_number[6] = {false};
    static const char *const heads[6] = {"NAME",   "KIND",    "GUARANTEE",
                                         "PLUGIN", "VERSION", "SUMMARY"};
    struct table table = {.column_count = 6, .is_number = is_number};
    for (size_t i = 0; i < 6; i++) {
        table_add(&table, heads[i]);
    }
    for (size_t i = 0; i < loader_count(loader); i++) {
        append_row(&table, loader_component(loader, i));
    }
    table_render(&table, "", text);
    table_reset(&table);
}

static void complain_broken(void *user, const struct sluice_error *error)
{
    bool *has_broken = user;
    *has_broken = true;
    complain_error(error);
}

static void ignore_broken(void *user, const struct sluice_error *error)
{
    (void)user;
    (void)error;
}

/* As a user names it: "source-kafka", "json", "codec-json". */
static enum sluice_kind split_name(const char *operand, const char **name)
{
    static const enum sluice_kind kinds[] = {SLUICE_KIND_SOURCE, SLUICE_KIND_TRANSFORM,
                                             SLUICE_KIND_SINK, SLUICE_KIND_STATE};
    static const char codec[] = "codec-";
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t size = strlen(kind_name(kinds[i]));
        if (strncmp(operand, kind_name(kinds[i]), size) == 0 && operand[size] == '-') {
            *name = operand;
            return kinds[i];
        }
    }
    *name = strncmp(operand, codec, sizeof codec - 1) == 0 ? operand + sizeof codec - 1 : operand;
    return SLUICE_KIND_CODEC;
}

/* "kafka" is no component, but source-kafka and sink-kafka are. */
static bool suggest_by_ending(struct loader *loader, const char *operand)
{
    struct text names = {0};
    loader_scan(loader, ignore_broken, NULL);
    for (size_t i = 0; i < loader_count(loader); i++) {
        const char *name = loader_component(loader, i)->name;
        const char *hyphen = strchr(name, '-');
        if (hyphen && strcmp(hyphen + 1, operand) == 0) {
            text_printf(&names, "%s%s", names.size > 0 ? " or " : "", name);
        }
    }
    bool is_found = names.size > 0;
    if (is_found) {
        complain("there is no component `%s`; did you mean %s?", operand, text_get(&names));
    }
    text_reset(&names);
    return is_found;
}

static enum exit_code find_component(struct loader *loader, const char *operand,
                                     const struct component **component)
{
    const char *name = NULL;
    enum sluice_kind kind = split_name(operand, &name);
    struct sluice_error *error = error_create();
    if (!error) {
        return EXIT_FAILED;
    }
    enum sluice_status status = loader_find(loader, kind, name, component, error);
    bool is_unknown = status != SLUICE_OK && error_code(error) == SLUICE_CODE_NOT_FOUND;
    if (status != SLUICE_OK && !(is_unknown && suggest_by_ending(loader, operand))) {
        complain_error(error);
    }
    error_destroy(error);
    return exit_code_of(status);
}

static enum exit_code describe_component(struct loader *loader, const struct arguments *arguments,
                                         struct text *text)
{
    const struct component *component = NULL;
    enum exit_code code = find_component(loader, arguments->operands[0], &component);
    if (code != EXIT_DONE) {
        return code;
    }
    if (arguments->values[FLAG_MARKDOWN]) {
        reference_print_markdown(component, text);
    } else {
        reference_print_text(component, text);
    }
    return EXIT_DONE;
}

/* Broken plugins never hide the others, but the exit code tells. */
static enum exit_code describe_all(struct loader *loader, const struct arguments *arguments,
                                   struct text *text)
{
    bool has_broken = false;
    loader_scan(loader, complain_broken, &has_broken);
    if (arguments->values[FLAG_JSON_SCHEMA]) {
        reference_print_json_schema(loader, text);
    } else if (arguments->values[FLAG_MARKDOWN]) {
        for (size_t i = 0; i < loader_count(loader); i++) {
            text_append(text, i > 0 ? "\n" : "");
            reference_print_markdown(loader_component(loader, i), text);
        }
    } else {
        list_components(loader, text);
    }
    return has_broken ? EXIT_CONFIG : EXIT_DONE;
}

static enum exit_code print_plugins(const struct arguments *arguments)
{
    configure_log(NULL, arguments->values[FLAG_LOG_LEVEL], "warn");
    if (arguments->values[FLAG_JSON_SCHEMA] &&
        (arguments->values[FLAG_MARKDOWN] || arguments->operand_count > 0)) {
        complain("--json-schema is about all plugins: it takes neither NAME nor --markdown");
        return EXIT_USAGE;
    }
    struct loader *loader = NULL;
    struct sluice_error *error = error_create();
    if (!error || loader_create(arguments->values[FLAG_PLUGIN_PATH], &loader, error) != SLUICE_OK) {
        complain("%s", error ? error_message(error) : "no memory to load plugins");
        error_destroy(error);
        return EXIT_FAILED;
    }
    error_destroy(error);
    struct text text = {0};
    enum exit_code code = arguments->operand_count > 0
                              ? describe_component(loader, arguments, &text)
                              : describe_all(loader, arguments, &text);
    if (!print_result(&text)) {
        code = EXIT_FAILED;
    }
    text_reset(&text);
    loader_destroy(loader);
    return code;
}

const struct verb verb_plugins = {
    .name = "plugins",
    .operands = "[NAME]",
    .summary = "List sources, transforms, sinks, codecs and state stores, or explain one.",
    .text = "Without NAME all components of the plugin path are listed; plugins that cannot be\n"
            "loaded are named with the reason on standard error, and the exit code is 78. With\n"
            "NAME its options are printed.",
    .flags = flags,
    .flag_count = FLAG_COUNT,
    .most_operands = 1,
    .act = print_plugins,
};
