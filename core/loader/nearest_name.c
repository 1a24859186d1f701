/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": Damerau-Levenshtein distance (insert, delete, replace, swap of neighbours). */
#include <ctype.h>
#include <string.h>

#include "loader/loader.h"

enum { NAME_SIZE_MAX = 64 };

static size_t least(size_t one, size_t other)
{
    return one < other ? one : other;
}

static bool is_same(char one, char other)
{
    return tolower((unsigned char)one) == tolower((unsigned char)other);
}

/* Distance of two names of at most NAME_SIZE_MAX bytes; case does not count. Three rows of the
 * usual matrix are enough, as a swap looks two rows back. */
static size_t measure_distance(const char *one, size_t one_size, const char *other,
                               size_t other_size)
{
    size_t rows[3][NAME_SIZE_MAX + 1];
    for (size_t column = 0; column <= other_size; column++) {
        rows[0][column] = column;
    }
    for (size_t row = 1; row <= one_size; row++) {
        size_t *now = rows[row % 3];
        const size_t *above = rows[(row - 1) % 3];
        now[0] = row;
        for (size_t column = 1; column <= other_size; column++) {
            size_t replaced = above[column - 1] + !is_same(one[row - 1], other[column - 1]);
            now[column] = least(replaced, least(above[column], now[column - 1]) + 1);
            bool is_swap = row > 1 && column > 1 && is_same(one[row - 1], other[column - 2]) &&
                           is_same(one[row - 2], other[column - 1]);
            if (is_swap) {
                now[column] = least(now[column], rows[(row - 2) % 3][column - 2] + 1);
            }
        }
    }
    return rows[one_size % 3][other_size];
}

const char *nearest_name(const char *wanted, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t nearest_distance = 0;
    size_t wanted_size = strlen(wanted);
    if (wanted_size > NAME_SIZE_MAX) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(names[i]);
        if (size > NAME_SIZE_MAX) {
            continue;
        }
        size_t distance = measure_distance(wanted, wanted_size, names[i], size);
        size_t longer = wanted_size > size ? wanted_size : size;
        if (distance <= longer / 3 && (!nearest || distance < nearest_distance)) {
            nearest = names[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}
