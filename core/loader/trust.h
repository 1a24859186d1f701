/* SPDX-License-Identifier: Apache-2.0 */
/* Whether anybody but root and us could have put a plugin file where it is. */
#ifndef SLUICE_LOADER_TRUST_H
#define SLUICE_LOADER_TRUST_H

#include "base/base.h"

/* `path` is absolute and may be a link: both the folders of the name and those of the file that it
 * leads to are looked at. CONFIG with code plugin_load and how to mend it, or why the file cannot
 * be read. */
enum sluice_status trust_check(const char *path, struct sluice_error *error);

#endif
