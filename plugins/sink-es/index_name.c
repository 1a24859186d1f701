/* SPDX-License-Identifier: Apache-2.0 */
/* Index names: the servers' rules. */
#include "index_name.h"

#include <string.h>

const char *index_name_fault(const char *bytes, size_t size)
{
    if (size == 0) {
        return "it is empty";
    }
    if (size > INDEX_NAME_LIMIT) {
        return "it is longer than 255 bytes";
    }
    if (strchr("-_+.", bytes[0])) {
        return "it starts with one of - _ + .";
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= 'A' && byte <= 'Z') {
            return "it has capital letters";
        }
        if (byte <= ' ' || byte == 0x7f || strchr("\\/*?\"<>|,#:", byte)) {
            return "it has a space or one of \\ / * ? \" < > | , # :";
        }
    }
    return NULL;
}
