/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin files of a search path, each loaded at most once whatever its spellings. */
#ifndef SLUICE_LOADER_PLUGIN_FILE_H
#define SLUICE_LOADER_PLUGIN_FILE_H

#include "loader/loader.h"
#include "loader/search_path.h"

struct plugin_file {
    const char *path; /* as found: folder and file name */
    const char *real; /* without links; what is loaded */
    const char *stem; /* "sluice-STEM.so" */
    size_t folder;    /* index in the search path */
    struct component *components;
    size_t component_count;
    struct sluice_error *error; /* why it is not loaded; NULL where it is */
    struct plugin_file *next;
};

struct plugin_files {
    struct arena *arena;
    struct plugin_file *first; /* in the order of loading */
};

/* Whether the folder has a file (or anything else) sluice-STEM.so. */
bool plugin_file_exists(const struct search_folder *folder, const char *stem);

/* Loads sluice-STEM.so of a folder, or gives what an earlier call loaded. A file that cannot be
 * loaded is an entry with its error, too: OK says nothing about that. FATAL: no memory. */
enum sluice_status plugin_file_load(struct plugin_files *files, const struct search_path *path,
                                    size_t folder, const char *stem, struct plugin_file **file,
                                    struct sluice_error *error);

/* Loads every sluice-*.so of a folder, in the order of their names. */
enum sluice_status plugin_file_load_all(struct plugin_files *files, const struct search_path *path,
                                        size_t folder, struct sluice_error *error);

void plugin_files_reset(struct plugin_files *files);

#endif
