/* SPDX-License-Identifier: Apache-2.0 */
/* A simulated web shop and its visitors.
 *
 *   seed ─▶ people (place, browser; Zipf popularity)  ─┐
 *        ─▶ site (pages, links; Zipf popularity)       ├─▶ traffic ─▶ event ─▶ line of JSON
 *   visits begin at random; each is one entry in a heap ┘   (heap of what is due next)
 *
 * Everything follows from the seed: one stream of random numbers, drawn event by event, so that
 * neither batch sizes nor pauses nor a restored snapshot change a byte. Arithmetic that decides
 * anything is done without libm. */
#ifndef SLUICE_GENERATE_H
#define SLUICE_GENERATE_H

#include <sluice/plugin.h>

#include "random.h"

struct generate_options {
    int64_t count;
    int64_t rate;
    int64_t seed;
    int64_t users;
    int64_t pages;
    double user_skew;
    double page_skew;
    double traffic;
    double late;
    int64_t max_lateness_ms;
    double duplicates;
    double malformed;
    int64_t start_us;
    int clock;
};

enum generate_clock { CLOCK_SIMULATED = 0, CLOCK_REAL };

extern const struct sluice_source generate_source;

/* ---- places and agents: constant tables ---- */

struct place {
    const char *country;
    const char *city;
    double weight; /* share of visitors, relative */
};
extern const struct place places[];
extern const size_t place_count;

struct agent {
    const char *text;
    double weight;
};
extern const struct agent agents[];
extern const size_t agent_count;

/* ---- people ---- */

struct people {
    struct alias_table popularity;
    struct person {
        uint16_t place;
        uint16_t agent;
    } * persons;
    int id_digits;
};
bool people_create(const struct sluice_host *host, const struct generate_options *options,
                   struct people *people);
void people_reset(const struct sluice_host *host, struct people *people);

/* ---- site ---- */

enum { LINK_COUNT = 8, URL_SIZE = 128 };

struct page {
    uint32_t links[LINK_COUNT];
    uint32_t url_size;
    char url[URL_SIZE];
};
struct site {
    struct alias_table popularity;
    struct page *pages;
};
bool site_create(const struct sluice_host *host, const struct generate_options *options,
                 struct site *site);
void site_reset(const struct sluice_host *host, struct site *site);
/* Where a visitor goes from a page. */
uint32_t site_next_page(const struct site *site, uint32_t page, struct random *random);

/* ---- traffic ---- */

enum malformation {
    MALFORMED_NONE = 0,
    MALFORMED_TRUNCATED,
    MALFORMED_WRONG_TYPE,
    MALFORMED_MISSING_FIELD,
    MALFORMED_NULL_FIELD,
    MALFORMED_TIMESTAMP,
    MALFORMED_NOT_JSON,
    MALFORMED_UTF8,
    MALFORMED_DUPLICATE_FIELD,
    MALFORMATION_COUNT
};

struct event {
    int64_t time_us; /* whole milliseconds */
    uint32_t user;
    uint32_t page;
    enum malformation malformation;
    uint32_t detail; /* random bits for the malformation */
};

struct traffic;

enum sluice_status traffic_create(const struct sluice_host *host,
                                  const struct generate_options *options,
                                  const struct people *people, const struct site *site,
                                  struct traffic **traffic, struct sluice_error *error);
void traffic_destroy(struct traffic *traffic); /* NULL is allowed */
/* The next event as it arrives. False without memory. */
bool traffic_next(struct traffic *traffic, struct event *event);
/* From now on events carry real time: what is due next happens at now_us. */
void traffic_follow(struct traffic *traffic, int64_t now_us);
enum sluice_status traffic_write(const struct traffic *traffic, struct sluice_state_writer *writer);
/* False where the bytes are not such a state. */
bool traffic_read(struct traffic *traffic, struct sluice_state_reader *reader);

/* ---- event_line ---- */

/* Text that many lines share, made once; and the last minute written. */
struct line_writer {
    const struct people *people;
    const struct site *site;
    struct line_piece {
        char *bytes;
        size_t size;
    } * place_pieces, *agent_pieces;
    int64_t minute;
    char minute_text[20];
};
bool line_writer_create(const struct sluice_host *host, const struct people *people,
                        const struct site *site, struct line_writer *writer);
void line_writer_reset(const struct sluice_host *host, struct line_writer *writer);
/* Room that the event's line needs: its very size where it is not malformed. */
size_t line_room(const struct line_writer *writer, const struct event *event);
/* Both return the end of what they wrote. */
char *write_user_id(const struct people *people, uint32_t user, char *to);
char *write_line(struct line_writer *writer, const struct event *event, char *to);

#endif
