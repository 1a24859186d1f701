/* SPDX-License-Identifier: Apache-2.0 */
/* The sink's options as the core fills them in; plugin.c describes each. */
#ifndef SLUICE_SINK_ES_CONFIG_H
#define SLUICE_SINK_ES_CONFIG_H

#include "http/http.h"

enum es_action { ES_INDEX = 0, ES_CREATE, ES_UPDATE };
enum es_mapping { ES_MAPPING_AUTO = 0, ES_MAPPING_NONE };
enum es_refresh { ES_REFRESH_COMMIT = 0, ES_REFRESH_NONE };

/* Search servers take ids of at most this many bytes. */
#define ES_LONGEST_ID 512

struct es_options {
    struct sluice_strings url;
    const struct sluice_template *index;
    struct sluice_strings id;
    const struct sluice_template *id_template;
    int action;
    const char *version;
    const char *user;
    const char *password;
    const char *api_key;
    const char *bearer;
    bool gzip;
    int64_t bulk_bytes;
    int64_t bulk_rows;
    int64_t bulk_age_ms;
    int64_t in_flight;
    const char *pipeline;
    int mapping;
    int64_t shards;
    int64_t replicas;
    int refresh;
    const struct sluice_codec_choice *format;
    struct http_options http;
};

/* options.c */
enum { ES_OPTION_COUNT = 28 };
extern const struct sluice_option es_option_rows[ES_OPTION_COUNT];

/* Rows of the metric table in plugin.c. */
enum es_metric { ES_METRIC_REQUESTS = 0, ES_METRIC_ITEMS };

static inline bool es_is_set(const char *text)
{
    return text && text[0];
}

static inline bool es_has_id(const struct es_options *options)
{
    return options->id.count > 0 || options->id_template;
}

#endif
