/* SPDX-License-Identifier: Apache-2.0 */
/* The servers of one cluster, taken in turn. One that fails is put aside for a while, longer each
 * time; when all are aside, the one whose time ends first is tried. */
#ifndef SLUICE_SINK_ES_HOSTS_H
#define SLUICE_SINK_ES_HOSTS_H

#include <sluice/options.h>
#include <sluice/service.h>

struct search_host {
    const char *url; /* without a slash at its end */
    int failures;    /* since it last worked */
    int64_t aside_until_ms;
};

struct hosts {
    size_t count;
    size_t next;
    struct search_host *items;
};

/* Checks and copies the URLs; CONFIG for what is no http or https URL, or holds credentials. */
enum sluice_status hosts_init(struct hosts *hosts, const struct sluice_host *host,
                              const struct sluice_strings *urls, struct sluice_error *error);
void hosts_reset(struct hosts *hosts, const struct sluice_host *host);

size_t hosts_pick(struct hosts *hosts, int64_t now_ms);
void hosts_note_failure(struct hosts *hosts, size_t index, int64_t now_ms);
void hosts_note_success(struct hosts *hosts, size_t index);

#endif
