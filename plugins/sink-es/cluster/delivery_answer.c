/* SPDX-License-Identifier: Apache-2.0 */
/* What the answer to a bulk request means for its rows and for the flow. */
#include "cluster/delivery.h"

#include <string.h>

/* Memory that a parsed answer takes for each byte of its text: 26 were measured for items that
 * succeeded (jansson 2.14). */
#define PARSED_FACTOR 32

static void count_request(const struct delivery *delivery, const char *outcome)
{
    const char *const labels[] = {outcome};
    sluice_metric_add(delivery->host, ES_METRIC_REQUESTS, labels, 1);
}

/* The words for one item; `format` takes id, index, status, type, reason. */
static enum sluice_status fail_item(struct delivery *delivery, const struct flight *flight,
                                    size_t item, enum sluice_status status, enum sluice_code code,
                                    const char *what, struct sluice_error *error)
{
    const struct item_result *result = &delivery->results[item];
    struct sluice_string index = bulk_item_index(&flight->bulk, item);
    struct sluice_string id = bulk_item_id(&flight->bulk, item);
    sluice_fail(delivery->host, error, status, code, "%s (document %.*s%s%.*s): HTTP %d %s: %.400s",
                what, (int)id.size, id.bytes, index.size ? " of index " : "", (int)index.size,
                index.bytes, result->status, result->type, result->reason);
    sluice_error_at(delivery->host, error, SLUICE_AT_HTTP_STATUS, "%d", result->status);
    return status;
}

static enum sluice_status reject_item(struct delivery *delivery, const struct flight *flight,
                                      size_t item, struct sluice_error *error)
{
    struct sluice_rejected rejected = {
        .batch = flight->bulk.batches[flight->bulk.items[item].batch],
        .row = flight->bulk.items[item].row,
        .position = -1,
    };
    fail_item(delivery, flight, item, SLUICE_REJECT, SLUICE_CODE_DOCUMENT_REJECTED,
              "the search server refused the document", error);
    return sluice_reject(delivery->host, &rejected, error);
}

/* An outcome that stops the flow, in the words of its first item. */
static enum sluice_status fail_flow(struct delivery *delivery, const struct flight *flight,
                                    size_t item, struct sluice_error *error)
{
    switch (delivery->results[item].outcome) {
    case ITEM_CONFLICT:
        return fail_item(delivery, flight, item, SLUICE_FATAL, SLUICE_CODE_VERSION_CONFLICT,
                         "the index holds a newer version of the document: somebody newer than "
                         "this run is ahead",
                         error);
    case ITEM_AUTH:
        return fail_item(delivery, flight, item, SLUICE_CONFIG, SLUICE_CODE_AUTH_FAILED,
                         "the search server did not accept the credentials", error);
    case ITEM_DENIED:
        return fail_item(delivery, flight, item, SLUICE_CONFIG, SLUICE_CODE_PERMISSION_DENIED,
                         "these credentials may not write to the index", error);
    case ITEM_SETUP:
        return fail_item(delivery, flight, item, SLUICE_CONFIG, SLUICE_CODE_NOT_FOUND,
                         "the index cannot take any document", error);
    case ITEM_DONE:
    case ITEM_DUPLICATE:
    case ITEM_RETRY:
    case ITEM_REJECT:
        break;
    }
    return SLUICE_OK;
}

struct tally {
    size_t retries;
    size_t first_retry;
    bool must_stop;
    size_t stopper;
};

/* With a version column the newer version is what the row would have been overtaken by anyway. */
static bool is_overtaken(const struct delivery *delivery, const struct item_result *result)
{
    return result->outcome == ITEM_CONFLICT && es_is_set(delivery->options->version);
}

static void count_items(struct delivery *delivery, const struct flight *flight)
{
    enum { OVERTAKEN = ITEM_SETUP + 1, RESULT_COUNT };
    static const char *const names[RESULT_COUNT] = {
        [ITEM_DONE] = "done",         [ITEM_DUPLICATE] = "duplicate", [ITEM_RETRY] = "retry",
        [ITEM_REJECT] = "rejected",   [ITEM_CONFLICT] = "conflict",   [ITEM_AUTH] = "refused",
        [ITEM_DENIED] = "refused",    [ITEM_SETUP] = "refused",       [OVERTAKEN] = "overtaken",
    };
    size_t counts[RESULT_COUNT] = {0};
    for (size_t i = 0; i < flight->bulk.item_count; i++) {
        const struct item_result *result = &delivery->results[i];
        counts[is_overtaken(delivery, result) ? OVERTAKEN : (int)result->outcome]++;
    }
    for (size_t i = 0; i < RESULT_COUNT; i++) {
        const char *const labels[] = {names[i]};
        if (counts[i] > 0) {
            sluice_metric_add(delivery->host, ES_METRIC_ITEMS, labels, (double)counts[i]);
        }
    }
}

static enum sluice_status settle_items(struct delivery *delivery, const struct flight *flight,
                                       struct tally *tally, struct sluice_error *error)
{
    for (size_t i = 0; i < flight->bulk.item_count; i++) {
        const struct item_result *result = &delivery->results[i];
        delivery->keep[i] = result->outcome == ITEM_RETRY;
        if (result->outcome == ITEM_RETRY) {
            tally->first_retry = tally->retries == 0 ? i : tally->first_retry;
            tally->retries++;
        } else if (result->outcome == ITEM_REJECT) {
            enum sluice_status status = reject_item(delivery, flight, i, error);
            if (status != SLUICE_OK) {
                return status;
            }
        } else if (result->outcome != ITEM_DONE && result->outcome != ITEM_DUPLICATE &&
                   !is_overtaken(delivery, result) && !tally->must_stop) {
            tally->must_stop = true;
            tally->stopper = i;
        }
    }
    return SLUICE_OK;
}

static enum sluice_status fail_retries(struct delivery *delivery, const struct flight *flight,
                                       const struct tally *tally, struct sluice_error *error)
{
    const struct item_result *result = &delivery->results[tally->first_retry];
    enum sluice_code code = result->status == 429 ? SLUICE_CODE_THROTTLED : SLUICE_CODE_UNAVAILABLE;
    return sluice_fail(delivery->host, error, SLUICE_RETRY, code,
                       "the search server could not take %zu of %zu documents now: HTTP %d %s: "
                       "%.400s",
                       tally->retries, flight->bulk.item_count, result->status, result->type,
                       result->reason);
}

/* What the flow stops at stays, with what was to come again: it may yet be given back. */
static void keep_unsettled(struct delivery *delivery, struct flight *flight)
{
    for (size_t i = 0; i < flight->bulk.item_count; i++) {
        enum item_outcome outcome = delivery->results[i].outcome;
        bool is_settled = outcome == ITEM_DONE || outcome == ITEM_DUPLICATE ||
                          outcome == ITEM_REJECT ||
                          is_overtaken(delivery, &delivery->results[i]);
        delivery->keep[i] = !is_settled;
    }
    bulk_keep(&flight->bulk, delivery->keep);
}

static enum sluice_status settle_answer(struct delivery *delivery, struct flight *flight,
                                        struct sluice_error *error)
{
    struct tally tally = {0};
    bulk_response_settle_twins(&flight->bulk, delivery->results);
    count_items(delivery, flight);
    enum sluice_status status = settle_items(delivery, flight, &tally, error);
    if (status != SLUICE_OK) {
        return status;
    }
    if (tally.must_stop) {
        status = fail_flow(delivery, flight, tally.stopper, error);
        keep_unsettled(delivery, flight);
        return status;
    }
    if (tally.retries > 0) {
        status = fail_retries(delivery, flight, &tally, error);
        bulk_keep(&flight->bulk, delivery->keep);
    }
    return status;
}

static enum sluice_status read_answer(struct delivery *delivery, struct flight *flight,
                                      const struct http_response *response,
                                      struct sluice_error *error)
{
    int64_t parsed_bytes = (int64_t)response->body_size * PARSED_FACTOR;
    json_t *root = NULL;
    if (bulk_response_is_all_done(response->body, response->body_size, flight->bulk.item_count,
                                  delivery->results)) {
        return settle_answer(delivery, flight, error);
    }
    if (!sluice_charge(delivery->host, parsed_bytes)) {
        return sluice_fail(delivery->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "the memory budget has no room to read an answer of %zu bytes; raise "
                           "settings.memory or lower bulk_rows",
                           response->body_size);
    }
    enum sluice_status status = SLUICE_OK;
    if (bulk_response_read(response->body, response->body_size, flight->bulk.item_count,
                           flight->bulk.action, delivery->results, &root)) {
        status = settle_answer(delivery, flight, error);
        json_decref(root);
    } else {
        /* the work may be done: to send the same ids again does no harm */
        status = sluice_fail(delivery->host, error, SLUICE_RETRY, SLUICE_CODE_PROTOCOL_ERROR,
                             "the answer to a bulk request of %zu documents cannot be understood",
                             flight->bulk.item_count);
    }
    sluice_charge(delivery->host, -parsed_bytes);
    return status;
}

/* A lone document that is too large for the server never gets in; several at once may. */
static enum sluice_status settle_too_large(struct delivery *delivery, struct flight *flight,
                                           struct sluice_error *error)
{
    if (flight->bulk.item_count > 1) {
        sluice_error_because(delivery->host, error, "the request had %zu bytes: lower bulk_bytes",
                             flight->bulk.body.size);
        return SLUICE_FATAL;
    }
    delivery->results[0] = (struct item_result){.outcome = ITEM_REJECT,
                                                .status = 413,
                                                .type = "request_too_large",
                                                .reason = "the document alone is larger than the "
                                                          "server accepts"};
    return reject_item(delivery, flight, 0, error);
}

enum sluice_status delivery_settle(struct delivery *delivery, struct flight *flight,
                                   struct sluice_error *error)
{
    struct http_response response;
    enum sluice_status status = search_result(delivery->client, &flight->call, &response, error);
    if (status == SLUICE_FATAL && response.status == 413) {
        status = settle_too_large(delivery, flight, error);
    } else if (status == SLUICE_OK && (response.status < 200 || response.status > 299)) {
        char reason[512];
        bulk_response_reason(response.body, response.body_size, reason, sizeof(reason));
        status = sluice_fail(delivery->host, error, SLUICE_CONFIG, SLUICE_CODE_NOT_FOUND,
                             "the server answered HTTP %d to a bulk request; check that url and "
                             "index are right: %s",
                             response.status, reason);
    } else if (status == SLUICE_OK) {
        status = read_answer(delivery, flight, &response, error);
    }
    count_request(delivery, status == SLUICE_OK      ? "ok"
                            : status == SLUICE_RETRY ? "retry"
                                                     : "failed");
    return status;
}
