/* SPDX-License-Identifier: Apache-2.0 */
/* JSON's scalars but strings, by RFC 8259 to the letter. */
#ifndef SLUICE_CODEC_JSON_SCALAR_H
#define SLUICE_CODEC_JSON_SCALAR_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum json_kind {
    JSON_INVALID = 0,
    JSON_STRING,
    JSON_INTEGER, /* a number without fraction and exponent, of any length */
    JSON_DECIMAL, /* any other number */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
    JSON_OBJECT,
    JSON_ARRAY
};

/* The scalar that starts at `bytes` and ends before `end`: its kind and size, or JSON_INVALID.
 * What stands behind it is for the caller to check. */
enum json_kind json_scan_scalar(const char *bytes, const char *end, size_t *size);

#ifdef __cplusplus
}
#endif

#endif
