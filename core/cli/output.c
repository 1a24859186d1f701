/* SPDX-License-Identifier: Apache-2.0 */
/* Results to standard output, complaints to standard error. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

void complain(const char *format, ...)
{
    struct text line = {0};
    va_list arguments;
    va_start(arguments, format);
    text_append(&line, "sluice: ");
    text_printf_list(&line, format, arguments);
    text_append_char(&line, '\n');
    va_end(arguments);
    fputs(line.has_failed ? "sluice: no memory left, not even to say what for\n" : text_get(&line),
          stderr);
    text_reset(&line);
}

void complain_error(const struct sluice_error *error)
{
    struct text line = {0};
    error_format(error, &line);
    complain("%s", line.has_failed ? error_code_meaning(error_code(error)) : text_get(&line));
    text_reset(&line);
}

bool print_result(const struct text *text)
{
    if (text->has_failed) {
        complain("no memory for the output");
        return false;
    }
    bool is_written = fwrite(text_get(text), 1, text->size, stdout) == text->size;
    if (!is_written || fflush(stdout) != 0) {
        /* Whoever reads through `head` wants no complaint. */
        if (errno != EPIPE) {
            complain("writing the output failed: %s", strerror(errno));
        }
        return false;
    }
    return true;
}

bool is_coloured(int descriptor)
{
    const char *no_colour = getenv("NO_COLOR");
    return isatty(descriptor) && !(no_colour && *no_colour);
}

enum exit_code exit_code_of(enum sluice_status status)
{
    if (status == SLUICE_OK) {
        return EXIT_DONE;
    }
    return status == SLUICE_CONFIG ? EXIT_CONFIG : EXIT_FAILED;
}
