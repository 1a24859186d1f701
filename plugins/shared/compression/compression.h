/* SPDX-License-Identifier: Apache-2.0 */
/* gzip and zstd streams for file and object plugins. Recognised by name or first bytes. Streams of
 * several members or frames are one stream. A stream is for one thread at a time. */
#ifndef SLUICE_COMPRESSION_H
#define SLUICE_COMPRESSION_H

#include <sluice/service.h>

enum compression { COMPRESSION_AUTO = 0, COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD };

/* For an option of kind ENUM with these values: sinks use "none", "gzip", "zstd" (index + 1),
 * sources "auto" too (index). */
extern const char *const compression_read_names[];  /* auto none gzip zstd NULL */
extern const char *const compression_write_names[]; /* none gzip zstd NULL */

const char *compression_extension(enum compression compression); /* "", ".gz", ".zst" */
/* From the first bytes, then from the name's ending; never AUTO. */
enum compression compression_detect(const char *name, const char *bytes, size_t size);

struct compressor;
struct decompressor;

/* level 0: the default (gzip 6, zstd 3). */
enum sluice_status compressor_create(const struct sluice_host *host, enum compression compression,
                                     int level, struct compressor **compressor,
                                     struct sluice_error *error);
/* Appends compressed bytes to out; what is kept inside comes with finish. */
enum sluice_status compressor_write(struct compressor *compressor, const char *bytes, size_t size,
                                    struct sluice_buffer *out, struct sluice_error *error);
/* Ends the member or frame; the compressor can begin the next one. */
enum sluice_status compressor_finish(struct compressor *compressor, struct sluice_buffer *out,
                                     struct sluice_error *error);
void compressor_destroy(struct compressor *compressor); /* NULL is allowed */

enum sluice_status decompressor_create(const struct sluice_host *host, enum compression compression,
                                       struct decompressor **decompressor,
                                       struct sluice_error *error);
/* Takes input from bytes[0 .. size) and appends at most about `room` bytes to out; *consumed says
 * how much input was used. Damaged input: REJECT, code compression_corrupt. */
enum sluice_status decompressor_read(struct decompressor *decompressor, const char *bytes,
                                     size_t size, size_t *consumed, size_t room,
                                     struct sluice_buffer *out, struct sluice_error *error);
/* At the end of the input: REJECT, compression_corrupt, where the stream is cut off. An empty
 * input is an empty stream. */
enum sluice_status decompressor_end(struct decompressor *decompressor, struct sluice_error *error);
void decompressor_destroy(struct decompressor *decompressor); /* NULL is allowed */

#endif
