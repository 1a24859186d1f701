/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, with padding): how binary columns travel in text formats. */
#ifndef SLUICE_RECORDS_BASE64_H
#define SLUICE_RECORDS_BASE64_H

#include <stdbool.h>
#include <stddef.h>

static inline size_t base64_encoded_size(size_t size)
{
    return (size + 2) / 3 * 4;
}

/* Writes base64_encoded_size(size) characters. */
void base64_encode(const char *bytes, size_t size, char *text);

/* Writes at most text_size / 4 * 3 bytes; false where the text is not strict base64. */
bool base64_decode(const char *text, size_t text_size, char *bytes, size_t *size);

#endif
