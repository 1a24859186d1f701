/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of names, and how messages speak of them. */
#include "pipeline/options/options.h"

#include <string.h>

bool names_has(const struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->items[i], name) == 0)
            return true;
    }
    return false;
}

bool names_add(struct arena *arena, struct names *names, const char *name)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? names->capacity * 2 : 8;
        const char **items = arena_alloc(arena, capacity * sizeof(const char *));
        if (!items)
            return false;
        if (names->count)
            memcpy(items, names->items, names->count * sizeof(const char *));
        names->items = items;
        names->capacity = capacity;
    }
    names->items[names->count++] = name;
    return true;
}

const char *did_you_mean(struct arena *arena, const char *wanted, const char *const *names,
                         size_t count)
{
    const char *nearest = nearest_name(wanted, names, count);
    const char *hint = nearest ? arena_print(arena, "; did you mean `%s`?", nearest) : "";
    return hint ? hint : "";
}

const char *list_names(struct arena *arena, const char *const *names, size_t count, size_t most)
{
    struct text list = {0};
    size_t shown = count < most ? count : most;
    for (size_t i = 0; i < shown; i++) {
        if (i > 0)
            text_append(&list, i + 1 == shown && shown == count ? " or " : ", ");
        text_printf(&list, "`%s`", names[i]);
    }
    if (shown < count)
        text_printf(&list, " … (%zu in all)", count);
    char *copy = arena_copy(arena, text_get(&list), list.size);
    text_reset(&list);
    return copy ? copy : "";
}
