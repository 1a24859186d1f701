/* SPDX-License-Identifier: Apache-2.0 */
/* Reading letters line by line, and which of them are meant. */
#include "letters/letter_line.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The longest line: 1 MiB of original, each byte escaped as \u00XX, beside a row of its size. */
static const size_t line_limit = (size_t)64 << 20;

struct letter_reader {
    FILE *file; /* NULL: there is none */
    char *path;
    int64_t size;
    char *line;
    size_t line_capacity;
    int64_t at;
    uint64_t number;
    struct letter_line parsed;
    struct letter_ranges taken;
    size_t next_taken;
};

enum sluice_status letters_fail(struct sluice_error *error, const char *what, const char *path,
                                int number)
{
    error_set(error, SLUICE_FATAL,
              number == EACCES || number == EPERM ? SLUICE_CODE_PERMISSION_DENIED
              : number == ENOMEM                  ? SLUICE_CODE_OUT_OF_MEMORY
                                                  : SLUICE_CODE_IO_ERROR,
              "cannot %s the dead letter: %s", what, strerror(number));
    error_set_field(error, SLUICE_AT_OBJECT, "%s", path);
    return SLUICE_FATAL;
}

enum sluice_status letter_reader_open(const char *path, struct letter_reader **opened,
                                      struct sluice_error *error)
{
    *opened = NULL;
    struct letter_reader *reader = calloc(1, sizeof *reader);
    struct stat facts;
    if (!reader || !(reader->path = strdup(path))) {
        letter_reader_close(reader);
        return letters_fail(error, "read", path, ENOMEM);
    }
    reader->file = fopen(path, "rbe");
    enum sluice_status status = SLUICE_OK;
    if (!reader->file && errno != ENOENT)
        status = letters_fail(error, "open", path, errno);
    else if (reader->file && fstat(fileno(reader->file), &facts) != 0)
        status = letters_fail(error, "look at", path, errno);
    else if (reader->file)
        reader->size = facts.st_size;
    if (status == SLUICE_OK && reader->file)
        status = claim_ranges(path, &reader->taken, error);
    if (status != SLUICE_OK) {
        letter_reader_close(reader);
        return status;
    }
    *opened = reader;
    return SLUICE_OK;
}

int64_t letter_reader_bytes(const struct letter_reader *reader)
{
    return reader->size;
}

void letter_reader_close(struct letter_reader *reader)
{
    if (!reader)
        return;
    if (reader->file)
        fclose(reader->file);
    letter_line_reset(&reader->parsed);
    letter_ranges_reset(&reader->taken);
    free(reader->line);
    free(reader->path);
    free(reader);
}

static bool was_taken(struct letter_reader *reader, int64_t begin)
{
    const struct letter_ranges *taken = &reader->taken;
    while (reader->next_taken < taken->count && taken->ranges[reader->next_taken].end <= begin)
        reader->next_taken++;
    return reader->next_taken < taken->count && taken->ranges[reader->next_taken].begin <= begin;
}

/* A line that nobody has finished, at the end, is not there yet. */
static enum sluice_status read_line(struct letter_reader *reader, size_t *size,
                                    struct sluice_error *error)
{
    errno = 0;
    ssize_t got = reader->file && reader->at < reader->size
                      ? getline(&reader->line, &reader->line_capacity, reader->file)
                      : 0;
    if (got < 0 && errno != 0)
        return letters_fail(error, "read", reader->path, errno);
    if (got <= 0 || reader->line[got - 1] != '\n' || reader->at + got > reader->size)
        return SLUICE_END;
    if ((size_t)got > line_limit)
        return letters_fail(error, "read a line of", reader->path, EFBIG);
    *size = (size_t)got;
    return SLUICE_OK;
}

enum sluice_status letter_reader_next(struct letter_reader *reader, struct letter *letter,
                                      struct sluice_error *error)
{
    for (;;) {
        size_t size = 0;
        enum sluice_status status = read_line(reader, &size, error);
        if (status != SLUICE_OK)
            return status;
        int64_t begin = reader->at;
        reader->at += (int64_t)size;
        reader->number++;
        if (was_taken(reader, begin))
            continue;
        reader->line[size - 1] = '\0';
        *letter = (struct letter){.number = reader->number,
                                  .begin = begin,
                                  .end = reader->at,
                                  .line = reader->line,
                                  .line_size = size - 1,
                                  .partition = -1,
                                  .position = -1};
        letter_line_parse(&reader->parsed, letter);
        return SLUICE_OK;
    }
}

bool letter_matches(const struct letter *letter, const struct letter_filter *filter)
{
    int64_t time_us = 0;
    if ((filter->number && letter->number != filter->number) ||
        (filter->step && (!letter->step || strcmp(letter->step, filter->step) != 0)) ||
        (filter->code && (!letter->code || strcmp(letter->code, filter->code) != 0)))
        return false;
    if (filter->from_us == INT64_MIN && filter->until_us == INT64_MAX)
        return true;
    return letter->time &&
           time_format_parse(time_format_default(), letter->time, strlen(letter->time), &time_us) &&
           time_us >= filter->from_us && time_us < filter->until_us;
}
