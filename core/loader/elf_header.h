/* SPDX-License-Identifier: Apache-2.0 */
/* The dynamic loader's own words for a foreign, empty or cut-off file are wrong or none, and a
 * file that is shorter than its headers say would crash us when its pages are touched. So the
 * headers are read first. */
#ifndef SLUICE_LOADER_ELF_HEADER_H
#define SLUICE_LOADER_ELF_HEADER_H

#include "base/base.h"

/* OK: a whole shared object for this machine, as far as its headers tell. */
enum sluice_status elf_header_check(const char *path, struct sluice_error *error);

#endif
