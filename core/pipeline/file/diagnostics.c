/* SPDX-License-Identifier: Apache-2.0 */
/* Collects mistakes and warnings; knows nothing of how they look. */
#include "pipeline/file/collected.h"

#include <stdlib.h>
#include <string.h>

struct diagnostics *diagnostics_create(void)
{
    struct diagnostics *diagnostics = calloc(1, sizeof(*diagnostics));
    if (!diagnostics)
        return NULL;
    diagnostics->arena = arena_create();
    if (!diagnostics->arena) {
        free(diagnostics);
        return NULL;
    }
    return diagnostics;
}

void diagnostics_destroy(struct diagnostics *diagnostics)
{
    if (!diagnostics)
        return;
    arena_destroy(diagnostics->arena);
    free(diagnostics->remarks);
    free(diagnostics->hidden);
    free(diagnostics);
}

size_t diagnostics_error_count(const struct diagnostics *diagnostics)
{
    return diagnostics->error_count;
}

void diagnostics_fail(struct diagnostics *diagnostics)
{
    diagnostics->has_failed = true;
}

bool diagnostics_has_failed(const struct diagnostics *diagnostics)
{
    return diagnostics->has_failed;
}

/* The copy of a file's name that stands for it here, added at its first mention. */
static struct shown_file *find_file(struct diagnostics *diagnostics, const char *name)
{
    struct shown_file **at = &diagnostics->files;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if (*at)
        return *at;
    struct shown_file *file = arena_alloc(diagnostics->arena, sizeof(*file));
    char *copy = arena_copy(diagnostics->arena, name, strlen(name));
    if (!file || !copy) {
        diagnostics_fail(diagnostics);
        return NULL;
    }
    file->name = copy;
    file->number = diagnostics->file_count++;
    *at = file;
    return file;
}

void diagnostics_add_file(struct diagnostics *diagnostics, const char *file, const char *bytes,
                          size_t size)
{
    struct shown_file *shown = find_file(diagnostics, file);
    if (!shown)
        return;
    shown->bytes = arena_copy(diagnostics->arena, bytes, size);
    if (shown->bytes)
        shown->size = size;
    else
        diagnostics_fail(diagnostics);
}

/* Room for one more item; false without memory. */
static bool grow(void **items, size_t count, size_t *capacity, size_t item_size)
{
    if (count < *capacity)
        return true;
    size_t wanted = *capacity ? *capacity * 2 : 16;
    void *grown = realloc(*items, wanted * item_size);
    if (!grown)
        return false;
    *items = grown;
    *capacity = wanted;
    return true;
}

void diagnostics_hide(struct diagnostics *diagnostics, const struct span *span)
{
    struct shown_file *file = span->mark.line ? find_file(diagnostics, span->mark.file) : NULL;
    if (!file)
        return;
    void *hidden = diagnostics->hidden;
    if (!grow(&hidden, diagnostics->hidden_count, &diagnostics->hidden_capacity,
              sizeof(*diagnostics->hidden))) {
        diagnostics_fail(diagnostics);
        return;
    }
    diagnostics->hidden = hidden;
    diagnostics->hidden[diagnostics->hidden_count] = *span;
    diagnostics->hidden[diagnostics->hidden_count++].mark.file = file->name;
}

static bool is_known(const struct diagnostics *diagnostics, const struct remark *remark)
{
    for (size_t i = 0; i < diagnostics->remark_count; i++) {
        const struct remark *other = &diagnostics->remarks[i];
        if (other->file == remark->file && other->span.mark.line == remark->span.mark.line &&
            other->span.mark.column == remark->span.mark.column &&
            other->is_error == remark->is_error && strcmp(other->message, remark->message) == 0)
            return true;
    }
    return false;
}

/* More than this is not kept: comparing with all earlier ones stays cheap. */
#define MAX_REMARKS 2000

static void add_remark(struct diagnostics *diagnostics, bool is_error, const struct span *span,
                       const char *format, va_list arguments)
{
    struct remark remark = {.is_error = is_error, .number = diagnostics->remark_count};
    if (span && span->mark.file)
        remark.file = find_file(diagnostics, span->mark.file);
    if (span)
        remark.span = *span;
    if (diagnostics->remark_count >= MAX_REMARKS) {
        diagnostics->error_count += is_error;
        return;
    }
    struct text message = {0};
    text_printf_list(&message, format, arguments);
    remark.message = arena_copy(diagnostics->arena, text_get(&message), message.size);
    void *remarks = diagnostics->remarks;
    bool has_room = grow(&remarks, diagnostics->remark_count, &diagnostics->remark_capacity,
                         sizeof(*diagnostics->remarks));
    diagnostics->remarks = remarks;
    if (message.has_failed || !remark.message || !has_room) {
        diagnostics_fail(diagnostics);
    } else if (!is_known(diagnostics, &remark)) {
        diagnostics->remarks[diagnostics->remark_count++] = remark;
        diagnostics->error_count += is_error;
    }
    text_reset(&message);
}

void diagnostics_error(struct diagnostics *diagnostics, const struct span *span, const char *format,
                       ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_remark(diagnostics, true, span, format, arguments);
    va_end(arguments);
}

void diagnostics_warn(struct diagnostics *diagnostics, const struct span *span, const char *format,
                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    add_remark(diagnostics, false, span, format, arguments);
    va_end(arguments);
}

void diagnostics_take(struct diagnostics *diagnostics, const struct span *span,
                      const struct sluice_error *error)
{
    const char *causes = error_causes(error);
    diagnostics_error(diagnostics, span, "%s%s%s", error_message(error), *causes ? ": " : "",
                      causes);
}
