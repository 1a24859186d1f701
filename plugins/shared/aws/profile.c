/* SPDX-License-Identifier: Apache-2.0 */
/* Reads one value out of the text of an AWS credentials or config file. */
#include "aws/aws.h"

#include <string.h>

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\r';
}

static struct sluice_string trim(const char *bytes, size_t size)
{
    while (size > 0 && is_blank(bytes[0])) {
        bytes++;
        size--;
    }
    while (size > 0 && is_blank(bytes[size - 1])) {
        size--;
    }
    return (struct sluice_string){bytes, size};
}

static bool is_equal(struct sluice_string string, const char *text)
{
    return string.size == strlen(text) && memcmp(string.bytes, text, string.size) == 0;
}

/* "[profile  name]" and "[profile name]" are the same section. */
static bool is_section(struct sluice_string line, const char *section)
{
    const char *end = memchr(line.bytes, ']', line.size);
    if (!end) {
        return false;
    }
    struct sluice_string name = trim(line.bytes + 1, (size_t)(end - line.bytes - 1));
    const char *space = strchr(section, ' ');
    if (!space) {
        return is_equal(name, section);
    }
    size_t prefix = (size_t)(space - section);
    if (name.size <= prefix || memcmp(name.bytes, section, prefix) != 0 ||
        !is_blank(name.bytes[prefix])) {
        return false;
    }
    return is_equal(trim(name.bytes + prefix, name.size - prefix), space + 1);
}

/* A comment after a value begins with a blank and a mark. */
static struct sluice_string cut_comment(struct sluice_string value)
{
    for (size_t i = 1; i < value.size; i++) {
        if ((value.bytes[i] == '#' || value.bytes[i] == ';') && is_blank(value.bytes[i - 1])) {
            return trim(value.bytes, i);
        }
    }
    return value;
}

bool aws_profile_value(const char *text, size_t size, const char *section, const char *key,
                       struct sluice_string *value)
{
    bool is_inside = false;
    bool is_found = false;
    *value = (struct sluice_string){"", 0};
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end ? (size_t)(end - text) - at : size - at;
        /* An indented line belongs to the nested value above it, not to the section. */
        bool is_nested = length > 0 && is_blank(text[at]);
        struct sluice_string line = trim(text + at, length);
        at += length + 1;
        if (line.size == 0 || line.bytes[0] == '#' || line.bytes[0] == ';') {
            continue;
        }
        if (line.bytes[0] == '[') {
            is_inside = is_section(line, section);
            continue;
        }
        const char *equals = memchr(line.bytes, '=', line.size);
        if (!is_inside || is_nested || !equals) {
            continue;
        }
        size_t name_size = (size_t)(equals - line.bytes);
        if (is_equal(trim(line.bytes, name_size), key)) {
            *value = cut_comment(trim(equals + 1, line.size - name_size - 1));
            is_found = true;
        }
    }
    return is_found;
}
