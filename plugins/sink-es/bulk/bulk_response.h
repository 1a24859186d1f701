/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a _bulk request: what became of each item. */
#ifndef SLUICE_SINK_ES_BULK_RESPONSE_H
#define SLUICE_SINK_ES_BULK_RESPONSE_H

#include "bulk/bulk_request.h"

#include <jansson.h>

enum item_outcome {
    ITEM_DONE = 0,
    ITEM_DUPLICATE, /* create: the document was there already */
    ITEM_RETRY,     /* the server could not take it now */
    ITEM_REJECT,    /* the document is bad */
    ITEM_CONFLICT,  /* the index holds a newer version */
    ITEM_AUTH,      /* the credentials are not accepted */
    ITEM_DENIED,    /* the credentials do not allow this */
    ITEM_SETUP      /* the index or pipeline is not as it must be: no document would get in */
};

struct item_result {
    enum item_outcome outcome;
    int status;
    const char *type; /* "" where the server named none */
    const char *reason;
};

/* The usual answer: all of `count` items were taken. False for every other one, and for this one in
 * other words, which bulk_response_read understands; results may be half filled then. */
bool bulk_response_is_all_done(const char *body, size_t size, size_t count,
                               struct item_result *results);

/* Fills one result for each of `count` items; the strings belong to *root, which the caller gives
 * back with json_decref. False where the body is not a whole answer to `count` items. */
bool bulk_response_read(const char *body, size_t size, size_t count, enum es_action action,
                        struct item_result *results, json_t **root);

/* Settles what the order of items in one body makes clear: an item that waits for a retry, or met
 * a newer version, is overtaken where a later item of the same id and no older version took or
 * takes its place. Such items become DONE. */
void bulk_response_settle_twins(const struct bulk *bulk, struct item_result *results);

/* The server's own words in the body of an error answer, one line, cut to fit. */
void bulk_response_reason(const char *body, size_t size, char *reason, size_t reason_size);

#endif
