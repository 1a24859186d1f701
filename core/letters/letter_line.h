/* SPDX-License-Identifier: Apache-2.0 */
/* Private to room letters: the JSON of one line. */
#ifndef SLUICE_LETTERS_LETTER_LINE_H
#define SLUICE_LETTERS_LETTER_LINE_H

#include "letters/letters.h"

/* What the strings of a letter point into. */
struct letter_line {
    void *object;
    struct text original; /* decoded from base64 */
};

/* Fills the columns of `letter` from its line, or marks it as damaged. */
void letter_line_parse(struct letter_line *parsed, struct letter *letter);
void letter_line_reset(struct letter_line *parsed);
/* False on anything but whole base64. */
bool base64_decode(const char *text, size_t size, struct text *bytes);

#endif
