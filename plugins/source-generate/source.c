/* SPDX-License-Identifier: Apache-2.0 */
/* The life of the simulator: check, build the world, give out batches, save and restore. */
#include "generate.h"
#include "pacer.h"

#include <string.h>

enum { BATCH_ROWS = 8192 };
enum { COLUMN_KEY = 0, COLUMN_VALUE, COLUMN_TIMESTAMP, COLUMN_COUNT };

struct generate {
    const struct sluice_host *host;
    const struct generate_options *options;
    struct people people;
    struct site site;
    struct line_writer writer;
    struct traffic *traffic;
    struct sluice_builder *builder;
    struct pacer pacer;
    bool has_pacer;
    int64_t emitted_rows;
    int64_t emitted_bytes;
    struct event events[BATCH_ROWS]; /* of the batch in the making */
};

static const struct sluice_field fields[COLUMN_COUNT] = {
    [COLUMN_KEY] = {.name = "key", .type = SLUICE_TYPE_BINARY},
    [COLUMN_VALUE] = {.name = "value", .type = SLUICE_TYPE_BINARY},
    [COLUMN_TIMESTAMP] = {.name = "timestamp", .type = SLUICE_TYPE_TIMESTAMP},
};

static enum sluice_status refuse(const struct sluice_host *host, struct sluice_error *error,
                                 const char *option, const char *why)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "%s %s", option, why);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "%s", option);
    return SLUICE_CONFIG;
}

static enum sluice_status check_range(const struct sluice_host *host, const char *option,
                                      double value, double maximum, struct sluice_error *error)
{
    if (value >= 0 && value <= maximum)
        return SLUICE_OK;
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                "%s is %g; it must be between 0 and %g", option, value, maximum);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "%s", option);
    return SLUICE_CONFIG;
}

static enum sluice_status check_options(const struct sluice_host *host,
                                        const struct generate_options *options,
                                        struct sluice_error *error)
{
    const int64_t last_start_us = INT64_C(200000000000000000); /* in the year 8307 */
    const struct {
        const char *name;
        double value;
        double maximum;
    } ranges[] = {
        {"user_skew", options->user_skew, 10},
        {"page_skew", options->page_skew, 10},
        {"late", options->late, 1},
        {"duplicates", options->duplicates, 1},
        {"malformed", options->malformed, 1},
        {"traffic", options->traffic, 1e9},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        enum sluice_status status =
            check_range(host, ranges[i].name, ranges[i].value, ranges[i].maximum, error);
        if (status != SLUICE_OK)
            return status;
    }
    if (options->traffic < 1e-3)
        return refuse(host, error, "traffic", "must be at least 0.001 events per second");
    if (options->start_us < 0 || options->start_us > last_start_us)
        return refuse(host, error, "start", "must be between the years 1970 and 8307");
    if (options->clock == CLOCK_REAL && !options->rate)
        return refuse(host, error, "clock",
                      "is real, which needs a rate: rows come at the time that they carry");
    return SLUICE_OK;
}

static enum sluice_status plan_generate(const struct sluice_host *host, const void *options_,
                                        struct sluice_planning *planning,
                                        struct sluice_error *error)
{
    const struct generate_options *options = options_;
    enum sluice_status status = check_options(host, options, error);
    if (status == SLUICE_OK && !options->count && sluice_planning_is_batch(host, planning))
        status = refuse(host, error, "count",
                        "is 0, which never ends, but this flow runs to an end: give a number");
    for (size_t i = 0; status == SLUICE_OK && i < COLUMN_COUNT; i++)
        status = sluice_planning_output(host, planning, &fields[i]);
    return status;
}

static void destroy_generate(void *instance)
{
    struct generate *generate = instance;
    if (!generate)
        return;
    const struct sluice_host *host = generate->host;
    if (generate->has_pacer)
        pacer_reset(&generate->pacer);
    sluice_builder_destroy(host, generate->builder);
    traffic_destroy(generate->traffic);
    line_writer_reset(host, &generate->writer);
    site_reset(host, &generate->site);
    people_reset(host, &generate->people);
    sluice_free(host, generate);
}

static enum sluice_status build_world(struct generate *generate, struct sluice_error *error)
{
    const struct sluice_host *host = generate->host;
    const struct generate_options *options = generate->options;
    if (!people_create(host, options, &generate->people) ||
        !site_create(host, options, &generate->site) ||
        !line_writer_create(host, &generate->people, &generate->site, &generate->writer))
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory left for the simulated visitors and pages; raise "
                           "settings.memory, or lower users and pages");
    generate->has_pacer = pacer_init(&generate->pacer, host, options->rate);
    if (!generate->has_pacer)
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "the system gave no lock");
    enum sluice_status status = traffic_create(host, options, &generate->people, &generate->site,
                                               &generate->traffic, error);
    if (status == SLUICE_OK)
        status = sluice_builder_create(host, sluice_output_schema(host), &generate->builder, error);
    if (status == SLUICE_OK &&
        sluice_builder_origin(host, generate->builder, "generate", -1) != SLUICE_OK)
        status = sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                             "no memory left for a batch; raise settings.memory");
    return status;
}

static enum sluice_status create_generate(const struct sluice_host *host, const void *options_,
                                          void **instance, struct sluice_error *error)
{
    *instance = NULL;
    const struct generate_options *options = options_;
    if (!options->count && sluice_this_run(host)->is_once)
        return refuse(host, error, "count",
                      "is 0, which never ends, but the run is to end by itself: give a number");
    struct generate *generate = sluice_alloc(host, sizeof(*generate));
    if (!generate)
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory left for the simulator; raise settings.memory");
    memset(generate, 0, sizeof(*generate));
    generate->host = host;
    generate->options = options;
    enum sluice_status status = build_world(generate, error);
    if (status != SLUICE_OK) {
        destroy_generate(generate);
        return status;
    }
    *instance = generate;
    return SLUICE_OK;
}

static bool draw_events(struct generate *generate, int64_t rows)
{
    if (generate->options->clock == CLOCK_REAL)
        traffic_follow(generate->traffic, sluice_now_ms(generate->host) * 1000);
    for (int64_t i = 0; i < rows; i++) {
        if (!traffic_next(generate->traffic, &generate->events[i]))
            return false;
    }
    return true;
}

static enum sluice_status fill_keys(struct generate *generate, int64_t rows)
{
    struct sluice_raw_column raw;
    size_t id_size = (size_t)generate->people.id_digits + 1;
    enum sluice_status status = sluice_builder_reserve(
        generate->host, generate->builder, COLUMN_KEY, rows, (size_t)rows * id_size, &raw);
    if (status != SLUICE_OK)
        return status;
    for (int64_t i = 0; i < rows; i++) {
        write_user_id(&generate->people, generate->events[i].user, raw.bytes + (size_t)i * id_size);
        raw.offsets[i + 1] = raw.offsets[i] + (int32_t)id_size;
    }
    return sluice_builder_commit(generate->host, generate->builder, COLUMN_KEY, rows,
                                 (size_t)rows * id_size, 0);
}

static enum sluice_status fill_values(struct generate *generate, int64_t rows)
{
    size_t size = 0;
    for (int64_t i = 0; i < rows; i++)
        size += line_room(&generate->writer, &generate->events[i]);
    struct sluice_raw_column raw;
    enum sluice_status status =
        sluice_builder_reserve(generate->host, generate->builder, COLUMN_VALUE, rows, size, &raw);
    if (status != SLUICE_OK)
        return status;
    char *end = raw.bytes;
    for (int64_t i = 0; i < rows; i++) {
        end = write_line(&generate->writer, &generate->events[i], end);
        raw.offsets[i + 1] = raw.offsets[0] + (int32_t)(end - raw.bytes);
    }
    generate->emitted_bytes += end - raw.bytes;
    return sluice_builder_commit(generate->host, generate->builder, COLUMN_VALUE, rows,
                                 (size_t)(end - raw.bytes), 0);
}

static enum sluice_status fill_times(struct generate *generate, int64_t rows)
{
    struct sluice_raw_column raw;
    enum sluice_status status =
        sluice_builder_reserve(generate->host, generate->builder, COLUMN_TIMESTAMP, rows, 0, &raw);
    if (status != SLUICE_OK)
        return status;
    for (int64_t i = 0; i < rows; i++)
        ((int64_t *)raw.values)[i] = generate->events[i].time_us;
    return sluice_builder_commit(generate->host, generate->builder, COLUMN_TIMESTAMP, rows, 0, 0);
}

static enum sluice_status build_batch(struct generate *generate, int64_t rows,
                                      struct sluice_batch **batch, struct sluice_error *error)
{
    enum sluice_status status = draw_events(generate, rows) ? SLUICE_OK : SLUICE_FATAL;
    if (status == SLUICE_OK)
        status = fill_keys(generate, rows);
    if (status == SLUICE_OK)
        status = fill_values(generate, rows);
    if (status == SLUICE_OK)
        status = fill_times(generate, rows);
    for (int64_t i = 0; status == SLUICE_OK && i < rows; i++)
        status = sluice_builder_end_row(generate->host, generate->builder,
                                        generate->emitted_rows + i + 1);
    if (status != SLUICE_OK)
        return sluice_fail(generate->host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory left for a batch of events; raise settings.memory");
    generate->emitted_rows += rows;
    return sluice_builder_finish(generate->host, generate->builder, batch, error);
}

static void report_progress(const struct generate *generate)
{
    int64_t total = -1;
    if (generate->options->count)
        total = (int64_t)((double)generate->emitted_bytes / (double)generate->emitted_rows *
                          (double)generate->options->count);
    sluice_progress(generate->host, generate->emitted_bytes, total);
}

static enum sluice_status read_generate(void *instance, int timeout_ms, struct sluice_batch **batch,
                                        struct sluice_error *error)
{
    struct generate *generate = instance;
    *batch = NULL;
    int64_t rows = BATCH_ROWS;
    if (generate->options->count) {
        int64_t left = generate->options->count - generate->emitted_rows;
        if (left <= 0)
            return SLUICE_END;
        rows = left < rows ? left : rows;
    }
    if (generate->options->rate)
        rows = pacer_take(&generate->pacer, rows, timeout_ms);
    if (!rows)
        return SLUICE_AGAIN;
    enum sluice_status status = build_batch(generate, rows, batch, error);
    if (status == SLUICE_OK)
        report_progress(generate);
    return status;
}

/* `world` is a hash of what the saved visits refer to; the other options may change from run to
 * run. */
struct saved_generate {
    uint64_t world;
    int64_t emitted_rows;
    int64_t emitted_bytes;
};

static uint64_t world_of(const struct generate *generate)
{
    const struct generate_options *options = generate->options;
    struct generate_options world;
    memset(&world, 0, sizeof(world));
    world.seed = options->seed;
    world.users = options->users;
    world.pages = options->pages;
    world.user_skew = options->user_skew;
    world.page_skew = options->page_skew;
    return sluice_hash_bytes(generate->host, &world, sizeof(world));
}

static enum sluice_status snapshot_generate(void *instance, struct sluice_state_writer *writer,
                                            struct sluice_error *error)
{
    const struct generate *generate = instance;
    const struct saved_generate saved = {world_of(generate), generate->emitted_rows,
                                         generate->emitted_bytes};
    enum sluice_status status = sluice_state_write(generate->host, writer, &saved, sizeof(saved));
    if (status == SLUICE_OK)
        status = traffic_write(generate->traffic, writer);
    if (status != SLUICE_OK)
        return sluice_fail(generate->host, error, SLUICE_FATAL, SLUICE_CODE_IO_ERROR,
                           "the position of the simulator could not be written");
    return SLUICE_OK;
}

static enum sluice_status restore_generate(void *instance, struct sluice_state_reader *reader,
                                           struct sluice_error *error)
{
    struct generate *generate = instance;
    struct saved_generate saved;
    if (sluice_state_read(generate->host, reader, &saved, sizeof(saved)) != sizeof(saved))
        return sluice_fail(generate->host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                           "the saved position of the simulator is cut off");
    if (saved.world != world_of(generate))
        return sluice_fail(generate->host, error, SLUICE_FATAL, SLUICE_CODE_STATE_VERSION,
                           "seed, users, pages, user_skew or page_skew differ from those of the "
                           "checkpoint: set them back, or start with an empty state folder");
    if (!traffic_read(generate->traffic, reader))
        return sluice_fail(generate->host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                           "the saved visits of the simulator are damaged");
    generate->emitted_rows = saved.emitted_rows;
    generate->emitted_bytes = saved.emitted_bytes;
    return SLUICE_OK;
}

static void cancel_generate(void *instance)
{
    struct generate *generate = instance;
    pacer_cancel(&generate->pacer);
}

const struct sluice_source generate_source = {
    .struct_size = sizeof(struct sluice_source),
    .plan = plan_generate,
    .create = create_generate,
    .read = read_generate,
    .snapshot = snapshot_generate,
    .restore = restore_generate,
    .cancel = cancel_generate,
    .destroy = destroy_generate,
};
