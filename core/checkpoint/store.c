/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoint files and marks in the folder of one flow and member. */
#include "checkpoint/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char file_suffix[] = ".checkpoint";
/* A checkpoint larger than this is refused rather than read into memory. */
static const size_t checkpoint_limit_bytes = (size_t)4 << 30;

static void print_path(struct text *path, const char *folder, uint64_t number)
{
    text_printf(path, "%s/%020" PRIu64 "%s", folder, number, file_suffix);
}

/* Number in a checkpoint's file name; 0 for any other name. */
static uint64_t number_of(const char *name)
{
    size_t length = strlen(name);
    size_t suffix = sizeof file_suffix - 1;
    int64_t number = 0;
    if (length != 20 + suffix || strcmp(name + 20, file_suffix) != 0 ||
        !parse_int64(name, 20, &number) || number < 0)
        return 0;
    return (uint64_t)number;
}

enum sluice_status store_save(const char *folder, const struct checkpoint *checkpoint,
                              struct sluice_error *error)
{
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

/* Calls `visit` with every file name of the folder; an absent folder is empty. */
static enum sluice_status walk(const char *folder, void (*visit)(void *user, const char *name),
                               void *user, struct sluice_error *error)
{
    DIR *directory = opendir(folder);
    if (!directory && errno == ENOENT)
        return SLUICE_OK;
    if (!directory) {
        enum sluice_status status = error_set(
            error, SLUICE_FATAL, errno == EACCES ? SLUICE_CODE_PERMISSION_DENIED : SLUICE_CODE_IO_ERROR,
            "the checkpoint folder cannot be read: %s", strerror(errno));
        error_set_field(error, SLUICE_AT_OBJECT, "%s", folder);
        return status;
    }
    for (struct dirent *item = readdir(directory); item; item = readdir(directory))
        visit(user, item->d_name);
    closedir(directory);
    return SLUICE_OK;
}

static void keep_newest(void *user, const char *name)
{
    uint64_t *newest = user;
    uint64_t number = number_of(name);
    if (number > *newest)
        *newest = number;
}

enum sluice_status store_newest(const char *folder, uint64_t *number, struct sluice_error *error)
{
    *number = 0;
    return walk(folder, keep_newest, number, error);
}

enum sluice_status store_load(const char *folder, uint64_t number,
                              struct checkpoint **checkpoint, struct sluice_error *error)
{
    *checkpoint = NULL;
    enum sluice_status status = SLUICE_OK;
    if (number == 0)
        status = store_newest(folder, &number, error);
    if (status != SLUICE_OK || number == 0)
        return status;
    struct text path = {0};
    struct text bytes = {0};
    print_path(&path, folder, number);
    status = file_read_all(text_get(&path), checkpoint_limit_bytes, &bytes, error);
    if (status == SLUICE_OK) {
        status = checkpoint_decode(text_get(&bytes), bytes.size, checkpoint, error);
        if (status != SLUICE_OK)
            error_set_field(error, SLUICE_AT_OBJECT, "%s", text_get(&path));
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
    bool is_old = number != 0 && number < prune->oldest_kept;
    if (prune->status != SLUICE_OK || !(is_old || is_temporary(name)))
        return;
    struct text path = {0};
    text_printf(&path, "%s/%s", prune->folder, name);
    prune->status = file_remove(text_get(&path), prune->error);
    text_reset(&path);
}

enum sluice_status store_prune(const char *folder, uint64_t oldest_kept,
                               struct sluice_error *error)
{
    struct prune prune = {folder, oldest_kept, SLUICE_OK, error};
    enum sluice_status status = walk(folder, remove_old, &prune, error);
    return status != SLUICE_OK ? status : prune.status;
}

enum sluice_status store_read_mark(const char *folder, const char *name, uint64_t *number,
                                   struct sluice_error *error)
{
    *number = 0;
    struct text path = {0};
    struct text content = {0};
    text_printf(&path, "%s/%s", folder, name);
    enum sluice_status status = file_read_all(text_get(&path), 64, &content, error);
    if (status != SLUICE_OK && error_code(error) == SLUICE_CODE_NOT_FOUND) {
        error_reset(error);
        status = SLUICE_OK;
    } else if (status == SLUICE_OK) {
        size_t size = content.size;
        int64_t value = 0;
        if (size && content.data[size - 1] == '\n')
            size--;
        if (parse_int64(text_get(&content), size, &value) && value >= 0) {
            *number = (uint64_t)value;
        } else {
            status = error_set(error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                               "the state file does not hold a number: it is damaged");
            error_set_field(error, SLUICE_AT_OBJECT, "%s", text_get(&path));
        }
    }
    text_reset(&path);
    text_reset(&content);
    return status;
}

enum sluice_status store_write_mark(const char *folder, const char *name, uint64_t number,
                                    struct sluice_error *error)
{
    struct text path = {0};
    char line[32];
    text_printf(&path, "%s/%s", folder, name);
    int size = snprintf(line, sizeof line, "%" PRIu64 "\n", number);
    enum sluice_status status = folder_create(folder, error);
    if (status == SLUICE_OK)
        status = file_replace(text_get(&path), line, (size_t)size, error);
    text_reset(&path);
    return status;
}
