/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TAG "sluice "
#define VERSION "1 "

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* FNV-1a: tells names apart that look alike once they are made plain. */
static uint64_t hash_name(uint64_t hash, const char *name)
{
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(1099511628211);
    return (hash ^ 0xff) * UINT64_C(1099511628211);
}

/* Copies at most `limit` bytes of the name; true where it came through unchanged. */
static bool copy_plain(const char *name, size_t limit, char *out)
{
    size_t size = 0;
    bool is_same = name[0] != '\0';
    for (; *name && size < limit; name++) {
        is_same = is_same && is_plain(*name);
        out[size++] = is_plain(*name) ? *name : '_';
    }
    out[size] = '\0';
    return is_same && !*name;
}

void scope_write(const char *pipeline, const char *flow, char scope[SCOPE_SIZE])
{
    char plain_pipeline[61], plain_flow[61];
    bool is_same = copy_plain(pipeline, 60, plain_pipeline);
    is_same = copy_plain(flow, 60, plain_flow) && is_same;
    if (is_same) {
        snprintf(scope, SCOPE_SIZE, "%s.%s", plain_pipeline, plain_flow);
        return;
    }
    uint64_t hash = hash_name(hash_name(UINT64_C(14695981039346656037), pipeline), flow);
    snprintf(scope, SCOPE_SIZE, "%s.%s.%016" PRIx64, plain_pipeline, plain_flow, hash);
}

void instance_id_write(const char *scope, const char *member, char id[INSTANCE_ID_SIZE])
{
    snprintf(id, INSTANCE_ID_SIZE, "sluice.%.160s.%.64s", scope, member);
}

size_t metadata_write(const struct decision_record *decision, char text[METADATA_SIZE])
{
    int size = snprintf(text, METADATA_SIZE, TAG VERSION "%s %s %" PRIu64, decision->scope,
                        decision->member, decision->checkpoint);
    return (size_t)size;
}

/* The next word, up to a space or the end, into out; the place behind it, or NULL. */
static const char *parse_word(const char *at, const char *end, char *out, size_t out_size)
{
    const char *start = at;
    while (at<end && * at> ' ' && *at < 0x7f)
        at++;
    size_t size = (size_t)(at - start);
    if (size == 0 || size >= out_size)
        return NULL;
    memcpy(out, start, size);
    out[size] = '\0';
    return at;
}

static bool parse_number(const char *text, uint64_t *number)
{
    *number = 0;
    for (; *text; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (digit > 9 || *number > (UINT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    return true;
}

enum metadata_kind metadata_parse(const char *bytes, size_t size, struct decision_record *decision)
{
    *decision = (struct decision_record){0};
    size_t tag_size = strlen(TAG), version_size = strlen(VERSION);
    if (size < tag_size || memcmp(bytes, TAG, tag_size) != 0)
        return METADATA_NONE;
    const char *at = bytes + tag_size;
    const char *end = bytes + size;
    if ((size_t)(end - at) < version_size || memcmp(at, VERSION, version_size) != 0)
        return METADATA_NEWER;
    struct decision_record parsed = {0};
    char number[24];
    at = parse_word(at + version_size, end, parsed.scope, sizeof parsed.scope);
    if (at && at < end && *at == ' ')
        at = parse_word(at + 1, end, parsed.member, sizeof parsed.member);
    else
        at = NULL;
    if (at && at < end && *at == ' ')
        at = parse_word(at + 1, end, number, sizeof number);
    else
        at = NULL;
    if (!at || at != end || !parse_number(number, &parsed.checkpoint))
        return METADATA_NEWER; /* ours by its tag, but not as this release writes it */
    *decision = parsed;
    return METADATA_DECISION;
}

bool decision_equal(const struct decision_record *one, const struct decision_record *other)
{
    return one->checkpoint == other->checkpoint && strcmp(one->scope, other->scope) == 0 &&
           strcmp(one->member, other->member) == 0;
}
