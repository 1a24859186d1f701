/* SPDX-License-Identifier: Apache-2.0 */
/* Record headers as one JSON object: {"trace":"abc","empty":null,"raw":{"base64":"/w=="}}. A value
 * that is not UTF-8 goes as base64, a name that occurs more than once has an array of its values
 * in order. Pure. */
#ifndef SOURCE_KAFKA_HEADERS_H
#define SOURCE_KAFKA_HEADERS_H

#include <sluice/plugin.h>

struct header {
    const char *name;  /* NUL-terminated */
    const char *value; /* NULL: null */
    size_t size;
};

/* Appends the object. FATAL when memory is out. */
enum sluice_status headers_write(const struct sluice_host *host, const struct header *headers,
                                 size_t count, struct sluice_buffer *json);

#endif
