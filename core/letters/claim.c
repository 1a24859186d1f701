/* SPDX-License-Identifier: Apache-2.0 */
/* Claims of replays, and taking lines out of the file.
 *
 * A claim is text, a line for the whole and one for each range:
 *   sluice-claim 1 NONCE CHECKPOINT COUNT SIZE HASH      the file's first SIZE bytes have that hash
 *   BEGIN END
 *   end                                                                                           */
#include "letters/letters.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 1, CHUNK_BYTES = 1 << 20 };
static const size_t claim_limit_bytes = (size_t)1 << 30;

struct claim {
    uint64_t nonce;
    uint64_t checkpoint;
    int64_t size; /* of the file as far as the claim's last line */
    uint64_t hash;
    struct letter_ranges ranges;
};

/* ---- ranges ---- */

static bool add_range(struct letter_ranges *ranges, int64_t begin, int64_t end)
{
    struct letter_range *last = ranges->count ? &ranges->ranges[ranges->count - 1] : NULL;
    if (last && last->end == begin) {
        last->end = end;
        return true;
    }
    if (ranges->count == ranges->capacity) {
        size_t capacity = ranges->capacity ? ranges->capacity * 2 : 64;
        struct letter_range *grown = realloc(ranges->ranges, capacity * sizeof *grown);
        if (!grown)
            return false;
        ranges->ranges = grown;
        ranges->capacity = capacity;
    }
    ranges->ranges[ranges->count++] = (struct letter_range){begin, end};
    return true;
}

bool letter_ranges_add(struct letter_ranges *ranges, const struct letter *letter)
{
    return add_range(ranges, letter->begin, letter->end);
}

void letter_ranges_reset(struct letter_ranges *ranges)
{
    free(ranges->ranges);
    *ranges = (struct letter_ranges){0};
}

/* ---- files ---- */

static void print_path(struct text *to, const char *path, const char *ending)
{
    text_printf(to, "%s.%s", path, ending);
}

/* Reads exactly `size` bytes at `at`; false with errno, 0 at the end of the file. */
static bool read_at(int descriptor, char *bytes, size_t size, int64_t at)
{
    while (size > 0) {
        ssize_t got = pread(descriptor, bytes, size, at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            errno = got < 0 ? errno : 0;
            return false;
        }
        bytes += got;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

/* Hash of the first `size` bytes. *is_there false: the file is shorter, or absent. */
static enum sluice_status hash_file(const char *path, int64_t size, uint64_t *hash, bool *is_there,
                                    struct sluice_error *error)
{
    *hash = 0;
    *is_there = false;
    char *chunk = malloc(CHUNK_BYTES);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    enum sluice_status status = SLUICE_OK;
    int64_t at = 0;
    if (!chunk)
        status = letters_fail(error, "read", path, ENOMEM);
    else if (descriptor < 0 && errno != ENOENT)
        status = letters_fail(error, "open", path, errno);
    while (status == SLUICE_OK && descriptor >= 0 && at < size) {
        int64_t left = size - at;
        size_t part = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
        if (!read_at(descriptor, chunk, part, at)) {
            status = errno ? letters_fail(error, "read", path, errno) : SLUICE_OK;
            break;
        }
        const uint64_t both[2] = {*hash, hash_bytes(chunk, part)};
        *hash = hash_bytes(both, sizeof both);
        at += (int64_t)part;
    }
    *is_there = status == SLUICE_OK && descriptor >= 0 && at == size;
    if (descriptor >= 0)
        close(descriptor);
    free(chunk);
    return status;
}

/* ---- a claim's file ---- */

enum sluice_status claim_write(const char *path, const struct letter_ranges *ranges, uint64_t nonce,
                               uint64_t checkpoint, struct sluice_error *error)
{
    int64_t size = ranges->count ? ranges->ranges[ranges->count - 1].end : 0;
    uint64_t hash = 0;
    bool is_there = false;
    struct text bytes = {0};
    struct text file = {0};
    enum sluice_status status = hash_file(path, size, &hash, &is_there, error);
    if (status == SLUICE_OK && !is_there)
        status = letters_fail(error, "read again", path, ENOENT);
    text_printf(&bytes, "sluice-claim %d %" PRIu64 " %" PRIu64 " %zu %" PRId64 " %" PRIu64 "\n",
                VERSION, nonce, checkpoint, ranges->count, size, hash);
    for (size_t i = 0; i < ranges->count; i++)
        text_printf(&bytes, "%" PRId64 " %" PRId64 "\n", ranges->ranges[i].begin,
                    ranges->ranges[i].end);
    text_append(&bytes, "end\n");
    print_path(&file, path, "claim");
    if (status == SLUICE_OK && (bytes.has_failed || file.has_failed))
        status = letters_fail(error, "claim lines of", path, ENOMEM);
    if (status == SLUICE_OK)
        status = file_replace(text_get(&file), bytes.data, bytes.size, error);
    text_reset(&bytes);
    text_reset(&file);
    return status;
}

/* Hashes are written in decimal, too. */
bool letters_take_numbers(const char **bytes, const char *prefix, size_t count, uint64_t *numbers)
{
    const char *at = *bytes;
    const char *line_feed = strchr(at, '\n');
    size_t skipped = strlen(prefix);
    if (!line_feed || strncmp(at, prefix, skipped) != 0)
        return false;
    at += skipped;
    for (size_t i = 0; i < count; i++) {
        size_t digits = 0;
        numbers[i] = 0;
        for (; at[digits] >= '0' && at[digits] <= '9' && digits < 20; digits++)
            numbers[i] = numbers[i] * 10 + (uint64_t)(at[digits] - '0');
        if (digits == 0 || at[digits] != (i + 1 < count ? ' ' : '\n'))
            return false;
        at += digits + 1;
    }
    *bytes = at;
    return true;
}

static bool parse_claim(const char *bytes, struct claim *claim)
{
    uint64_t head[6];
    if (!letters_take_numbers(&bytes, "sluice-claim ", 6, head) || head[0] != VERSION ||
        head[4] > INT64_MAX)
        return false;
    claim->nonce = head[1];
    claim->checkpoint = head[2];
    claim->size = (int64_t)head[4];
    claim->hash = head[5];
    int64_t end = 0;
    for (uint64_t i = 0; i < head[3]; i++) {
        uint64_t range[2];
        if (!letters_take_numbers(&bytes, "", 2, range) || range[1] > head[4] || range[0] >= range[1] ||
            (int64_t)range[0] < end || !add_range(&claim->ranges, (int64_t)range[0], (int64_t)range[1]))
            return false;
        end = (int64_t)range[1];
    }
    return strcmp(bytes, "end\n") == 0;
}

/* *is_there false: no such file. FATAL, state_corrupt, where it cannot be read. */
static enum sluice_status read_claim(const char *path, const char *ending, struct claim *claim,
                                     bool *is_there, struct sluice_error *error)
{
    *claim = (struct claim){0};
    *is_there = false;
    struct text file = {0};
    struct text bytes = {0};
    print_path(&file, path, ending);
    enum sluice_status status = file_read_all(text_get(&file), claim_limit_bytes, &bytes, error);
    if (status != SLUICE_OK && error_code(error) == SLUICE_CODE_NOT_FOUND) {
        error_reset(error);
        status = SLUICE_OK;
    } else if (status == SLUICE_OK && !parse_claim(text_get(&bytes), claim)) {
        letter_ranges_reset(&claim->ranges);
        status = error_set(error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                           "the claim of a replay is damaged: it says which letters were replayed");
        error_set_field(error, SLUICE_AT_OBJECT, "%s", text_get(&file));
    } else {
        *is_there = status == SLUICE_OK;
    }
    text_reset(&file);
    text_reset(&bytes);
    return status;
}

enum sluice_status claim_pending(const char *path, bool *is_there, uint64_t *nonce,
                                 uint64_t *checkpoint, struct sluice_error *error)
{
    struct claim claim;
    enum sluice_status status = read_claim(path, "claim", &claim, is_there, error);
    *nonce = claim.nonce;
    *checkpoint = claim.checkpoint;
    letter_ranges_reset(&claim.ranges);
    return status;
}

/* Renames, or with `to` NULL removes, and syncs the folder. An absent file is fine. */
static enum sluice_status move_file(const char *from, const char *to, struct sluice_error *error)
{
    int answer = to ? rename(from, to) : unlink(from);
    if (answer != 0 && errno == ENOENT)
        return SLUICE_OK;
    if (answer != 0)
        return letters_fail(error, "settle a claim on", from, errno);
    struct text folder = {0};
    const char *slash = strrchr(from, '/');
    text_append_bytes(&folder, from, slash ? (size_t)(slash - from) : 0);
    enum sluice_status status = folder_sync(slash ? text_get(&folder) : ".", error);
    text_reset(&folder);
    return status;
}

enum sluice_status claim_settle(const char *path, bool is_decided, struct sluice_error *error)
{
    struct text pending = {0};
    struct text decided = {0};
    print_path(&pending, path, "claim");
    print_path(&decided, path, "replayed");
    fault_point("claim.settle");
    enum sluice_status status =
        move_file(text_get(&pending), is_decided ? text_get(&decided) : NULL, error);
    fault_point("claim.settled");
    text_reset(&pending);
    text_reset(&decided);
    return status;
}

/* The decided claim, where it is about this very file. */
static enum sluice_status read_decided(const char *path, struct claim *claim, bool *is_valid,
                                       struct sluice_error *error)
{
    bool is_there = false;
    uint64_t hash = 0;
    *is_valid = false;
    enum sluice_status status = read_claim(path, "replayed", claim, &is_there, error);
    if (status == SLUICE_OK && is_there)
        status = hash_file(path, claim->size, &hash, is_valid, error);
    *is_valid = status == SLUICE_OK && *is_valid && hash == claim->hash;
    if (!*is_valid)
        letter_ranges_reset(&claim->ranges);
    return status;
}

enum sluice_status claim_ranges(const char *path, struct letter_ranges *ranges,
                                struct sluice_error *error)
{
    struct claim claim;
    bool is_valid = false;
    enum sluice_status status = read_decided(path, &claim, &is_valid, error);
    *ranges = claim.ranges;
    return status;
}

/* ---- taking lines out ---- */

static bool copy_bytes(int from, int to, char *chunk, int64_t begin, int64_t end)
{
    while (begin < end) {
        size_t part = end - begin < CHUNK_BYTES ? (size_t)(end - begin) : CHUNK_BYTES;
        if (!read_at(from, chunk, part, begin)) {
            errno = errno ? errno : EIO;
            return false;
        }
        for (size_t done = 0; done < part;) {
            ssize_t put = write(to, chunk + done, part - done);
            if (put < 0 && errno != EINTR)
                return false;
            done += put > 0 ? (size_t)put : 0;
        }
        begin += (int64_t)part;
    }
    return true;
}

/* What is not in the ranges, synced. */
static bool copy_rest(int from, int to, const struct letter_ranges *ranges)
{
    struct stat facts;
    char *chunk = malloc(CHUNK_BYTES);
    int64_t at = 0;
    bool is_done = chunk && fstat(from, &facts) == 0;
    for (size_t i = 0; is_done && i < ranges->count; i++) {
        is_done = copy_bytes(from, to, chunk, at, ranges->ranges[i].begin);
        at = ranges->ranges[i].end;
    }
    is_done = is_done && copy_bytes(from, to, chunk, at, facts.st_size) && fsync(to) == 0;
    free(chunk);
    return is_done;
}

enum sluice_status letters_remove(const char *path, const struct letter_ranges *ranges,
                                  struct sluice_error *error)
{
    struct text temporary = {0};
    if (ranges->count == 0)
        return SLUICE_OK;
    /* One name, so that a crash leaves one file at most, and the next time writes over it. */
    print_path(&temporary, path, "cleaned");
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = from < 0 ? -1
                      : open(text_get(&temporary), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool is_done = to >= 0 && copy_rest(from, to, ranges);
    int number = errno;
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    enum sluice_status status = SLUICE_OK;
    if (!is_done) {
        status = letters_fail(error, "take lines out of", path, number);
        if (to >= 0)
            unlink(text_get(&temporary));
    } else {
        fault_point("letters.copied");
        status = move_file(text_get(&temporary), path, error);
        fault_point("letters.removed");
    }
    text_reset(&temporary);
    return status;
}

enum sluice_status letters_sweep(const char *path, struct sluice_error *error)
{
    struct claim claim;
    bool is_valid = false;
    struct text file = {0};
    print_path(&file, path, "replayed");
    enum sluice_status status = read_decided(path, &claim, &is_valid, error);
    if (status == SLUICE_OK && is_valid)
        status = letters_remove(path, &claim.ranges, error);
    if (status == SLUICE_OK)
        status = move_file(text_get(&file), NULL, error);
    letter_ranges_reset(&claim.ranges);
    text_reset(&file);
    return status;
}
