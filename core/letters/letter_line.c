/* SPDX-License-Identifier: Apache-2.0 */
#include "letters/letter_line.h"

#include <jansson.h>
#include <string.h>

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_decode(const char *text, size_t size, struct text *bytes)
{
    text_clear(bytes);
    if (size % 4 != 0)
        return false;
    for (size_t i = 0; i < size; i += 4) {
        uint32_t word = 0;
        int padding = 0;
        for (size_t k = 0; k < 4; k++) {
            bool is_last = i + 4 == size && k >= 2 && text[i + k] == '=';
            int value = is_last ? 0 : digit_value(text[i + k]);
            if (value < 0 || (padding && !is_last))
                return false;
            padding += is_last;
            word = word << 6 | (uint32_t)value;
        }
        const char group[3] = {(char)(unsigned char)(word >> 16), (char)(unsigned char)(word >> 8),
                               (char)(unsigned char)word};
        text_append_bytes(bytes, group, (size_t)(3 - padding));
    }
    return !bytes->has_failed;
}

void letter_line_reset(struct letter_line *parsed)
{
    json_decref(parsed->object);
    text_reset(&parsed->original);
    *parsed = (struct letter_line){0};
}

static const char *get_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static int64_t get_number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : -1;
}

static void take_original(struct letter_line *parsed, struct letter *letter)
{
    const json_t *plain = json_object_get(parsed->object, "original");
    const json_t *encoded = json_object_get(parsed->object, "original_base64");
    if (json_is_string(plain)) {
        letter->original =
            (struct sluice_string){json_string_value(plain), json_string_length(plain)};
    } else if (json_is_string(encoded)) {
        letter->is_damaged = !base64_decode(json_string_value(encoded),
                                            json_string_length(encoded), &parsed->original);
        letter->original =
            (struct sluice_string){text_get(&parsed->original), parsed->original.size};
        letter->is_binary = true;
    } else {
        letter->is_damaged = true;
    }
}

void letter_line_parse(struct letter_line *parsed, struct letter *letter)
{
    json_decref(parsed->object);
    parsed->object = json_loadb(letter->line, letter->line_size,
                                JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    letter->is_damaged = !json_is_object((json_t *)parsed->object);
    if (letter->is_damaged)
        return;
    const json_t *object = parsed->object;
    letter->time = get_text(object, "time");
    letter->flow = get_text(object, "flow");
    letter->step = get_text(object, "step");
    letter->code = get_text(object, "code");
    letter->reason = get_text(object, "reason");
    letter->origin = get_text(object, "origin");
    letter->partition = get_number(object, "partition");
    letter->position = get_number(object, "position");
    letter->original_column = get_text(object, "original_column");
    letter->other_columns = get_text(object, "other_columns");
    take_original(parsed, letter);
}
