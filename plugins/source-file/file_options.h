/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_SOURCE_FILE_OPTIONS_H
#define SLUICE_SOURCE_FILE_OPTIONS_H

#include <sluice/options.h>
#include <sluice/source.h>

struct file_options {
    struct sluice_strings path;
    const struct sluice_codec_choice *format; /* NULL, with schema: raw lines */
    const struct sluice_schema *schema;
    int compression; /* enum compression */
    int64_t max_record_bytes;
};

extern const struct sluice_source file_source;

#endif
