/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoint files and marks in a folder, which one process at a time holds by the member's
 * lock. */
#include "checkpoint/store.h"

#include "data/data.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char file_suffix[] = ".checkpoint";
static const char finished_suffix[] = ".finished"; /* a mark about one checkpoint */
/* A checkpoint larger than this is refused rather than read into memory. */
static const size_t checkpoint_limit_bytes = (size_t)4 << 30;

static void print_path(struct text *path, const char *folder, uint64_t number)
{
    text_printf(path, "%s/%020" PRIu64 "%s", folder, number, file_suffix);
}

/* Number before the suffix; 0 for any other name. */
static uint64_t number_before(const char *name, const char *suffix)
{
    int64_t number = 0;
    if (strlen(name) != 20 + strlen(suffix) || strcmp(name + 20, suffix) != 0 ||
        !parse_int64(name, 20, &number) || number < 0)
        return 0;
    return (uint64_t)number;
}

/* Number in a checkpoint's file name; 0 for any other name. */
static uint64_t number_of(const char *name)
{
    return number_before(name, file_suffix);
}

static enum sluice_status save(struct state_folder *in, const struct checkpoint *checkpoint,
                               struct sluice_error *error)
{
    const char *folder = text_get(&in->path);
    struct text path = {0};
    struct text bytes = {0};
    print_path(&path, folder, checkpoint->number);
    enum sluice_status status = folder_create(folder, error);
    if (status == SLUICE_OK)
        status = checkpoint_encode(checkpoint, &bytes, error);
    if (status == SLUICE_OK)
        status = file_replace(text_get(&path), bytes.data, bytes.size, error);
    text_reset(&path);
    text_reset(&bytes);
    return status;
}

static enum sluice_status fail_to_list(const char *folder, int number, struct sluice_error *error)
{
    enum sluice_code code = number == EACCES ? SLUICE_CODE_PERMISSION_DENIED
                                             : SLUICE_CODE_IO_ERROR;
    error_set(error, SLUICE_FATAL, code, "the checkpoint folder cannot be read: %s",
              strerror(number));
    error_set_field(error, SLUICE_AT_OBJECT, "%s", folder);
    return SLUICE_FATAL;
}

/* Calls `visit` with every file name of the folder; an absent folder is empty. */
static enum sluice_status walk(const char *folder, void (*visit)(void *user, const char *name),
                               void *user, struct sluice_error *error)
{
    DIR *directory = opendir(folder);
    if (!directory && errno == ENOENT)
        return SLUICE_OK;
    if (!directory)
        return fail_to_list(folder, errno, error);
    errno = 0;
    for (struct dirent *item = readdir(directory); item; item = readdir(directory)) {
        visit(user, item->d_name);
        errno = 0;
    }
    int number = errno;
    closedir(directory);
    return number == 0 ? SLUICE_OK : fail_to_list(folder, number, error);
}

static void keep_newest(void *user, const char *name)
{
    uint64_t *found = user;
    uint64_t number = number_of(name);
    if (number > *found)
        *found = number;
}

static enum sluice_status newest(const struct state_folder *in, uint64_t *number,
                                 struct sluice_error *error)
{
    *number = 0;
    return walk(text_get(&in->path), keep_newest, number, error);
}

/* An older checkpoint is no way out of a damaged one: what came after it is in the sinks already. */
static void say_what_to_do(const char *folder, const char *path, struct sluice_error *error)
{
    error_set_field(error, SLUICE_AT_OBJECT, "%s", path);
    if (error_code(error) == SLUICE_CODE_STATE_CORRUPT)
        error_add_cause(error,
                        "restore the file from a backup, or remove the folder %s to start the flow "
                        "over, which reads everything again",
                        folder);
}

static enum sluice_status decode(const struct text *bytes, uint64_t number,
                                 struct checkpoint **checkpoint, struct sluice_error *error)
{
    enum sluice_status status =
        checkpoint_decode(text_get(bytes), bytes->size, checkpoint, error);
    if (status != SLUICE_OK || (*checkpoint)->number == number)
        return status;
    checkpoint_destroy(*checkpoint);
    *checkpoint = NULL;
    return error_set(error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                     "the file holds another checkpoint than its name says");
}

static enum sluice_status load(const struct state_folder *in, uint64_t number,
                               struct checkpoint **checkpoint, struct sluice_error *error)
{
    *checkpoint = NULL;
    enum sluice_status status = SLUICE_OK;
    if (number == 0)
        status = newest(in, &number, error);
    if (status != SLUICE_OK || number == 0)
        return status;
    struct text path = {0};
    struct text bytes = {0};
    print_path(&path, text_get(&in->path), number);
    status = file_read_all(text_get(&path), checkpoint_limit_bytes, &bytes, error);
    if (status == SLUICE_OK) {
        status = decode(&bytes, number, checkpoint, error);
        if (status != SLUICE_OK)
            say_what_to_do(text_get(&in->path), text_get(&path), error);
    }
    text_reset(&path);
    text_reset(&bytes);
    return status;
}

struct prune {
    const char *folder;
    uint64_t oldest_kept;
    enum sluice_status status;
    struct sluice_error *error;
};

/* What a killed file_replace() left behind. */
static bool is_temporary(const char *name)
{
    size_t length = strlen(name);
    return name[0] == '.' && length > 4 && strcmp(name + length - 4, ".tmp") == 0;
}

static void remove_old(void *user, const char *name)
{
    struct prune *prune = user;
    uint64_t number = number_of(name);
    if (number == 0)
        number = number_before(name, finished_suffix);
    bool is_old = number != 0 && number < prune->oldest_kept;
    if (prune->status != SLUICE_OK || !(is_old || is_temporary(name)))
        return;
    struct text path = {0};
    text_printf(&path, "%s/%s", prune->folder, name);
    prune->status = file_remove(text_get(&path), prune->error);
    text_reset(&path);
}

static enum sluice_status prune_old(const struct state_folder *in, uint64_t number, uint64_t spare,
                                    struct sluice_error *error)
{
    uint64_t oldest = number > spare ? number - spare : 1;
    struct prune prune = {text_get(&in->path), oldest, SLUICE_OK, error};
    enum sluice_status status = walk(prune.folder, remove_old, &prune, error);
    return status != SLUICE_OK ? status : prune.status;
}

/* A number that a damaged disk has changed must not pass for another one: it could say that output
 * is visible which is not. */
static void print_mark(struct text *line, const char *name, uint64_t number)
{
    struct text hashed = {0};
    text_printf(&hashed, "%s %" PRIu64, name, number);
    text_printf(line, "%" PRIu64 " %016" PRIx64 "\n", number,
                hash_bytes(text_get(&hashed), hashed.size));
    line->has_failed = line->has_failed || hashed.has_failed;
    text_reset(&hashed);
}

static enum sluice_status parse_mark(const struct text *content, const char *name,
                                     uint64_t *number, struct sluice_error *error)
{
    const char *bytes = text_get(content);
    struct text line = {0};
    int64_t value = 0;
    bool is_number = parse_int64(bytes, strcspn(bytes, " "), &value) && value >= 0;
    if (is_number)
        print_mark(&line, name, (uint64_t)value);
    bool has_failed = line.has_failed;
    bool is_whole = is_number && line.size == content->size &&
                    memcmp(text_get(&line), bytes, line.size) == 0;
    text_reset(&line);
    if (is_whole && !has_failed) {
        *number = (uint64_t)value;
        return SLUICE_OK;
    }
    return has_failed ? error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                                  "no memory to read a mark")
                      : error_set(error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                                  "the mark does not match its checksum: the file is damaged; "
                                  "restore it from a backup, or remove it: what it would have said "
                                  "is then looked up at the sinks");
}

static enum sluice_status read_mark(const struct state_folder *in, const char *name,
                                    uint64_t *number, struct sluice_error *error)
{
    *number = 0;
    struct text path = {0};
    struct text content = {0};
    text_printf(&path, "%s/%s", text_get(&in->path), name);
    enum sluice_status status = file_read_all(text_get(&path), 64, &content, error);
    if (status != SLUICE_OK && error_code(error) == SLUICE_CODE_NOT_FOUND) {
        error_reset(error);
        status = SLUICE_OK;
    } else if (status == SLUICE_OK) {
        status = parse_mark(&content, name, number, error);
        if (status != SLUICE_OK)
            error_set_field(error, SLUICE_AT_OBJECT, "%s", text_get(&path));
    }
    text_reset(&path);
    text_reset(&content);
    return status;
}

static enum sluice_status write_mark(const struct state_folder *in, const char *name,
                                     uint64_t number, struct sluice_error *error)
{
    const char *folder = text_get(&in->path);
    struct text path = {0};
    struct text line = {0};
    text_printf(&path, "%s/%s", folder, name);
    print_mark(&line, name, number);
    enum sluice_status status =
        line.has_failed || path.has_failed
            ? error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY, "no memory for a mark")
            : folder_create(folder, error);
    if (status == SLUICE_OK)
        status = file_replace(text_get(&path), line.data, line.size, error);
    text_reset(&path);
    text_reset(&line);
    return status;
}

static const char drawn_mark[] = "attempted";

static enum sluice_status draw(struct state_folder *in, uint64_t least, uint64_t *number,
                               struct sluice_error *error)
{
    uint64_t drawn = 0;
    enum sluice_status status = read_mark(in, drawn_mark, &drawn, error);
    *number = drawn + 1 > least ? drawn + 1 : least;
    return status == SLUICE_OK ? write_mark(in, drawn_mark, *number, error) : status;
}

static enum sluice_status claim(struct state_folder *in, struct checkpoint **checkpoint,
                                struct sluice_error *error)
{
    return load(in, 0, checkpoint, error); /* the member's lock keeps others away */
}

static enum sluice_status confirm(struct state_folder *in, struct sluice_error *error)
{
    (void)in, (void)error;
    return SLUICE_OK;
}

static uint64_t next(const struct state_folder *in, uint64_t number)
{
    (void)in;
    return number + 1;
}

static void describe(const struct state_folder *in, struct text *text)
{
    text_append(text, text_get(&in->path));
}

static const struct state_store_kind files_kind = {.claim = claim,
                                                   .confirm = confirm,
                                                   .next = next,
                                                   .save = save,
                                                   .load = load,
                                                   .newest = newest,
                                                   .prune = prune_old,
                                                   .draw = draw,
                                                   .read_mark = read_mark,
                                                   .write_mark = write_mark,
                                                   .describe = describe};

struct state_store *state_store_files(void)
{
    /* Holds nothing but its kind: shared by all, never written. */
    static const struct state_store files = {&files_kind};
    return (struct state_store *)(uintptr_t)&files;
}
