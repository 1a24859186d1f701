/* SPDX-License-Identifier: Apache-2.0 */
/* sluice version: this program, the plugin ABI, and the libraries that it has loaded. */
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include <sluice/plugin.h>

#include "cli/cli.h"

/* The file that the dynamic loader took: its full name carries the library's version. */
static int describe_library(struct dl_phdr_info *library, size_t size, void *user)
{
    struct text *text = user;
    char real[PATH_MAX];
    (void)size;
    /* The program itself has no name here, the kernel's page no path. */
    if (library->dlpi_name[0] == '/' && realpath(library->dlpi_name, real)) {
        text_printf(text, "  %s\n", strrchr(real, '/') + 1);
    }
    return 0;
}

static enum exit_code print_version(const struct arguments *arguments)
{
    (void)arguments;
    struct text text = {0};
    text_printf(&text, "sluice %s\nplugin ABI %d.%d\nlibraries:\n", SLUICE_VERSION,
                SLUICE_ABI_MAJOR, SLUICE_ABI_MINOR);
    dl_iterate_phdr(describe_library, &text);
    bool is_printed = print_result(&text);
    text_reset(&text);
    return is_printed ? EXIT_DONE : EXIT_FAILED;
}

const struct verb verb_version = {
    .name = "version",
    .operands = "",
    .summary = "Print the version, the plugin ABI and the libraries in use.",
    .act = print_version,
};
