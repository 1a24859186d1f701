/* SPDX-License-Identifier: Apache-2.0 */
/* Opening plugin files. The only part that knows libltdl. Main thread only. */
#ifndef SLUICE_LOADER_SHARED_OBJECT_H
#define SLUICE_LOADER_SHARED_OBJECT_H

#include "base/base.h"

#include <sluice/plugin.h>

/* Before the first open; further calls do nothing. There is no end: plugins stay for the life of
 * the process, and libltdl would only forget the handles of resident ones. */
enum sluice_status shared_object_begin(struct sluice_error *error);

/* Opens a file by its real path and finds its entry point. The file stays loaded until the process
 * ends. CONFIG with code plugin_load and the true reason. */
enum sluice_status shared_object_open(const char *path, sluice_plugin_describe_function *describe,
                                      struct sluice_error *error);

#endif
