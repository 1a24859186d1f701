/* SPDX-License-Identifier: Apache-2.0 */
#include "embedded/staged.h"

#include "embedded/folders.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- names ---- */

/* Appends a part of the writer's name so that no two writers share one and none leaves the folder:
 * all but letters, digits, - and _ as %XX. */
static enum sluice_status append_name(const struct sluice_host *host, struct sluice_buffer *name,
                                      const char *part)
{
    if (sluice_buffer_reserve(host, name, strlen(part) * 3 + 2) != SLUICE_OK) {
        return SLUICE_FATAL;
    }
    if (name->size > 0) {
        name->data[name->size++] = '.';
    }
    for (; *part; part++) {
        unsigned char byte = (unsigned char)*part;
        bool is_plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                        (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
        if (is_plain) {
            name->data[name->size++] = (char)byte;
        } else {
            snprintf(name->data + name->size, 4, "%%%02X", byte);
            name->size += 3;
        }
    }
    name->data[name->size] = '\0';
    return SLUICE_OK;
}

enum sluice_status staged_writer(const struct sluice_host *host, const char *staged,
                                 const char *member, struct sluice_buffer *path,
                                 struct sluice_error *error)
{
    const struct sluice_run *run = sluice_this_run(host);
    struct sluice_buffer name = {0};
    enum sluice_status status = append_name(host, &name, run->flow);
    if (status == SLUICE_OK) {
        status = append_name(host, &name, run->step);
    }
    if (status == SLUICE_OK) {
        status = append_name(host, &name, member);
    }
    if (status == SLUICE_OK) {
        const char *const parts[] = {staged, name.data, NULL};
        status = path_join(host, path, parts, error);
    } else {
        sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                    "no memory for a file name");
    }
    sluice_buffer_free(host, &name);
    return status;
}

enum sluice_status staged_checkpoint(const struct sluice_host *host, const char *writer,
                                     uint64_t checkpoint, struct sluice_buffer *path,
                                     struct sluice_error *error)
{
    char number[24];
    snprintf(number, sizeof(number), "%" PRIu64, checkpoint);
    const char *const parts[] = {writer, number, NULL};
    return path_join(host, path, parts, error);
}

/* ---- what happens to a folder ---- */

struct staged_walk {
    const struct sluice_host *host;
    const char *from;
    const char *to; /* of files that are published */
};

static enum sluice_status publish_file(void *user_data, const char *name,
                                       struct sluice_error *error)
{
    const struct staged_walk *walk = user_data;
    struct sluice_buffer from = {0};
    struct sluice_buffer to = {0};
    const char *const from_parts[] = {walk->from, name, NULL};
    const char *const to_parts[] = {walk->to, name, NULL};
    enum sluice_status status = path_join(walk->host, &from, from_parts, error);
    if (status == SLUICE_OK) {
        status = path_join(walk->host, &to, to_parts, error);
    }
    if (status == SLUICE_OK && rename(from.data, to.data) != 0 && errno != ENOENT) {
        status = fail_path(walk->host, error, "cannot replace the index file", to.data);
    }
    sluice_buffer_free(walk->host, &from);
    sluice_buffer_free(walk->host, &to);
    return status;
}

enum sluice_status staged_publish(const struct sluice_host *host, const char *writer,
                                  uint64_t checkpoint, const char *folder,
                                  struct sluice_error *error)
{
    struct sluice_buffer from = {0};
    enum sluice_status status = staged_checkpoint(host, writer, checkpoint, &from, error);
    struct staged_walk walk = {host, from.data, folder};
    if (status == SLUICE_OK && access(from.data, F_OK) == 0) {
        status = walk_folder(host, from.data, publish_file, &walk, error);
        if (status == SLUICE_OK) {
            status = sync_folder(host, folder, error);
        }
        if (status == SLUICE_OK) {
            status = remove_folder(host, from.data, error);
        }
    }
    sluice_buffer_free(host, &from);
    return status;
}

static enum sluice_status drop_staged(void *user_data, const char *name, struct sluice_error *error)
{
    const struct staged_walk *walk = user_data;
    if (strcmp(name, STAGED_SPOOL) == 0) {
        return SLUICE_OK;
    }
    struct sluice_buffer path = {0};
    const char *const parts[] = {walk->from, name, NULL};
    enum sluice_status status = path_join(walk->host, &path, parts, error);
    if (status == SLUICE_OK) {
        status = remove_folder(walk->host, path.data, error);
    }
    sluice_buffer_free(walk->host, &path);
    return status;
}

enum sluice_status staged_drop(const struct sluice_host *host, const char *writer,
                               struct sluice_error *error)
{
    struct staged_walk walk = {.host = host, .from = writer};
    return walk_folder(host, writer, drop_staged, &walk, error);
}
