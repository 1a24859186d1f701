/* SPDX-License-Identifier: Apache-2.0 */
/* Folders and paths of the embedded index. Paths are NUL-terminated buffers. */
#ifndef SLUICE_SINK_ES_FOLDERS_H
#define SLUICE_SINK_ES_FOLDERS_H

#include <sluice/service.h>

/* Sets path to the parts, joined by slashes; parts ends with NULL. FATAL without memory. */
enum sluice_status path_join(const struct sluice_host *host, struct sluice_buffer *path,
                             const char *const *parts, struct sluice_error *error);

enum sluice_status fail_path(const struct sluice_host *host, struct sluice_error *error,
                             const char *what, const char *path);
enum sluice_status make_folder(const struct sluice_host *host, const char *path,
                               struct sluice_error *error); /* as mkdir -p */
enum sluice_status sync_folder(const struct sluice_host *host, const char *path,
                               struct sluice_error *error);
/* Removes the files in the folder and the folder; an absent one is fine. */
enum sluice_status remove_folder(const struct sluice_host *host, const char *path,
                                 struct sluice_error *error);
/* Removes the files in the folder as far as that goes; false where it could not be listed. */
bool empty_folder(const char *path);
/* Calls `each` with every name but . and .. until it answers other than OK; an absent folder has
 * no names. */
enum sluice_status walk_folder(const struct sluice_host *host, const char *path,
                               enum sluice_status (*each)(void *user_data, const char *name,
                                                          struct sluice_error *error),
                               void *user_data, struct sluice_error *error);

#endif
