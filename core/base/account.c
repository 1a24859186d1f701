/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes counted against budgets, and memory that is. Counters are relaxed atomics: a limit is
 * exact (a charge is added first and taken back where it was too much), the order of charges of
 * several threads is not. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

/* Stands before each block; keeps the block aligned as malloc does. */
struct header {
    struct account *account;
    size_t size;
};
_Static_assert(sizeof(struct header) % _Alignof(max_align_t) == 0, "the block stays aligned");

void account_init(struct account *account, int64_t limit_bytes, struct account *parent)
{
    atomic_init(&account->used_bytes, 0);
    atomic_init(&account->peak_bytes, 0);
    account->limit_bytes = limit_bytes;
    account->parent = parent;
}

static void note_peak(struct account *account, long long used)
{
    long long peak = atomic_load_explicit(&account->peak_bytes, memory_order_relaxed);
    while (used > peak &&
           !atomic_compare_exchange_weak_explicit(&account->peak_bytes, &peak, used,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

static long long add(struct account *account, int64_t bytes)
{
    return atomic_fetch_add_explicit(&account->used_bytes, bytes, memory_order_relaxed) + bytes;
}

bool account_charge(struct account *account, int64_t bytes)
{
    for (struct account *at = account; at; at = at->parent) {
        long long used = add(at, bytes);
        if (bytes > 0 && at->limit_bytes > 0 && used > at->limit_bytes) {
            for (struct account *back = account; back != at->parent; back = back->parent) {
                add(back, -bytes);
            }
            return false;
        }
    }
    /* Peaks are noted only now: what was refused was never held. */
    for (struct account *at = account; at; at = at->parent) {
        note_peak(at, atomic_load_explicit(&at->used_bytes, memory_order_relaxed));
    }
    return true;
}

void account_discharge(struct account *account, int64_t bytes)
{
    for (struct account *at = account; at; at = at->parent) {
        add(at, -bytes);
    }
}

void *account_alloc(struct account *account, size_t size)
{
    return account_resize(account, NULL, size);
}

void *account_resize(struct account *account, void *memory, size_t size)
{
    struct header *old = memory ? (struct header *)memory - 1 : NULL;
    size_t old_size = old ? old->size : 0;
    if (old) {
        account = old->account;
    }
    if (size > SIZE_MAX / 4) {
        return NULL;
    }
    const size_t extra = sizeof(struct header) + SLUICE_PADDING;
    int64_t growth = old ? (int64_t)size - (int64_t)old_size : (int64_t)(size + extra);
    if (growth > 0 && !account_charge(account, growth)) {
        return NULL;
    }
    struct header *header = realloc(old, size + extra);
    if (!header) {
        if (growth > 0) {
            account_discharge(account, growth);
        }
        return NULL;
    }
    if (growth < 0) {
        account_discharge(account, -growth);
    }
    header->account = account;
    header->size = size;
    memset((char *)(header + 1) + size, 0, SLUICE_PADDING);
    return header + 1;
}

void account_free(void *memory)
{
    if (!memory) {
        return;
    }
    struct header *header = (struct header *)memory - 1;
    account_discharge(header->account, (int64_t)(header->size + sizeof(*header) + SLUICE_PADDING));
    free(header);
}
