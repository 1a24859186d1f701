/* SPDX-License-Identifier: Apache-2.0 */
#include "condition_words.h"

#include <string.h>
#include <strings.h>

static bool is_name_byte(char byte)
{
    unsigned char letter = (unsigned char)(byte | 0x20);
    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') || byte == '_' ||
           byte == '.' || (byte & 0x80);
}

static bool is_number_start(const char *at)
{
    bool has_sign = *at == '-' || *at == '+';
    char first = has_sign ? at[1] : *at;
    return (first >= '0' && first <= '9') || first == '.';
}

static void keep(struct words *words, struct word *word, const char *bytes, size_t size)
{
    memcpy(words->room + word->text.size, bytes, size);
    word->text.size += size;
}

/* Ends the word's text. */
static void keep_end(struct words *words, struct word *word)
{
    words->room[word->text.size] = '\0';
    word->text.bytes = words->room;
    words->room += word->text.size + 1;
}

static void take_quoted(struct words *words, struct word *word)
{
    char quote = words->text[words->at++];
    word->kind = quote == '`' ? WORD_NAME : WORD_TEXT;
    word->is_quoted = true;
    for (;;) {
        const char *at = words->text + words->at;
        if (*at == '\0') {
            word->kind = WORD_WRONG;
            return;
        }
        bool is_doubled = at[0] == quote && at[1] == quote;
        words->at += is_doubled ? 2 : 1;
        if (*at == quote && !is_doubled) {
            return;
        }
        keep(words, word, at, 1);
    }
}

static void take_symbol(struct words *words, struct word *word)
{
    static const char *const symbols[] = {"!=", "<=", ">=", "(", ")", ",", "=", "<", ">"};
    const char *at = words->text + words->at;
    word->kind = WORD_WRONG;
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        size_t size = strlen(symbols[i]);
        if (strncmp(at, symbols[i], size) == 0) {
            word->kind = WORD_SYMBOL;
            keep(words, word, at, size);
            words->at += size;
            return;
        }
    }
    keep(words, word, at, 1);
    words->at++;
}

struct word words_next(struct words *words)
{
    words->at += strspn(words->text + words->at, " \t\r\n");
    struct word word = {.at = words->at};
    const char *start = words->text + words->at;
    if (*start == '\0') {
        word.kind = WORD_END;
    } else if (*start == '\'' || *start == '"' || *start == '`') {
        take_quoted(words, &word);
    } else if (is_number_start(start) || is_name_byte(*start)) {
        word.kind = is_number_start(start) ? WORD_NUMBER : WORD_NAME;
        size_t size = 1;
        while (is_name_byte(start[size]) ||
               (word.kind == WORD_NUMBER && strchr("+-", start[size]) &&
                (start[size - 1] | 0x20) == 'e' && start[size] != '\0')) {
            size++;
        }
        keep(words, &word, start, size);
        words->at += size;
    } else {
        take_symbol(words, &word);
    }
    keep_end(words, &word);
    return word;
}

bool word_is(const struct word *word, const char *name)
{
    return word->kind == WORD_NAME && !word->is_quoted && strcasecmp(word->text.bytes, name) == 0;
}

bool word_is_symbol(const struct word *word, const char *symbol)
{
    return word->kind == WORD_SYMBOL && strcmp(word->text.bytes, symbol) == 0;
}
