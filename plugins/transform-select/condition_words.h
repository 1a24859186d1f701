/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a condition as words. */
#ifndef SLUICE_TRANSFORM_SELECT_CONDITION_WORDS_H
#define SLUICE_TRANSFORM_SELECT_CONDITION_WORDS_H

#include <sluice/types.h>

enum word_kind {
    WORD_END = 0,
    WORD_NAME, /* a column, or a word of the language; quoted by ` only a column */
    WORD_TEXT, /* in quotes, '…' or "…", a quote inside doubled */
    WORD_NUMBER,
    WORD_SYMBOL, /* ( ) , = != < <= > >= */
    WORD_WRONG   /* a quote without an end, or a character that means nothing */
};

struct word {
    enum word_kind kind;
    bool is_quoted;
    struct sluice_string text; /* without quotes, NUL behind */
    size_t at;                 /* byte of the condition, from 0 */
};

struct words {
    const char *text;
    size_t at;
    char *room; /* for the words' texts: twice the condition's length and 2 bytes */
};

struct word words_next(struct words *words);
/* A word of the language, in any case, not quoted. */
bool word_is(const struct word *word, const char *name);
bool word_is_symbol(const struct word *word, const char *symbol);

#endif
