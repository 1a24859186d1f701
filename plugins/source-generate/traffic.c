/* SPDX-License-Identifier: Apache-2.0 */
/* Who looks at what, when: visits begin at random, each goes from page to page with a pause in
 * between, and a heap says whose turn is next. Late events and second copies wait in the same
 * heap until they arrive. */
#include "generate.h"

#include <string.h>

enum { PURPOSE_TRAFFIC = 3, QUANTILES = 4096, FIRST_CAPACITY = 1024, STATE_VERSION = 1 };

/* One visit in six ends after each page, so a visit has six pages on average. */
enum { PAGES_PER_VISIT = 6, COPY_DELAY_MS = 60000, MAX_WAITING = 1 << 28 };

enum entry_kind { ENTRY_VISIT = 1, ENTRY_LATE, ENTRY_COPY };

struct entry {
    int64_t due_us;  /* when it arrives */
    int64_t time_us; /* when it happened; of a copy: the time that was written */
    uint32_t user;
    uint32_t page;
    uint32_t kind;
    uint32_t unused; /* no padding: entries are written to snapshots */
};

struct traffic {
    const struct sluice_host *host;
    const struct people *people;
    const struct site *site;
    uint64_t late;
    uint64_t duplicates;
    uint64_t malformed;
    uint64_t leave;
    uint32_t max_lateness_ms;

    struct random random;
    int64_t next_visit_us;
    int64_t offset_us; /* from simulated to written time */
    struct entry *heap;
    size_t entry_count;
    size_t capacity;

    uint32_t pauses_ms[QUANTILES + 1]; /* between two pages, from short to long */
    double intervals_us[QUANTILES];    /* between the beginnings of two visits */
};

/* Pauses are log-logistic: like log-normal ones, with more that are very long. Half are under 25
 * seconds, one in 1,500 is over half an hour. Intervals are exponential. */
static void make_quantiles(struct traffic *traffic, double events_per_second)
{
    const double median_ms = 25000, shape = 1.7, shortest_ms = 400;
    double mean_interval_us = PAGES_PER_VISIT * 1e6 / events_per_second;
    for (int i = 0; i <= QUANTILES; i++) {
        double share = (i + 0.5) / (QUANTILES + 1.0);
        double pause_ms = median_ms * portable_exp(portable_log(share / (1 - share)) / shape);
        traffic->pauses_ms[i] = (uint32_t)(pause_ms < shortest_ms ? shortest_ms : pause_ms);
    }
    for (int i = 0; i < QUANTILES; i++)
        traffic->intervals_us[i] = -mean_interval_us * portable_log((i + 0.5) / (double)QUANTILES);
}

static int64_t draw_pause_us(struct traffic *traffic)
{
    uint64_t bits = random_next(&traffic->random);
    const uint32_t *quantile = &traffic->pauses_ms[bits >> 52];
    uint64_t part = bits >> 20 & UINT32_MAX;
    uint64_t span = quantile[1] - quantile[0];
    return (int64_t)(quantile[0] + (span * part >> 32)) * 1000;
}

static int64_t draw_interval_us(struct traffic *traffic)
{
    return (int64_t)traffic->intervals_us[random_next(&traffic->random) >> 52];
}

enum sluice_status traffic_create(const struct sluice_host *host,
                                  const struct generate_options *options,
                                  const struct people *people, const struct site *site,
                                  struct traffic **traffic, struct sluice_error *error)
{
    *traffic = NULL;
    struct traffic *made = sluice_alloc(host, sizeof(*made));
    struct entry *heap = sluice_alloc(host, FIRST_CAPACITY * sizeof(*heap));
    if (!made || !heap) {
        sluice_free(host, made);
        sluice_free(host, heap);
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory left for the simulated visits; raise settings.memory");
    }
    *made = (struct traffic){
        .host = host,
        .people = people,
        .site = site,
        .late = chance_threshold(options->late),
        .duplicates = chance_threshold(options->duplicates),
        .malformed = chance_threshold(options->malformed),
        .leave = chance_threshold(1.0 / PAGES_PER_VISIT),
        .max_lateness_ms = (uint32_t)options->max_lateness_ms,
        .next_visit_us = options->start_us - options->start_us % 1000,
        .heap = heap,
        .capacity = FIRST_CAPACITY,
    };
    random_init(&made->random, (uint64_t)options->seed, PURPOSE_TRAFFIC);
    make_quantiles(made, options->clock == CLOCK_REAL ? (double)options->rate : options->traffic);
    *traffic = made;
    return SLUICE_OK;
}

void traffic_destroy(struct traffic *traffic)
{
    if (!traffic)
        return;
    sluice_free(traffic->host, traffic->heap);
    sluice_free(traffic->host, traffic);
}

static void sift_down(struct traffic *traffic, struct entry entry)
{
    struct entry *heap = traffic->heap;
    size_t count = traffic->entry_count;
    size_t at = 0;
    for (size_t child = 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && heap[child + 1].due_us < heap[child].due_us)
            child++;
        if (heap[child].due_us >= entry.due_us)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = entry;
}

static bool reserve_entries(struct traffic *traffic, size_t count)
{
    if (count <= traffic->capacity)
        return true;
    size_t capacity = count + count / 2;
    struct entry *heap = sluice_resize(traffic->host, traffic->heap, capacity * sizeof(*heap));
    if (!heap)
        return false;
    traffic->heap = heap;
    traffic->capacity = capacity;
    return true;
}

static bool push(struct traffic *traffic, struct entry entry)
{
    if (!reserve_entries(traffic, traffic->entry_count + 1))
        return false;
    struct entry *heap = traffic->heap;
    size_t at = traffic->entry_count++;
    while (at && heap[(at - 1) / 2].due_us > entry.due_us) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = entry;
    return true;
}

static void pop(struct traffic *traffic)
{
    struct entry last = traffic->heap[--traffic->entry_count];
    if (traffic->entry_count)
        sift_down(traffic, last);
}

static bool begin_visit(struct traffic *traffic)
{
    const struct entry entry = {
        .due_us = traffic->next_visit_us,
        .time_us = traffic->next_visit_us - traffic->next_visit_us % 1000,
        .user = alias_draw(&traffic->people->popularity, &traffic->random),
        .page = alias_draw(&traffic->site->popularity, &traffic->random),
        .kind = ENTRY_VISIT,
    };
    traffic->next_visit_us += draw_interval_us(traffic);
    return push(traffic, entry);
}

/* The visitor leaves, or will look at another page after a pause. */
static void continue_visit(struct traffic *traffic, struct entry visit)
{
    if (random_chance(&traffic->random, traffic->leave)) {
        pop(traffic);
        return;
    }
    visit.page = site_next_page(traffic->site, visit.page, &traffic->random);
    visit.due_us += draw_pause_us(traffic);
    visit.time_us = visit.due_us - visit.due_us % 1000;
    sift_down(traffic, visit);
}

static bool delay(struct traffic *traffic, struct entry entry, enum entry_kind kind,
                  uint32_t max_delay_ms)
{
    entry.kind = kind;
    entry.due_us += INT64_C(1000) * (1 + random_below(&traffic->random, max_delay_ms));
    return push(traffic, entry);
}

/* Takes the entry that is due; *is_event: whether it arrives now. */
static bool take_entry(struct traffic *traffic, struct entry *entry, bool *is_event)
{
    *entry = traffic->heap[0];
    *is_event = true;
    if (entry->kind != ENTRY_VISIT) {
        pop(traffic);
        return true;
    }
    continue_visit(traffic, *entry);
    if (!traffic->late || !random_chance(&traffic->random, traffic->late))
        return true;
    *is_event = false;
    return delay(traffic, *entry, ENTRY_LATE, traffic->max_lateness_ms);
}

bool traffic_next(struct traffic *traffic, struct event *event)
{
    struct entry entry;
    bool is_event = false;
    while (!is_event) {
        while (!traffic->entry_count || traffic->next_visit_us <= traffic->heap[0].due_us) {
            if (!begin_visit(traffic))
                return false;
        }
        if (!take_entry(traffic, &entry, &is_event))
            return false;
    }
    *event = (struct event){.time_us = entry.time_us, .user = entry.user, .page = entry.page};
    if (entry.kind == ENTRY_COPY)
        return true;
    event->time_us += traffic->offset_us;
    if (traffic->malformed && random_chance(&traffic->random, traffic->malformed)) {
        event->malformation = 1 + random_below(&traffic->random, MALFORMATION_COUNT - 1);
        event->detail = (uint32_t)random_next(&traffic->random);
        return true;
    }
    if (!traffic->duplicates || !random_chance(&traffic->random, traffic->duplicates))
        return true;
    entry.time_us = event->time_us;
    return delay(traffic, entry, ENTRY_COPY, COPY_DELAY_MS);
}

void traffic_follow(struct traffic *traffic, int64_t now_us)
{
    int64_t due_us = traffic->next_visit_us;
    if (traffic->entry_count && traffic->heap[0].due_us < due_us)
        due_us = traffic->heap[0].due_us;
    traffic->offset_us = (now_us - due_us) / 1000 * 1000;
}

struct saved_traffic {
    uint64_t version;
    struct random random;
    int64_t next_visit_us;
    uint64_t entry_count;
};

enum sluice_status traffic_write(const struct traffic *traffic, struct sluice_state_writer *writer)
{
    const struct saved_traffic saved = {
        .version = STATE_VERSION,
        .random = traffic->random,
        .next_visit_us = traffic->next_visit_us,
        .entry_count = traffic->entry_count,
    };
    enum sluice_status status = sluice_state_write(traffic->host, writer, &saved, sizeof(saved));
    if (status != SLUICE_OK)
        return status;
    return sluice_state_write(traffic->host, writer, traffic->heap,
                              traffic->entry_count * sizeof(*traffic->heap));
}

bool traffic_read(struct traffic *traffic, struct sluice_state_reader *reader)
{
    struct saved_traffic saved;
    if (sluice_state_read(traffic->host, reader, &saved, sizeof(saved)) != sizeof(saved) ||
        saved.version != STATE_VERSION || saved.entry_count > MAX_WAITING ||
        !reserve_entries(traffic, (size_t)saved.entry_count))
        return false;
    size_t size = (size_t)saved.entry_count * sizeof(*traffic->heap);
    if (sluice_state_read(traffic->host, reader, traffic->heap, size) != size)
        return false;
    for (size_t i = 0; i < saved.entry_count; i++) {
        const struct entry *entry = &traffic->heap[i];
        if (entry->user >= traffic->people->popularity.count ||
            entry->page >= traffic->site->popularity.count)
            return false;
    }
    traffic->random = saved.random;
    traffic->next_visit_us = saved.next_visit_us;
    traffic->entry_count = (size_t)saved.entry_count;
    return true;
}
