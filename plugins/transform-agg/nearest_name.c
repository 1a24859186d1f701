/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean" for what stands inside an expression, which only this plugin can read. The core
 * has the same for options and columns that it checks itself, but hands no such service to plugins
 * and a plugin includes nothing of the core. */
#include "agg.h"

#include <string.h>

enum { LONGEST = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t edit_distance(const char *one, size_t one_size, const char *other, size_t other_size)
{
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= other_size; j++)
        row[j] = j;
    for (size_t i = 1; i <= one_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= other_size; j++) {
            size_t above = row[j];
            size_t change = diagonal + (one[i - 1] != other[j - 1]);
            row[j] = least(change, least(above, row[j - 1]) + 1);
            diagonal = above;
        }
    }
    return row[other_size];
}

const char *nearest_name(const char *name, size_t size, const char *const *candidates, size_t count)
{
    const char *nearest = NULL;
    size_t nearest_distance = size / 3 + 2;
    for (size_t i = 0; i < count; i++) {
        size_t other_size = strlen(candidates[i]);
        if (size > LONGEST || other_size > LONGEST)
            continue;
        size_t distance = edit_distance(name, size, candidates[i], other_size);
        if (distance < nearest_distance) {
            nearest = candidates[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}
