/* SPDX-License-Identifier: Apache-2.0 */
/* Names of append objects: unique to an attempt, and telling whose they are. */
#include "sink.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "aws/aws.h"

void object_owner(const struct sluice_run *run, const char *member, char owner[OWNER_SIZE])
{
    char identity[1024];
    char hash[65];
    /* A unit separator cannot stand in any of the names. */
    int size = snprintf(identity, sizeof identity, "%s\x1f%s\x1f%s\x1f%s", run->pipeline, run->flow,
                        run->step, member);
    size_t used = size < (int)sizeof identity ? (size_t)size : sizeof identity - 1;
    sha256_hex(identity, used, hash);
    memcpy(owner, hash, OWNER_SIZE - 1);
    owner[OWNER_SIZE - 1] = '\0';
}

static void add_plain(struct counted_text *name, const char *part)
{
    for (; *part; part++) {
        bool is_plain = (*part >= 'a' && *part <= 'z') || (*part >= 'A' && *part <= 'Z') ||
                        (*part >= '0' && *part <= '9') || strchr("._-", *part);
        counted_add_bytes(name, is_plain ? part : "_", 1);
    }
}

void object_name(struct counted_text *name, const struct sluice_run *run, uint64_t checkpoint,
                 uint64_t sequence)
{
    char owner[OWNER_SIZE];
    object_owner(run, run->member, owner);
    add_plain(name, run->flow);
    counted_add(name, "-");
    add_plain(name, run->member);
    counted_print(name, "-%010" PRIu64 "-%s%016" PRIx64 "-%" PRIu64, checkpoint, owner, run->nonce,
                  sequence);
}

/* Steps back over a field that ends before `end`, and over the dash in front of it; NULL where
 * there is none of at least `least` of these characters. */
static const char *field_before(const char *name, const char *end, size_t least,
                                const char *characters)
{
    const char *begin = end;
    while (begin > name && strchr(characters, begin[-1])) {
        begin--;
    }
    bool is_field = (size_t)(end - begin) >= least && begin > name && begin[-1] == '-';
    return is_field ? begin : NULL;
}

/* The fields are taken from the right: flow and member may hold dashes themselves. */
bool object_name_is_of(const struct sluice_run *run, const char *member, const char *key,
                       uint64_t *nonce)
{
    const char *slash = strrchr(key, '/');
    const char *name = slash ? slash + 1 : key;
    char owner[OWNER_SIZE];
    *nonce = 0;
    const char *dash = strrchr(name, '-');
    const char *end = dash ? dash + 1 + strcspn(dash + 1, ".") : name;
    const char *sequence = field_before(name, end, 1, "0123456789");
    const char *mark =
        sequence ? field_before(name, sequence - 1, OWNER_SIZE - 1 + 16, "0123456789abcdef") : NULL;
    if (!mark || !field_before(name, mark - 1, 10, "0123456789")) {
        return false;
    }
    object_owner(run, member, owner);
    if (memcmp(mark, owner, OWNER_SIZE - 1) != 0) {
        return false;
    }
    return sscanf(mark + OWNER_SIZE - 1, "%16" SCNx64, nonce) == 1;
}
