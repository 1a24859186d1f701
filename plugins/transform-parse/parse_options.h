/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_TRANSFORM_PARSE_OPTIONS_H
#define SLUICE_TRANSFORM_PARSE_OPTIONS_H

#include <sluice/options.h>
#include <sluice/transform.h>

struct parse_options {
    const struct sluice_codec_choice *format;
    const struct sluice_schema *schema;
    const char *column;
    struct sluice_strings keep;
};

extern const struct sluice_transform parse_transform;

#endif
