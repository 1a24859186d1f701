/* SPDX-License-Identifier: Apache-2.0 */
/* Flags and operands from words. */
#include "cli/arguments.h"

#include <string.h>

#include "loader/loader.h"

static const struct flag *find_flag(const struct flag *flags, size_t flag_count, const char *name,
                                    size_t size)
{
    for (size_t i = 0; i < flag_count; i++) {
        if (strlen(flags[i].name) == size && memcmp(flags[i].name, name, size) == 0) {
            return &flags[i];
        }
    }
    return NULL;
}

static void complain_unknown(const struct flag *flags, size_t flag_count, const char *word,
                             struct text *complaint)
{
    const char *names[FLAGS_MAX + 1] = {"help"};
    for (size_t i = 0; i < flag_count; i++) {
        names[i + 1] = flags[i].name;
    }
    char name[64] = "";
    size_t hyphens = strspn(word, "-");
    size_t size = strcspn(word + hyphens, "=");
    if (size < sizeof name) {
        memcpy(name, word + hyphens, size);
        name[size] = '\0';
    }
    const char *nearest = nearest_name(name, names, flag_count + 1);
    text_printf(complaint, "unknown flag %.*s", (int)(hyphens + size), word);
    if (nearest) {
        text_printf(complaint, "; did you mean --%s?", nearest);
    }
}

static void complain_value(const struct flag *flag, const char *value, struct text *complaint)
{
    size_t count = 0;
    while (flag->allowed[count]) {
        count++;
    }
    const char *nearest = nearest_name(value, flag->allowed, count);
    text_printf(complaint, "--%s cannot be \"%s\"", flag->name, value);
    if (nearest) {
        text_printf(complaint, "; did you mean %s?", nearest);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        text_printf(complaint, "%s%s", i == 0 ? "; it is one of " : ", ", flag->allowed[i]);
    }
}

int arguments_choice(const struct flag *flag, const char *value)
{
    for (int i = 0; flag->allowed[i]; i++) {
        if (strcmp(flag->allowed[i], value) == 0) {
            return i;
        }
    }
    return -1;
}

/* One flag word; `next` (or NULL) is the word behind it. */
static bool take_flag(const struct flag *flags, size_t flag_count, char *const word[2],
                      struct arguments *arguments, bool *used_next, struct text *complaint)
{
    const char *name = word[0] + 2;
    size_t size = strcspn(name, "=");
    const char *value = name[size] == '=' ? name + size + 1 : NULL;
    const struct flag *flag =
        strncmp(word[0], "--", 2) == 0 ? find_flag(flags, flag_count, name, size) : NULL;
    *used_next = false;
    if (!flag) {
        complain_unknown(flags, flag_count, word[0], complaint);
        return false;
    }
    if (!flag->value && value) {
        text_printf(complaint, "--%s takes no value", flag->name);
        return false;
    }
    if (flag->value && !value) {
        value = word[1];
        *used_next = true;
    }
    if (flag->value && !value) {
        text_printf(complaint, "--%s needs a value: --%s %s", flag->name, flag->name, flag->value);
        return false;
    }
    if (flag->allowed && arguments_choice(flag, value) < 0) {
        complain_value(flag, value, complaint);
        return false;
    }
    arguments->values[flag - flags] = value ? value : "";
    return true;
}

bool arguments_parse(const struct flag *flags, size_t flag_count, int count, char **words,
                     struct arguments *arguments, struct text *complaint)
{
    bool is_flags_over = false;
    *arguments = (struct arguments){.operands = (const char **)words};
    for (int i = 0; i < count; i++) {
        char *word = words[i];
        bool is_flag = !is_flags_over && word[0] == '-' && word[1] != '\0';
        if (!is_flag) {
            arguments->operands[arguments->operand_count++] = word;
        } else if (strcmp(word, "--") == 0) {
            is_flags_over = true;
        } else if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            arguments->wants_help = true;
        } else {
            char *const both[2] = {word, i + 1 < count ? words[i + 1] : NULL};
            bool used_next = false;
            if (!take_flag(flags, flag_count, both, arguments, &used_next, complaint)) {
                return false;
            }
            i += used_next;
        }
    }
    return true;
}

void arguments_describe(const struct flag *flags, size_t flag_count, struct text *text)
{
    for (size_t i = 0; i < flag_count; i++) {
        struct text left = {0};
        text_printf(&left, "--%s", flags[i].name);
        for (size_t v = 0; flags[i].allowed && flags[i].allowed[v]; v++) {
            text_printf(&left, "%s%s", v == 0 ? " " : "|", flags[i].allowed[v]);
        }
        if (flags[i].value && !flags[i].allowed) {
            text_printf(&left, " %s", flags[i].value);
        }
        text_printf(text, left.size > 24 ? "  %s\n%28s%s\n" : "  %-24s%s%s\n", text_get(&left),
                    left.size > 24 ? "" : "  ", flags[i].text);
        text_reset(&left);
    }
    text_printf(text, "  %-24s  %s\n", "--help", "Show this text.");
}
