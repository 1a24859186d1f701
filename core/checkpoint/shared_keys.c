/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of checkpoints and marks in the folder of one flow and member. */
#include "checkpoint/shared.h"

#include <inttypes.h>
#include <string.h>

static const char suffix[] = ".checkpoint";

void shared_print_key(struct text *key, const struct state_folder *folder, uint64_t number)
{
    text_clear(key);
    text_printf(key, "%s/%0*" PRIu64 "%s", text_get(&folder->path), SHARED_DIGITS, number, suffix);
}

static uint64_t parse_number(const char *digits)
{
    int64_t number = 0;
    return parse_int64(digits, SHARED_DIGITS, &number) && number > 0 ? (uint64_t)number : 0;
}

/* The key's name in the folder; "" where it is not in there. */
static const char *name_of(const struct state_folder *folder, const char *key)
{
    size_t size = folder->path.size;
    bool is_inside = strncmp(key, text_get(&folder->path), size) == 0 && key[size] == '/';
    return is_inside ? key + size + 1 : "";
}

/* Number that a name begins with ("00000000000000000007.checkpoint"); 0 for any other key. */
uint64_t shared_leading_number(const struct state_folder *folder, const char *key)
{
    const char *name = name_of(folder, key);
    return strlen(name) > SHARED_DIGITS && name[SHARED_DIGITS] == '.' ? parse_number(name) : 0;
}

/* Number of a checkpoint's key; 0 for any other key. */
uint64_t shared_checkpoint_of(const struct state_folder *folder, const char *key)
{
    uint64_t number = shared_leading_number(folder, key);
    return number > 0 && strcmp(name_of(folder, key) + SHARED_DIGITS, suffix) == 0 ? number : 0;
}

/* Number of a mark's key; 0 for any other key. */
uint64_t shared_mark_of(const char *key)
{
    size_t size = strlen(key);
    bool is_one = size > SHARED_DIGITS + 1 && key[size - SHARED_DIGITS - 1] == '.';
    return is_one ? parse_number(key + size - SHARED_DIGITS) : 0;
}

enum sluice_status shared_list_folder(const struct state_folder *folder, const char *start,
                                      struct key_list *list, struct sluice_error *error)
{
    struct text prefix = {0};
    text_printf(&prefix, "%s/%s", text_get(&folder->path), start);
    enum sluice_status status =
        shared_list((struct shared_store *)folder->store, text_get(&prefix), list, error);
    text_reset(&prefix);
    return status;
}
