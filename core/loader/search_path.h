/* SPDX-License-Identifier: Apache-2.0 */
/* The folders in which plugins are looked for, in order. Absolute, each once. */
#ifndef SLUICE_LOADER_SEARCH_PATH_H
#define SLUICE_LOADER_SEARCH_PATH_H

#include "base/base.h"

struct search_folder {
    const char *path;   /* real path where the folder exists, else absolute as named */
    const char *origin; /* who named it: "--plugin-path", … */
    bool exists;
};

struct search_path {
    size_t count;
    struct search_folder *folders;
};

/* extra_path: colon-separated, or NULL. False without memory. */
bool search_path_create(struct arena *arena, const char *extra_path, struct search_path *path);
/* "/a (--plugin-path), /b (install, does not exist)" */
void search_path_describe(const struct search_path *path, struct text *text);

#endif
