/* SPDX-License-Identifier: Apache-2.0 */
/* Sorts one visitor's rows. They mostly come in order: insertion with a budget of moves, and a
 * merge sort for those who use it up. */
#include "session.h"

#include <string.h>

enum { MOVES_PER_ROW = 16 };

/* False when the budget ran out: the rows are then all there, partly sorted. `spare` holds the
 * row that is being moved. */
static bool insert_rows(const struct row_layout *layout, char *rows, char *spare, size_t count)
{
    size_t size = layout->row_size;
    size_t budget = count * MOVES_PER_ROW;
    for (size_t i = 1; i < count; i++) {
        char *row = rows + i * size;
        if (row_time(row - size) < row_time(row) || layout_compare(layout, row - size, row) <= 0)
            continue;
        size_t at = i - 1;
        while (at > 0 && layout_compare(layout, rows + (at - 1) * size, row) > 0)
            at--;
        if (i - at > budget)
            return false;
        budget -= i - at;
        memcpy(spare, row, size);
        memmove(rows + (at + 1) * size, rows + at * size, (i - at) * size);
        memcpy(rows + at * size, spare, size);
    }
    return true;
}

static void merge_runs(const struct row_layout *layout, const char *left, const char *middle,
                       const char *high, char *into)
{
    size_t size = layout->row_size;
    const char *right = middle;
    while (left < middle && right < high) {
        bool takes_left = layout_compare(layout, left, right) <= 0;
        memcpy(into, takes_left ? left : right, size);
        into += size;
        left += takes_left ? size : 0;
        right += takes_left ? 0 : size;
    }
    memcpy(into, left, (size_t)(middle - left));
    memcpy(into + (middle - left), right, (size_t)(high - right));
}

static void merge_sort(const struct row_layout *layout, char *rows, char *spare, size_t count)
{
    size_t size = layout->row_size;
    char *from = rows;
    char *into = spare;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t low = 0; low < count; low += 2 * width) {
            size_t middle = low + width < count ? low + width : count;
            size_t high = low + 2 * width < count ? low + 2 * width : count;
            merge_runs(layout, from + low * size, from + middle * size, from + high * size,
                       into + low * size);
        }
        char *other = from;
        from = into;
        into = other;
    }
    if (from != rows)
        memcpy(rows, from, count * size);
}

void sort_user_rows(const struct row_layout *layout, char *rows, char *spare, size_t count)
{
    if (count > 1 && !insert_rows(layout, rows, spare, count))
        merge_sort(layout, rows, spare, count);
}
