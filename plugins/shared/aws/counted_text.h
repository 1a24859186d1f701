/* SPDX-License-Identifier: Apache-2.0 */
/* Growable text in counted memory. It remembers that memory ran out, so that a long text is built
 * without a check a line: counted_check() at the end tells. For one thread. */
#ifndef SHARED_AWS_COUNTED_TEXT_H
#define SHARED_AWS_COUNTED_TEXT_H

#include <sluice/service.h>

/* Set up with counted_init() before anything else; counted_free() leaves it ready for use again. */
struct counted_text {
    const struct sluice_host *host;
    struct sluice_buffer buffer;
    bool has_failed;
};

void counted_init(struct counted_text *text, const struct sluice_host *host);
void counted_free(struct counted_text *text);
void counted_clear(struct counted_text *text); /* empty, memory kept */
void counted_add(struct counted_text *text, const char *string);
void counted_add_bytes(struct counted_text *text, const char *bytes, size_t size);
SLUICE_PRINTF(2, 3) void counted_print(struct counted_text *text, const char *format, ...);
/* NUL-terminated; "" where empty or failed. */
const char *counted_get(const struct counted_text *text);
/* OK, or FATAL out_of_memory. */
enum sluice_status counted_check(const struct counted_text *text, struct sluice_error *error);

/* A counted copy with a NUL behind it; NULL without memory. */
char *counted_copy(const struct sluice_host *host, const char *bytes, size_t size);

#endif
