/* SPDX-License-Identifier: Apache-2.0 */
/* The member folder: a static identity that one process at a time holds by a lock, which the
 * kernel gives back however the process ends. */
#include "checkpoint/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static bool is_member_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > 64 || name[0] == '.')
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = name[i];
        bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '.' || c == '_' || c == '-';
        if (!is_good)
            return false;
    }
    return true;
}

/* Takes the lock of one member. AGAIN: another process holds it. */
static enum sluice_status lock_member(const char *folder, const char *id, struct member *member,
                                      struct sluice_error *error)
{
    struct text path = {0};
    text_printf(&path, "%s/%s", folder, id);
    fault_point("member.take");
    enum sluice_status status = folder_create(text_get(&path), error);
    fault_point("member.created");
    int lock = -1;
    if (status == SLUICE_OK && !realpath(text_get(&path), member->path))
        status = error_set(error, SLUICE_FATAL, SLUICE_CODE_IO_ERROR,
                           "the member folder %s cannot be used: %s", text_get(&path),
                           strerror(errno));
    if (status == SLUICE_OK) {
        text_append(&path, "/lock");
        lock = open(text_get(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (lock < 0)
            status = error_set(error, SLUICE_FATAL,
                               errno == EACCES ? SLUICE_CODE_PERMISSION_DENIED
                                               : SLUICE_CODE_IO_ERROR,
                               "the lock file %s cannot be opened: %s", text_get(&path),
                               strerror(errno));
        else if (flock(lock, LOCK_EX | LOCK_NB) != 0)
            status = SLUICE_AGAIN;
    }
    if (status == SLUICE_OK) {
        snprintf(member->id, sizeof member->id, "%s", id);
        member->lock = lock;
        fault_point("member.taken");
    } else if (lock >= 0) {
        close(lock);
    }
    text_reset(&path);
    return status;
}

/* The first member folder that is free, so that a restart gets its identity back. */
static enum sluice_status lock_free_member(const char *folder, struct member *member,
                                           struct sluice_error *error)
{
    struct dirent **names = NULL;
    int count = scandir(folder, &names, NULL, alphasort);
    /* Taking a new identity instead would read everything again. */
    if (count < 0)
        return error_set(error, SLUICE_FATAL, SLUICE_CODE_IO_ERROR,
                         "the members' folder %s cannot be read: %s", folder, strerror(errno));
    enum sluice_status status = SLUICE_AGAIN;
    for (int i = 0; i < count; i++) {
        if (status == SLUICE_AGAIN && is_member_name(names[i]->d_name))
            status = lock_member(folder, names[i]->d_name, member, error);
        free(names[i]);
    }
    free(names);
    return status;
}

static enum sluice_status lock_new_member(const char *folder, struct member *member,
                                          struct sluice_error *error)
{
    char host[40] = "";
    char id[65];
    gethostname(host, sizeof host - 1);
    for (char *c = host; *c; c++)
        if (!is_member_name((char[]){*c == '.' ? '-' : *c, '\0'}))
            *c = '-';
    snprintf(id, sizeof id, "%s-%06llx", host[0] && host[0] != '.' ? host : "member",
             (unsigned long long)(random_seed() & 0xffffff));
    return lock_member(folder, id, member, error);
}

enum sluice_status member_check(const char *id, struct sluice_error *error)
{
    if (is_member_name(id))
        return SLUICE_OK;
    return error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                     "member id '%s' must be 1 to 64 letters, digits, '.', '_' or '-', and not "
                     "begin with a dot",
                     id);
}

enum sluice_status member_take(const char *pipeline_folder, const char *wanted,
                               struct member *member, struct sluice_error *error)
{
    *member = (struct member){.lock = -1};
    struct text folder = {0};
    text_printf(&folder, "%s/members", pipeline_folder);
    enum sluice_status status = folder_create(text_get(&folder), error);
    if (status == SLUICE_OK && wanted)
        status = member_check(wanted, error);
    if (status == SLUICE_OK && wanted) {
        status = lock_member(text_get(&folder), wanted, member, error);
        if (status == SLUICE_AGAIN)
            status = error_set(error, SLUICE_FATAL, SLUICE_CODE_CONFLICT,
                               "member '%s' is running already in another process: give each "
                               "process its own `member`",
                               wanted);
    } else if (status == SLUICE_OK) {
        status = lock_free_member(text_get(&folder), member, error);
        if (status == SLUICE_AGAIN)
            status = lock_new_member(text_get(&folder), member, error);
    }
    text_reset(&folder);
    return status;
}

void member_drop(struct member *member)
{
    if (member->lock >= 0)
        close(member->lock);
    member->lock = -1;
}
