/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that goes all at once, cut from a list of blocks. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 8192 - 64 };

struct block {
    struct block *next;
    size_t used;
    size_t size;
    max_align_t bytes[];
};

struct arena {
    struct block *newest;
};

struct arena *arena_create(void)
{
    return calloc(1, sizeof(struct arena));
}

void arena_destroy(struct arena *arena)
{
    if (!arena) {
        return;
    }
    while (arena->newest) {
        struct block *block = arena->newest;
        arena->newest = block->next;
        free(block);
    }
    free(arena);
}

static struct block *add_block(struct arena *arena, size_t size)
{
    size_t block_size = size > BLOCK_SIZE ? size : BLOCK_SIZE;
    struct block *block = calloc(1, sizeof(*block) + block_size);
    if (!block) {
        return NULL;
    }
    block->size = block_size;
    block->next = arena->newest;
    arena->newest = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t alignment = _Alignof(max_align_t);
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + alignment - 1) / alignment * alignment;
    struct block *block = arena->newest;
    if (!block || block->size - block->used < size) {
        block = add_block(arena, size);
        if (!block) {
            return NULL;
        }
    }
    void *memory = (char *)block->bytes + block->used;
    block->used += size;
    return memory;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t size)
{
    char *copy = size < SIZE_MAX ? arena_alloc(arena, size + 1) : NULL;
    if (copy && size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    struct text text = {0};
    text_printf_list(&text, format, arguments);
    va_end(arguments);
    char *copy = text.has_failed ? NULL : arena_copy(arena, text_get(&text), text.size);
    text_reset(&text);
    return copy;
}
