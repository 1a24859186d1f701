/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SLUICE_SINK_ES_JSON_TEXT_H
#define SLUICE_SINK_ES_JSON_TEXT_H

#include <sluice/types.h>

/* An escaped byte takes at most this many, and snprintf's NUL one more behind the text. */
#define JSON_ESCAPED_SIZE 6

/* Appends the string as it stands between the quotes of a JSON string. The buffer must have room
 * for JSON_ESCAPED_SIZE * string.size + 1 bytes. */
void json_put_escaped(struct sluice_buffer *buffer, struct sluice_string string);

#endif
