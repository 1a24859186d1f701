/* SPDX-License-Identifier: Apache-2.0 */
/* The life of bulk requests; what their answers mean stands in delivery_answer.c. */
#include "cluster/delivery.h"

#include <string.h>

#define GZIP_LEVEL 1
/* Room in an answer for each item: status, and where it failed the server's reason. */
#define ANSWER_ITEM_BYTES ((size_t)16 << 10)
#define ANSWER_LEAST_BYTES ((size_t)1 << 20)

static enum sluice_status fail_budget(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "the memory budget has no room for bulk requests; raise settings.memory, "
                       "or lower bulk_rows, bulk_bytes or in_flight");
}

static enum sluice_status allocate_flights(struct delivery *made, struct sluice_error *error)
{
    const struct sluice_host *host = made->host;
    size_t rows = (size_t)made->options->bulk_rows;
    size_t count = (size_t)made->options->in_flight + 1;
    made->results = sluice_alloc(host, rows * sizeof(*made->results));
    made->keep = sluice_alloc(host, rows * sizeof(*made->keep));
    made->flights = sluice_alloc(host, count * sizeof(*made->flights));
    if (!made->results || !made->keep || !made->flights) {
        return fail_budget(host, error);
    }
    memset(made->flights, 0, count * sizeof(*made->flights));
    made->flight_count = count;
    for (size_t i = 0; i < count; i++) {
        enum sluice_status status = bulk_init(&made->flights[i].bulk, host,
                                              (enum es_action)made->options->action, rows, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return SLUICE_OK;
}

enum sluice_status delivery_create(struct search_client *client, const char *path, bool has_index,
                                   struct delivery **delivery, struct sluice_error *error)
{
    const struct sluice_host *host = client->host;
    *delivery = NULL;
    struct delivery *made = sluice_alloc(host, sizeof(*made));
    if (!made) {
        return fail_budget(host, error);
    }
    memset(made, 0, sizeof(*made));
    made->host = host;
    made->options = client->options;
    made->client = client;
    made->path = path;
    made->has_index = has_index;
    enum sluice_status status = allocate_flights(made, error);
    if (status == SLUICE_OK && client->options->gzip) {
        status = compressor_create(host, COMPRESSION_GZIP, GZIP_LEVEL, &made->compressor, error);
    }
    if (status != SLUICE_OK) {
        delivery_destroy(made);
        return status;
    }
    *delivery = made;
    return SLUICE_OK;
}

void delivery_destroy(struct delivery *delivery)
{
    if (!delivery) {
        return;
    }
    const struct sluice_host *host = delivery->host;
    for (size_t i = 0; i < delivery->flight_count; i++) {
        search_end(&delivery->flights[i].call);
        sluice_buffer_free(host, &delivery->flights[i].packed);
        bulk_reset(&delivery->flights[i].bulk);
    }
    compressor_destroy(delivery->compressor);
    sluice_free(host, delivery->flights);
    sluice_free(host, delivery->results);
    sluice_free(host, delivery->keep);
    sluice_free(host, delivery);
}

void delivery_begin(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->flight_count; i++) {
        delivery->flights[i].is_put_back = false;
    }
}

static void empty_flight(struct delivery *delivery, struct flight *flight)
{
    uint64_t bit = (uint64_t)1 << (flight - delivery->flights);
    bulk_clear(&flight->bulk);
    flight->state = FLIGHT_EMPTY;
    flight->must_follow = 0;
    for (size_t i = 0; i < delivery->flight_count; i++) {
        delivery->flights[i].must_follow &= ~bit;
    }
}

void delivery_drop(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->flight_count; i++) {
        search_end(&delivery->flights[i].call);
        empty_flight(delivery, &delivery->flights[i]);
    }
    delivery->filling = NULL;
    delivery->sent_count = 0;
}

static enum sluice_status give_back_items(struct delivery *delivery, const struct bulk *bulk,
                                          const struct sluice_error *why)
{
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; i < bulk->item_count && status == SLUICE_OK; i++) {
        const struct sluice_rejected rejected = {.batch = bulk->batches[bulk->items[i].batch],
                                                 .row = bulk->items[i].row,
                                                 .position = -1};
        status = sluice_reject(delivery->host, &rejected, why);
    }
    return status;
}

enum sluice_status delivery_give_back(struct delivery *delivery, const struct sluice_error *why)
{
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; i < delivery->flight_count && status == SLUICE_OK; i++) {
        status = give_back_items(delivery, &delivery->flights[i].bulk, why);
    }
    delivery_drop(delivery);
    return status;
}

static bool is_busy(const struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->flight_count; i++) {
        if (delivery->flights[i].state != FLIGHT_EMPTY) {
            return true;
        }
    }
    return false;
}

/* ---- sending ---- */

static enum sluice_status pack_body(struct delivery *delivery, struct flight *flight,
                                    struct sluice_error *error)
{
    flight->packed.size = 0;
    enum sluice_status status = compressor_write(delivery->compressor, flight->bulk.body.data,
                                                 flight->bulk.body.size, &flight->packed, error);
    return status == SLUICE_OK ? compressor_finish(delivery->compressor, &flight->packed, error)
                               : status;
}

static enum sluice_status send_flight(struct delivery *delivery, struct flight *flight,
                                      struct sluice_error *error)
{
    const struct sluice_buffer *body = &flight->bulk.body;
    if (delivery->compressor) {
        enum sluice_status status = pack_body(delivery, flight, error);
        if (status != SLUICE_OK) {
            return status;
        }
        body = &flight->packed;
    }
    struct search_request request = {
        .method = "POST",
        .path = delivery->path,
        .content_type = "application/x-ndjson",
        .body = body->data,
        .body_size = body->size,
        .is_gzip = delivery->compressor != NULL,
        .response_limit = ANSWER_LEAST_BYTES + ANSWER_ITEM_BYTES * flight->bulk.item_count,
    };
    enum sluice_status status = search_start(delivery->client, &request, &flight->call, error);
    if (status == SLUICE_OK) {
        flight->state = FLIGHT_SENT;
        delivery->sent_count++;
    }
    return status;
}

static enum sluice_status send_ready(struct delivery *delivery, struct sluice_error *error)
{
    size_t most = (size_t)delivery->options->in_flight;
    for (size_t i = 0; i < delivery->flight_count && delivery->sent_count < most; i++) {
        struct flight *flight = &delivery->flights[i];
        bool may_go =
            flight->state == FLIGHT_READY && !flight->is_put_back && flight->must_follow == 0;
        enum sluice_status status = may_go ? send_flight(delivery, flight, error) : SLUICE_OK;
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return SLUICE_OK;
}

/* ---- answers ---- */

static enum sluice_status take_answer(struct delivery *delivery, struct flight *flight,
                                      struct sluice_error *error)
{
    enum sluice_status status = delivery_settle(delivery, flight, error);
    search_end(&flight->call);
    delivery->sent_count--;
    if (status == SLUICE_OK) {
        empty_flight(delivery, flight);
    } else {
        flight->state = FLIGHT_READY;
        flight->is_put_back = true;
    }
    return status;
}

enum sluice_status delivery_turn(struct delivery *delivery, int wait_ms, struct sluice_error *error)
{
    enum sluice_status status = send_ready(delivery, error);
    if (status != SLUICE_OK || delivery->sent_count == 0) {
        return status;
    }
    status = http_run(delivery->client->http, wait_ms, error);
    for (size_t i = 0; status == SLUICE_OK && i < delivery->flight_count; i++) {
        struct flight *flight = &delivery->flights[i];
        if (flight->state == FLIGHT_SENT && http_is_done(flight->call.exchange)) {
            status = take_answer(delivery, flight, error);
        }
    }
    return status == SLUICE_OK ? send_ready(delivery, error) : status;
}

/* ---- filling ---- */

static void close_filling(struct delivery *delivery)
{
    if (delivery->filling) {
        delivery->filling->state = FLIGHT_READY;
        delivery->filling = NULL;
    }
}

static struct flight *find_empty(struct delivery *delivery)
{
    for (size_t i = 0; i < delivery->flight_count; i++) {
        if (delivery->flights[i].state == FLIGHT_EMPTY) {
            return &delivery->flights[i];
        }
    }
    return NULL;
}

static enum sluice_status start_filling(struct delivery *delivery, struct sluice_error *error)
{
    struct flight *empty = find_empty(delivery);
    while (!empty) {
        enum sluice_status status = delivery_turn(delivery, 1000, error);
        if (status != SLUICE_OK) {
            return status;
        }
        empty = find_empty(delivery);
    }
    empty->state = FLIGHT_FILLING;
    empty->is_put_back = false;
    empty->started_ms = sluice_monotonic_ms(delivery->host);
    delivery->filling = empty;
    return SLUICE_OK;
}

/* The filling request must follow each older one that holds the id. */
static void note_older(struct delivery *delivery, struct flight *filling, struct document_key key)
{
    for (size_t i = 0; i < delivery->flight_count; i++) {
        struct flight *flight = &delivery->flights[i];
        if (flight != filling && flight->state != FLIGHT_EMPTY &&
            bulk_has_key(&flight->bulk, key)) {
            filling->must_follow |= (uint64_t)1 << i;
        }
    }
}

enum sluice_status delivery_add(struct delivery *delivery, const struct document *document,
                                struct sluice_error *error)
{
    size_t byte_limit = (size_t)delivery->options->bulk_bytes;
    enum sluice_status status = SLUICE_OK;
    if (delivery->filling && !bulk_has_room(&delivery->filling->bulk, document, byte_limit)) {
        close_filling(delivery);
    }
    if (!delivery->filling) {
        status = start_filling(delivery, error);
    }
    struct flight *filling = delivery->filling;
    if (status == SLUICE_OK) {
        status = bulk_add(&filling->bulk, document, delivery->has_index, error);
    }
    if (status == SLUICE_OK && document->id.size > 0) {
        note_older(delivery, filling, filling->bulk.items[filling->bulk.item_count - 1].key);
    }
    return status;
}

void delivery_close_aged(struct delivery *delivery)
{
    struct flight *filling = delivery->filling;
    if (filling && filling->bulk.item_count > 0 &&
        sluice_monotonic_ms(delivery->host) - filling->started_ms >=
            delivery->options->bulk_age_ms) {
        close_filling(delivery);
    }
}

enum sluice_status delivery_flush(struct delivery *delivery, struct sluice_error *error)
{
    if (delivery->filling && delivery->filling->bulk.item_count == 0) {
        empty_flight(delivery, delivery->filling);
        delivery->filling = NULL;
    }
    close_filling(delivery);
    while (is_busy(delivery)) {
        enum sluice_status status = delivery_turn(delivery, 1000, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    return SLUICE_OK;
}
