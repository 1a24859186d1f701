/* SPDX-License-Identifier: Apache-2.0 */
/* simdjson behind a C interface: walks one document, checks all of it, and tells a visitor what
 * stands at the keys that it asks for. */
#ifndef SLUICE_CODEC_JSON_SIMDJSON_SHIM_H
#define SLUICE_CODEC_JSON_SIMDJSON_SHIM_H

#include "scalar.h"

#ifdef __cplusplus
extern "C" {
#endif

struct json_parser;

enum json_outcome {
    JSON_WALKED = 0, /* one valid object, the visitor knows all */
    JSON_NOT_OBJECT, /* one valid value of another kind */
    JSON_BAD_UTF8,
    JSON_MALFORMED, /* *reason says why */
    JSON_NO_MEMORY
};

struct json_visitor {
    void *user;
    /* A key of an object at `node` (0: the document): the key's own node, or -1 where neither it
     * nor anything below is wanted. */
    int (*key)(void *user, int node, const char *key, size_t size);
    /* What stands at a wanted node. Strings are unescaped and, like number tokens, stay where they
     * are until the next walk. Objects come before their keys. */
    void (*value)(void *user, int node, enum json_kind kind, const char *bytes, size_t size);
};

struct json_parser *json_parser_create(void); /* NULL without memory */
void json_parser_destroy(struct json_parser *parser);
/* Memory for documents of up to `size` bytes. */
bool json_parser_reserve(struct json_parser *parser, size_t size);
/* What a parser of that reserve holds, to charge a budget with. */
size_t json_parser_memory(size_t size);

/* SLUICE_PADDING bytes behind the document must be readable. */
enum json_outcome json_parser_walk(struct json_parser *parser, const char *bytes, size_t size,
                                   const struct json_visitor *visitor, const char **reason);

bool json_is_utf8(const char *bytes, size_t size);
/* A number that json_scan_scalar accepted, to the nearest double. False where that is infinite or
 * rounds to zero. */
bool json_to_double(const char *bytes, size_t size, double *number);

#ifdef __cplusplus
}
#endif

#endif
