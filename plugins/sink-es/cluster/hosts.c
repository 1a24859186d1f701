/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/hosts.h"

#include <string.h>
#include <strings.h>

#define FIRST_PAUSE_MS 1000
#define LONGEST_DOUBLING 6 /* 64 s */

static enum sluice_status fail_url(const struct sluice_host *host, struct sluice_error *error,
                                   const char *text)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "%s", text);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "url");
    return SLUICE_CONFIG;
}

static enum sluice_status check_url(const struct sluice_host *host, const char *url,
                                    struct sluice_error *error)
{
    bool is_http = strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
    if (strncasecmp(url, "file:", 5) == 0) {
        return fail_url(host, error, "url: a file: URL (the embedded index) must stand alone");
    }
    if (!is_http) {
        return fail_url(host, error,
                        "url: it must start with http://, https:// or file: (the embedded "
                        "index), for example http://localhost:9200");
    }
    const char *authority = strstr(url, "://") + 3;
    size_t size = strcspn(authority, "/?#");
    if (memchr(authority, '@', size)) {
        return fail_url(host, error,
                        "url: it holds a user or password; give them by the options `user` and "
                        "`password`, where they are kept secret");
    }
    if (size == 0 || authority[size + strcspn(authority + size, "?#")]) {
        return fail_url(host, error,
                        "url: only scheme, host, port and a path may stand in it, for example "
                        "https://search.example.com:9200/prefix");
    }
    return SLUICE_OK;
}

enum sluice_status hosts_init(struct hosts *hosts, const struct sluice_host *host,
                              const struct sluice_strings *urls, struct sluice_error *error)
{
    *hosts = (struct hosts){0};
    if (urls->count == 0) {
        return fail_url(host, error, "url: at least one server must be named");
    }
    hosts->items = sluice_alloc(host, urls->count * sizeof(struct search_host));
    if (!hosts->items) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for the list of servers");
    }
    for (size_t i = 0; i < urls->count; i++) {
        enum sluice_status status = check_url(host, urls->items[i], error);
        size_t size = strlen(urls->items[i]);
        char *copy = status == SLUICE_OK ? sluice_alloc(host, size + 1) : NULL;
        if (!copy) {
            hosts_reset(hosts, host);
            return status != SLUICE_OK
                       ? status
                       : sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                                     "no memory for the list of servers");
        }
        while (size > 0 && urls->items[i][size - 1] == '/') {
            size--;
        }
        memcpy(copy, urls->items[i], size);
        copy[size] = '\0';
        hosts->items[hosts->count++] = (struct search_host){.url = copy};
    }
    return SLUICE_OK;
}

void hosts_reset(struct hosts *hosts, const struct sluice_host *host)
{
    for (size_t i = 0; i < hosts->count; i++) {
        sluice_free(host, (void *)(uintptr_t)hosts->items[i].url);
    }
    sluice_free(host, hosts->items);
    *hosts = (struct hosts){0};
}

size_t hosts_pick(struct hosts *hosts, int64_t now_ms)
{
    size_t best = hosts->next % hosts->count;
    for (size_t i = 0; i < hosts->count; i++) {
        size_t at = (hosts->next + i) % hosts->count;
        if (hosts->items[at].aside_until_ms <= now_ms) {
            best = at;
            break;
        }
        if (hosts->items[at].aside_until_ms < hosts->items[best].aside_until_ms) {
            best = at;
        }
    }
    hosts->next = best + 1;
    return best;
}

void hosts_note_failure(struct hosts *hosts, size_t index, int64_t now_ms)
{
    struct search_host *item = &hosts->items[index];
    int doublings = item->failures < LONGEST_DOUBLING ? item->failures : LONGEST_DOUBLING;
    item->aside_until_ms = now_ms + ((int64_t)FIRST_PAUSE_MS << doublings);
    item->failures++;
}

void hosts_note_success(struct hosts *hosts, size_t index)
{
    hosts->items[index].failures = 0;
    hosts->items[index].aside_until_ms = 0;
}
