/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_SINK_FILE_OPTIONS_H
#define SLUICE_SINK_FILE_OPTIONS_H

#include <sluice/options.h>
#include <sluice/sink.h>

enum file_mode { FILE_MODE_AUTO = 0, FILE_MODE_APPEND, FILE_MODE_REPLACE };

struct file_options {
    const char *path;
    const struct sluice_codec_choice *format;
    int mode;        /* enum file_mode */
    int compression; /* enum compression; AUTO: by the path's ending */
    int64_t level;
};

extern const struct sluice_sink file_sink;

#endif
