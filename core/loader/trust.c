/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin runs with all our rights, so nobody else may have been able to place or change it. */
#include "loader/trust.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum sluice_status refuse_unreadable(const char *path, struct sluice_error *error)
{
    return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD, "plugin %s cannot be read: %s",
                     path, strerror(errno));
}

static enum sluice_status check_file(const char *path, struct sluice_error *error)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return refuse_unreadable(path, error);
    }
    if (!S_ISREG(status.st_mode)) {
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                         "plugin %s is %s, not a shared object", path,
                         S_ISDIR(status.st_mode) ? "a folder" : "not a regular file");
    }
    if (status.st_mode & S_IWOTH) {
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                         "plugin %s is not loaded because everybody may write to it: "
                         "chmod o-w %s",
                         path, path);
    }
    return SLUICE_OK;
}

/* In a sticky folder everybody may add files, but replace only his own. */
static enum sluice_status check_owner(const char *plugin, const char *path, const char *folder,
                                      struct sluice_error *error)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        return refuse_unreadable(path, error);
    }
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                         "plugin %s is not loaded because %s belongs to another user (uid %u) and "
                         "lies in %s, where everybody may put files: move it to a folder of yours",
                         plugin, path, (unsigned)status.st_uid, folder);
    }
    return SLUICE_OK;
}

/* `entry`, a name without links before its last part, and every folder above it. */
static enum sluice_status check_folders(const char *entry, struct sluice_error *error)
{
    char folder[PATH_MAX];
    char below[PATH_MAX];
    size_t size = strlen(entry);
    memcpy(below, entry, size + 1);
    while (size > 1) {
        memcpy(folder, below, size + 1);
        size_t slash = (size_t)(strrchr(folder, '/') - folder);
        size = slash > 0 ? slash : 1;
        folder[size] = '\0';

        struct stat status;
        if (stat(folder, &status) != 0) {
            return refuse_unreadable(folder, error);
        }
        if ((status.st_mode & S_IWOTH) && !(status.st_mode & S_ISVTX)) {
            return error_set(error, SLUICE_CONFIG, SLUICE_CODE_PLUGIN_LOAD,
                             "plugin %s is not loaded because everybody may replace files in the "
                             "folder %s: chmod o-w %s",
                             entry, folder, folder);
        }
        if ((status.st_mode & S_IWOTH) && check_owner(entry, below, folder, error) != SLUICE_OK) {
            return error_status(error);
        }
        memcpy(below, folder, size + 1);
    }
    return SLUICE_OK;
}

/* The file name itself may be a link; the folders before it are resolved. */
static bool resolve_folder(const char *path, char entry[PATH_MAX])
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t size = (size_t)(slash - path);
    if (size + 1 >= sizeof folder) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(folder, path, size + 1);
    folder[size > 0 ? size : 1] = '\0';
    if (!realpath(folder, entry)) {
        return false;
    }
    size_t resolved = strlen(entry) > 1 ? strlen(entry) : 0;
    if (resolved + strlen(slash) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(entry + resolved, slash, strlen(slash) + 1);
    return true;
}

enum sluice_status trust_check(const char *path, struct sluice_error *error)
{
    char target[PATH_MAX];
    char entry[PATH_MAX];
    if (!realpath(path, target) || !resolve_folder(path, entry)) {
        return refuse_unreadable(path, error);
    }
    enum sluice_status status = check_file(target, error);
    if (status == SLUICE_OK) {
        status = check_folders(target, error);
    }
    if (status == SLUICE_OK && strcmp(entry, target) != 0) {
        status = check_folders(entry, error);
    }
    return status;
}
