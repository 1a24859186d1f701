/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes as people read them: place, message, the line, a caret under what is meant. */
#include "pipeline/file/collected.h"

#include <stdlib.h>
#include <string.h>

#define MAX_PRINTED 50
/* A longer line is cut around the place that is meant. */
#define MAX_SHOWN 160

#define RED "\033[1;31m"
#define YELLOW "\033[1;33m"
#define BLUE "\033[1;34m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

size_t line_break_size(const char *bytes, size_t size)
{
    if (size >= 2 && bytes[0] == '\r' && bytes[1] == '\n')
        return 2;
    if (size >= 1 && (bytes[0] == '\n' || bytes[0] == '\r'))
        return 1;
    if (size >= 2 && memcmp(bytes, "\xC2\x85", 2) == 0)
        return 2;
    if (size >= 3 &&
        (memcmp(bytes, "\xE2\x80\xA8", 3) == 0 || memcmp(bytes, "\xE2\x80\xA9", 3) == 0))
        return 3;
    return 0;
}

static struct sluice_string find_line(const struct shown_file *file, int line)
{
    struct sluice_string found = {NULL, 0};
    size_t start = 0;
    for (int number = 1; start <= file->size; number++) {
        size_t end = start;
        while (end < file->size && !line_break_size(file->bytes + end, file->size - end))
            end++;
        if (number == line) {
            found.bytes = file->bytes + start;
            found.size = end - start;
            return found;
        }
        if (end == file->size)
            break;
        start = end + line_break_size(file->bytes + end, file->size - end);
    }
    return found;
}

static bool is_hidden(const struct diagnostics *diagnostics, const char *file, int line, int column)
{
    for (size_t i = 0; i < diagnostics->hidden_count; i++) {
        const struct span *span = &diagnostics->hidden[i];
        if (strcmp(span->mark.file, file) != 0)
            continue;
        bool is_after =
            line > span->mark.line || (line == span->mark.line && column >= span->mark.column);
        bool is_before =
            line < span->end_line || (line == span->end_line && column < span->end_column);
        if (is_after && is_before)
            return true;
    }
    return false;
}

static size_t character_size(const char *bytes, size_t size)
{
    size_t length = 1;
    while (length < size && ((unsigned char)bytes[length] & 0xC0) == 0x80)
        length++;
    return length;
}

/* The line into `line`, the caret under it into `caret`. Control bytes are shown as '?', so that a
 * file cannot drive the terminal. */
static void draw_line(const struct diagnostics *diagnostics, const struct remark *remark,
                      struct sluice_string source, struct text *line, struct text *caret)
{
    const struct mark *mark = &remark->span.mark;
    int end = remark->span.end_line == mark->line ? remark->span.end_column : mark->column + 1;
    int first = mark->column > MAX_SHOWN / 2 ? mark->column - MAX_SHOWN / 2 : 1;
    int column = 1;
    if (first > 1) {
        text_append(line, "…");
        text_append_char(caret, ' ');
    }
    for (size_t at = 0; at < source.size && column < first + MAX_SHOWN; column++) {
        size_t size = character_size(source.bytes + at, source.size - at);
        const char *bytes = source.bytes + at;
        bool is_control = (unsigned char)*bytes < 0x20 || *bytes == 0x7F;
        at += size;
        if (column < first)
            continue;
        if (is_hidden(diagnostics, remark->file->name, mark->line, column))
            text_append_char(line, '*');
        else if (is_control && *bytes != '\t')
            text_append_char(line, '?');
        else
            text_append_bytes(line, bytes, size);
        if (column < mark->column)
            text_append_char(caret, *bytes == '\t' ? '\t' : ' ');
        else if (column == mark->column)
            text_append_char(caret, '^');
        else if (column < end)
            text_append_char(caret, '~');
    }
    if (column <= mark->column)
        text_append_char(caret, '^');
}

static void print_source(const struct diagnostics *diagnostics, const struct remark *remark,
                         bool use_colour, struct text *text)
{
    if (!remark->file || !remark->file->bytes || remark->span.mark.line < 1)
        return;
    struct sluice_string source = find_line(remark->file, remark->span.mark.line);
    if (!source.bytes)
        return;
    struct text line = {0};
    struct text caret = {0};
    draw_line(diagnostics, remark, source, &line, &caret);
    text_printf(text, "%5d | %s\n", remark->span.mark.line, text_get(&line));
    text_printf(text, "      | %s%s%s\n", use_colour ? BLUE : "", text_get(&caret),
                use_colour ? PLAIN : "");
    text->has_failed = text->has_failed || line.has_failed || caret.has_failed;
    text_reset(&line);
    text_reset(&caret);
}

static void print_remark(const struct diagnostics *diagnostics, const struct remark *remark,
                         bool use_colour, struct text *text)
{
    if (use_colour)
        text_append(text, BOLD);
    if (remark->file)
        text_printf(text, "%s:", remark->file->name);
    if (remark->file && remark->span.mark.line > 0)
        text_printf(text, "%d:%d:", remark->span.mark.line, remark->span.mark.column);
    if (remark->file)
        text_append_char(text, ' ');
    if (use_colour)
        text_append(text, remark->is_error ? RED : YELLOW);
    text_append(text, remark->is_error ? "error: " : "warning: ");
    if (use_colour)
        text_append(text, PLAIN);
    text_append(text, remark->message);
    text_append_char(text, '\n');
    print_source(diagnostics, remark, use_colour, text);
}

static int compare_numbers(size_t one, size_t other)
{
    return (one > other) - (one < other);
}

/* By file, line and column; what is about no file comes last. */
static int compare_remarks(const void *one, const void *other)
{
    const struct remark *a = *(const struct remark *const *)one;
    const struct remark *b = *(const struct remark *const *)other;
    int order =
        compare_numbers(a->file ? a->file->number : SIZE_MAX, b->file ? b->file->number : SIZE_MAX);
    if (order == 0)
        order = compare_numbers((size_t)a->span.mark.line, (size_t)b->span.mark.line);
    if (order == 0)
        order = compare_numbers((size_t)a->span.mark.column, (size_t)b->span.mark.column);
    return order ? order : compare_numbers(a->number, b->number);
}

void diagnostics_print(const struct diagnostics *diagnostics, bool use_colour, struct text *text)
{
    size_t count = diagnostics->remark_count;
    const struct remark **sorted = calloc(count ? count : 1, sizeof(const struct remark *));
    if (!sorted) {
        text->has_failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        sorted[i] = &diagnostics->remarks[i];
    qsort(sorted, count, sizeof(const struct remark *), compare_remarks);
    for (size_t i = 0; i < count && i < MAX_PRINTED; i++)
        print_remark(diagnostics, sorted[i], use_colour, text);
    if (count > MAX_PRINTED)
        text_printf(text, "… and %zu more\n", count - MAX_PRINTED);
    if (diagnostics->has_failed)
        text_append(text, "error: out of memory\n");
    free(sorted);
}
