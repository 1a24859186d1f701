/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk requests under way.
 *
 *   add ─▶ filling ─▶ ready ─▶ sent ─▶ empty
 *                       ▲        │
 *                       └────────┘ put back: what the server could not take now
 *
 * One request more than may be in flight is held: the one that fills. A request that has an id in
 * common with an older one waits until that one is settled, so two rows with one id are never in
 * flight at once and the last one wins. Requests that were put back are sent again by the next
 * callback, which the core makes after its backoff: nothing here waits or counts attempts.
 *
 * Rows stay retained until their item is settled; what the server refuses goes to the dead letter
 * from here. */
#ifndef SLUICE_SINK_ES_DELIVERY_H
#define SLUICE_SINK_ES_DELIVERY_H

#include "bulk/bulk_request.h"
#include "bulk/bulk_response.h"
#include "cluster/search_client.h"

#include "compression/compression.h"

enum flight_state { FLIGHT_EMPTY = 0, FLIGHT_FILLING, FLIGHT_READY, FLIGHT_SENT };

struct flight {
    enum flight_state state;
    bool is_put_back;     /* not before the next callback */
    uint64_t must_follow; /* bit i: flight i must be settled first */
    int64_t started_ms;   /* when the first row came in */
    struct bulk bulk;
    struct sluice_buffer packed; /* the body in gzip */
    struct search_call call;
};

struct delivery {
    const struct sluice_host *host;
    const struct es_options *options;
    struct search_client *client;
    const char *path; /* of the request, with its query */
    bool has_index;   /* items name their index; else the path does */
    struct flight *flights;
    size_t flight_count;
    size_t sent_count;
    struct flight *filling; /* or NULL */
    struct compressor *compressor;
    struct item_result *results; /* room for one request */
    bool *keep;
};

enum sluice_status delivery_create(struct search_client *client, const char *path, bool has_index,
                                   struct delivery **delivery, struct sluice_error *error);
void delivery_destroy(struct delivery *delivery); /* NULL is allowed */

/* First in every callback: what was put back may go again. */
void delivery_begin(struct delivery *delivery);
/* Takes a row; waits for an answer where all requests are busy. RETRY: the row was not taken. */
enum sluice_status delivery_add(struct delivery *delivery, const struct document *document,
                                struct sluice_error *error);
/* Sends what is ready and takes the answers that have come, waiting at most wait_ms for one. */
enum sluice_status delivery_turn(struct delivery *delivery, int wait_ms,
                                 struct sluice_error *error);
/* Closes the filling request where it is older than bulk_age. */
void delivery_close_aged(struct delivery *delivery);
/* Sends all and waits until every row is settled. */
enum sluice_status delivery_flush(struct delivery *delivery, struct sluice_error *error);
/* Rejects every row that is not known to be settled, for the reason `why`, and forgets it. Of a
 * request that is under way the server may have done the work. */
enum sluice_status delivery_give_back(struct delivery *delivery, const struct sluice_error *why);
/* Forgets all rows; ends what is under way. */
void delivery_drop(struct delivery *delivery);

/* delivery_answer.c: settles the items of a flight whose answer has come. OK: all of them are.
 * RETRY: those that are left are in the bulk, to be sent again. Else the flow stops. */
enum sluice_status delivery_settle(struct delivery *delivery, struct flight *flight,
                                   struct sluice_error *error);

#endif
