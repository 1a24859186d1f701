/* SPDX-License-Identifier: Apache-2.0 */
/* The program: verbs, help and exit codes. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/stop_signals.h"
#include "loader/loader.h"

static const struct verb *const verbs[] = {&verb_run, &verb_check, &verb_deadletter,
                                           &verb_plugins, &verb_version};

enum { VERB_COUNT = sizeof verbs / sizeof *verbs };

static const struct {
    enum exit_code code;
    const char *meaning;
} exit_codes[] = {
    {EXIT_DONE, "done; everything that a run read is committed"},
    {EXIT_FAILED, "a flow failed, or the system refused something"},
    {EXIT_USAGE, "the command line is wrong"},
    {EXIT_UNCOMMITTED, "stopped by a signal before all was committed: start again to finish"},
    {EXIT_CONFIG, "a pipeline file is wrong, or a plugin cannot be loaded"},
};

static void describe_program(struct text *text)
{
    text_append(text, "sluice moves data from sources through transforms to sinks, as pipeline "
                      "files say.\n\nUsage: sluice VERB [FLAGS] [OPERANDS]\n\nVerbs:\n");
    for (size_t i = 0; i < VERB_COUNT; i++) {
        struct text left = {0};
        text_printf(&left, "%s %s", verbs[i]->name, verbs[i]->operands);
        text_printf(text, "  %-18s  %s\n", text_get(&left), verbs[i]->summary);
        text_reset(&left);
    }
    text_printf(text, "  %-18s  %s\n", "help [VERB]", "Explain a verb and its flags.");
    text_append(text, "\nExit codes:\n");
    for (size_t i = 0; i < sizeof exit_codes / sizeof *exit_codes; i++) {
        text_printf(text, "  %3d  %s\n", (int)exit_codes[i].code, exit_codes[i].meaning);
    }
    text_append(text, "\nEnvironment:\n"
                      "  SLUICE_PLUGIN_PATH  folders with plugins, separated by colons; searched\n"
                      "                      after --plugin-path\n"
                      "  NO_COLOR            anything: no colours on a terminal\n");
}

static void describe_verb(const struct verb *verb, struct text *text)
{
    text_printf(text, "%s\n\nUsage: sluice %s [FLAGS] %s\n\n", verb->summary, verb->name,
                verb->operands);
    if (verb->text) {
        text_printf(text, "%s\n\n", verb->text);
    }
    text_append(text, "Flags:\n");
    arguments_describe(verb->flags, verb->flag_count, text);
}

static enum exit_code print_help(const struct verb *verb)
{
    struct text text = {0};
    if (verb) {
        describe_verb(verb, &text);
    } else {
        describe_program(&text);
    }
    bool is_printed = print_result(&text);
    text_reset(&text);
    return is_printed ? EXIT_DONE : EXIT_FAILED;
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        if (strcmp(verbs[i]->name, name) == 0) {
            return verbs[i];
        }
    }
    return NULL;
}

static enum exit_code refuse_verb(const char *word)
{
    const char *names[VERB_COUNT + 1] = {"help"};
    for (size_t i = 0; i < VERB_COUNT; i++) {
        names[i + 1] = verbs[i]->name;
    }
    const char *nearest = nearest_name(word, names, VERB_COUNT + 1);
    if (nearest) {
        complain("unknown verb \"%s\"; did you mean \"%s\"?", word, nearest);
    } else {
        complain("unknown verb \"%s\"; see sluice --help", word);
    }
    return EXIT_USAGE;
}

static enum exit_code refuse_operands(const struct verb *verb, size_t count)
{
    if (count < verb->least_operands) {
        complain("%s needs %s; see sluice help %s", verb->name, verb->operands, verb->name);
    } else {
        complain("%s takes %s; see sluice help %s", verb->name,
                 *verb->operands ? verb->operands : "no operands", verb->name);
    }
    return EXIT_USAGE;
}

static enum exit_code act(const struct verb *verb, int count, char **words)
{
    struct arguments arguments;
    struct text complaint = {0};
    if (!arguments_parse(verb->flags, verb->flag_count, count, words, &arguments, &complaint)) {
        complain("%s: %s", verb->name, text_get(&complaint));
        text_reset(&complaint);
        return EXIT_USAGE;
    }
    if (arguments.wants_help) {
        return print_help(verb);
    }
    if (arguments.operand_count < verb->least_operands ||
        arguments.operand_count > verb->most_operands) {
        return refuse_operands(verb, arguments.operand_count);
    }
    return verb->act(&arguments);
}

static enum exit_code help(int count, char **words)
{
    const struct verb *verb = count > 0 ? find_verb(words[0]) : NULL;
    if (count > 0 && !verb) {
        return refuse_verb(words[0]);
    }
    return print_help(verb);
}

static bool is_one_of(const char *word, const char *one, const char *other)
{
    return strcmp(word, one) == 0 || strcmp(word, other) == 0;
}

int main(int count, char **words)
{
    struct stop_signals signals;
    /* A run that is told to end before it can listen is told once it can. */
    if (count > 1 && strcmp(words[1], verb_run.name) == 0) {
        stop_signals_block(&signals);
    }
    /* A reader that goes away is an error of a write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    if (count < 2) {
        struct text text = {0};
        describe_program(&text);
        fputs(text_get(&text), stderr);
        text_reset(&text);
        return EXIT_USAGE;
    }
    if (strcmp(words[1], "help") == 0) {
        return (int)help(count - 2, words + 2);
    }
    if (is_one_of(words[1], "--help", "-h")) {
        return (int)print_help(NULL);
    }
    const struct verb *verb =
        is_one_of(words[1], "--version", "-V") ? &verb_version : find_verb(words[1]);
    return (int)(verb ? act(verb, count - 2, words + 2) : refuse_verb(words[1]));
}
