/* SPDX-License-Identifier: Apache-2.0 */
/* Decoded bytes of files to batches: by a codec, or a row a line where there is none. */
#ifndef SLUICE_SOURCE_FILE_RECORD_READER_H
#define SLUICE_SOURCE_FILE_RECORD_READER_H

#include "file_options.h"

#include "records/lines.h"

#include <sluice/codec.h>

struct record_reader {
    const struct sluice_host *host;
    const struct file_options *options;
    const char *path;               /* of the file at hand */
    struct sluice_decoder *decoder; /* with a format */
    struct lines lines;             /* without */
    struct sluice_builder *builder;
    int value_column; /* -1: nobody reads it */
};

enum sluice_status record_reader_init(struct record_reader *reader, const struct sluice_host *host,
                                      const struct file_options *options,
                                      struct sluice_error *error);
void record_reader_reset(struct record_reader *reader);

/* A file starts. */
enum sluice_status record_reader_begin(struct record_reader *reader, const char *path,
                                       struct sluice_error *error);

/* A file goes on behind `lines` lines; `head` is its beginning, up to the end of the first
 * record where the format has a header, else empty. */
enum sluice_status record_reader_resume(struct record_reader *reader, const char *path,
                                        int64_t lines, struct sluice_string head,
                                        struct sluice_error *error);

/* As a decoder's decode; no row is held back between calls. */
enum sluice_status record_reader_decode(struct record_reader *reader, const char *bytes,
                                        size_t size, bool is_last, size_t *consumed,
                                        struct sluice_batch **batch, struct sluice_error *error);

/* Whether a file's rows depend on its first record. */
bool record_reader_needs_head(const struct record_reader *reader);

#endif
