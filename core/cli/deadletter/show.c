/* SPDX-License-Identifier: Apache-2.0 */
/* sluice deadletter show: letters for people, or as the lines that they are. */
#include "cli/deadletter/places.h"

#include <inttypes.h>
#include <string.h>

enum { SHOWN_BYTES = 2048, FLUSH_BYTES = 1 << 16 };

/* What came from outside must not steer a terminal: control bytes, and in binary originals all that
 * is not ASCII, are written as \xNN. */
static void append_safe(struct text *text, const char *bytes, size_t size, bool is_binary)
{
    size_t shown = size < SHOWN_BYTES ? size : SHOWN_BYTES;
    while (!is_binary && shown < size && shown > 0 && ((unsigned char)bytes[shown] & 0xc0) == 0x80) {
        shown--;
    }
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        /* C1 control characters are two bytes of UTF-8: c2 80 to c2 9f. */
        bool is_c1 = !is_binary && byte == 0xc2 && i + 1 < shown &&
                     (unsigned char)bytes[i + 1] < 0xa0;
        if (byte == '\\') {
            text_append(text, "\\\\");
        } else if (byte == '\n') {
            text_append(text, "\\n");
        } else if (byte == '\t') {
            text_append(text, "\\t");
        } else if (is_c1) {
            text_printf(text, "\\xc2\\x%02x", (unsigned char)bytes[++i]);
        } else if (byte < 0x20 || byte == 0x7f || (is_binary && byte >= 0x80)) {
            text_printf(text, "\\x%02x", byte);
        } else {
            text_append_char(text, (char)byte);
        }
    }
    if (shown < size) {
        text_printf(text, " … (%zu bytes in all)", size);
    }
}

static void append_line(struct text *text, const char *head, const char *string)
{
    if (string) {
        text_append(text, head);
        append_safe(text, string, strlen(string), false);
        text_append_char(text, '\n');
    }
}

static void append_origin(const struct letter *letter, struct text *text)
{
    if (!letter->origin) {
        return;
    }
    text_append(text, "  from      ");
    append_safe(text, letter->origin, strlen(letter->origin), false);
    if (letter->partition >= 0) {
        text_printf(text, ", partition %" PRId64 ", offset %" PRId64, letter->partition,
                    letter->position);
    } else if (letter->position >= 0) {
        text_printf(text, ", line %" PRId64, letter->position);
    }
    text_append_char(text, '\n');
}

static void append_letter(const struct letter *letter, struct text *text)
{
    if (letter->is_damaged) {
        text_printf(text, "#%" PRIu64 " is no letter\n  line      ", letter->number);
        append_safe(text, letter->line, letter->line_size, true);
        text_append_char(text, '\n');
        return;
    }
    text_printf(text, "#%" PRIu64 "  %s  %s  %s\n", letter->number,
                letter->time ? letter->time : "-", letter->step ? letter->step : "-",
                letter->code ? letter->code : "-");
    append_line(text, "  reason    ", letter->reason);
    append_origin(letter, text);
    text_append(text, letter->is_binary ? "  bytes     " : "  original  ");
    append_safe(text, letter->original.bytes, letter->original.size, letter->is_binary);
    text_append_char(text, '\n');
    append_line(text, "  beside    ", letter->other_columns);
}

/* Prints as it goes: a dead letter may be large. */
static enum sluice_status show_place(const struct letters_request *request,
                                     const struct place *place, uint64_t *shown, uint64_t *left,
                                     struct sluice_error *error)
{
    struct letter_reader *reader = NULL;
    struct letter letter;
    struct text text = {0};
    bool is_first = true;
    enum sluice_status status = place_read(place, &reader, error);
    while (status == SLUICE_OK) {
        status = letter_reader_next(reader, &letter, error);
        if (status != SLUICE_OK || !letter_matches(&letter, &request->filter)) {
            continue;
        }
        if (request->limit && *shown >= request->limit) {
            ++*left;
            continue;
        }
        ++*shown;
        if (request->is_json) {
            text_append_bytes(&text, letter.line, letter.line_size);
            text_append_char(&text, '\n');
        } else {
            if (is_first) {
                append_place_name(request->places, place, &text);
                text_printf(&text, "%s\n", place->path);
            }
            append_letter(&letter, &text);
        }
        is_first = false;
        if (text.size >= FLUSH_BYTES && print_result(&text)) {
            text_clear(&text);
        }
    }
    letter_reader_close(reader);
    if (status == SLUICE_END) {
        status = print_result(&text) ? SLUICE_OK : SLUICE_AGAIN;
    }
    text_reset(&text);
    return status;
}

enum exit_code show_letters(const struct letters_request *request)
{
    struct sluice_error *error = error_create();
    uint64_t shown = 0;
    uint64_t left = 0;
    enum sluice_status status = error ? SLUICE_OK : SLUICE_FATAL;
    for (size_t i = 0; i < request->places->count && status == SLUICE_OK; i++) {
        status = show_place(request, &request->places->places[i], &shown, &left, error);
    }
    if (status == SLUICE_FATAL && error) {
        complain_error(error);
    } else if (status == SLUICE_OK && left > 0) {
        complain("%" PRIu64 " more letters: --limit 0 shows all", left);
    }
    error_destroy(error);
    return status == SLUICE_OK ? EXIT_DONE : EXIT_FAILED;
}
