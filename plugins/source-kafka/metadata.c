/* SPDX-License-Identifier: Apache-2.0 */
#include "metadata.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TAG "sluice "
#define VERSION "1 "
#define TOPICS_HASH_DIGITS 16

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
    snprintf(id, INSTANCE_ID_SIZE, "sluice.%.150s.%.64s.", scope, member);
}

void instance_id_add_topics(char id[INSTANCE_ID_SIZE], const char *const *topics, size_t count)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    size_t size = strlen(id);
    for (size_t i = 0; i < count; i++)
        hash = hash_name(hash, topics[i]);
    snprintf(id + size, INSTANCE_ID_SIZE - size, "%0*" PRIx64, TOPICS_HASH_DIGITS, hash);
}

bool instance_id_is_of(const char *id, const char *begin)
{
    size_t size = strlen(begin);
    return strncmp(id, begin, size) == 0 && strlen(id) == size + TOPICS_HASH_DIGITS;
}

/* In clock ticks since the machine started: field 22 of proc(5)'s stat. */
static void read_start_time(char time[21])
{
    char line[1024] = "";
    time[0] = '\0';
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file)
        return;
    size_t size = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[size] = '\0';
    const char *at = strrchr(line, ')'); /* the name of the program may hold anything */
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    for (size_t i = 0; at && i < 20 && at[i + 1] >= '0' && at[i + 1] <= '9'; i++) {
        time[i] = at[i + 1];
        time[i + 1] = '\0';
    }
}

void process_id_write(char id[PROCESS_ID_SIZE])
{
    char host[65] = "", number[24], time[21];
    gethostname(host, sizeof host - 1);
    snprintf(number, sizeof number, "%ld", (long)getpid());
    read_start_time(time);
    uint64_t hash = hash_name(hash_name(UINT64_C(14695981039346656037), host), number);
    snprintf(id, PROCESS_ID_SIZE, "%016" PRIx64, hash_name(hash, time));
}

size_t metadata_write(const struct decision_record *decision, char text[METADATA_SIZE])
{
    int size = snprintf(text, METADATA_SIZE, TAG VERSION "%s %s %" PRIu64 " %s", decision->scope,
                        decision->member, decision->checkpoint, decision->process);
    return (size_t)size;
}

/* A space and the next word, up to a space or the end, into out; the place behind it, or NULL. */
static const char *parse_word(const char *at, const char *end, char *out, size_t out_size)
{
    if (!at || at == end || *at != ' ')
        return NULL;
    const char *start = ++at;
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
    at = parse_word(at + version_size - 1, end, parsed.scope, sizeof parsed.scope);
    at = parse_word(at, end, parsed.member, sizeof parsed.member);
    at = parse_word(at, end, number, sizeof number);
    at = parse_word(at, end, parsed.process, sizeof parsed.process);
    if (!at || at != end || !parse_number(number, &parsed.checkpoint))
        return METADATA_NEWER; /* ours by its tag, but not as this release writes it */
    *decision = parsed;
    return METADATA_DECISION;
}

bool decision_equal(const struct decision_record *one, const struct decision_record *other)
{
    return one->checkpoint == other->checkpoint && strcmp(one->scope, other->scope) == 0 &&
           strcmp(one->member, other->member) == 0 && strcmp(one->process, other->process) == 0;
}
