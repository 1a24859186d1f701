/* SPDX-License-Identifier: Apache-2.0 */
/* Strings as JSON writes them. */
#ifndef SLUICE_CODEC_JSON_STRING_TEXT_H
#define SLUICE_CODEC_JSON_STRING_TEXT_H

#include "records/byte_block.h"

#include <sluice/types.h>

/* Room that json_put_string needs: every byte escaped, the quotes, and a block beyond. */
static inline size_t json_string_room(size_t size)
{
    return size * 6 + 2 + BLOCK;
}

/* Writes the string with its quotes to `to` and returns where it ends; bytes behind that are
 * overwritten, too, within the room. `is_padded` is that of the string's column. */
char *json_put_string(char *to, struct sluice_string string, bool is_padded);

#endif
