/* SPDX-License-Identifier: Apache-2.0 */
/* Append-only dictionaries, shared by the lanes of a flow.
 *
 * Entries lie in reserved address space that never moves; a hash table of (tag, code) slots leads
 * to them. Look-up takes no lock: an entry is complete before its slot is published (release), and
 * who reads the slot (acquire) sees the entry. Insertion takes the mutex and looks again. A table
 * that gets full is replaced by a larger one; readers may still walk the old one, so it stays
 * until the end. Old tables together are smaller than the newest. */
#include "data/entry.h"
#include "data/hash.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { FIRST_SLOTS = 1024 };
/* With so many entries it is asked how often each was used, which must be so often on average. */
enum { JUDGED_ENTRIES = 1 << 17, LEAST_USES = 4 };
static const size_t growth_step = 64 * 1024;

/* ---- reserved address space ---- */

struct region {
    char *base;
    size_t reserved;
    size_t usable; /* read- and writable, charged */
};

static bool region_reserve(struct region *region, size_t size)
{
    region->reserved = (size + growth_step - 1) / growth_step * growth_step;
    void *base =
        mmap(NULL, region->reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    region->base = base == MAP_FAILED ? NULL : base;
    return region->base != NULL;
}

/* Makes at least `size` bytes usable. False over the budget or without memory. */
static bool region_grow(struct region *region, size_t size, struct account *account)
{
    if (size <= region->usable) {
        return true;
    }
    size_t usable = (size + growth_step - 1) / growth_step * growth_step;
    if (usable > region->reserved || !account_charge(account, (int64_t)(usable - region->usable))) {
        return false;
    }
    if (mprotect(region->base, usable, PROT_READ | PROT_WRITE) != 0) {
        account_discharge(account, (int64_t)(usable - region->usable));
        return false;
    }
    region->usable = usable;
    return true;
}

static void region_release(struct region *region, struct account *account)
{
    if (region->base) {
        munmap(region->base, region->reserved);
        account_discharge(account, (int64_t)region->usable);
    }
}

/* ---- one dictionary ---- */

/* A slot is 0 where empty, else the upper half of the hash over code + 1. */
struct table {
    struct table *older;
    size_t mask;
    _Atomic uint64_t slots[];
};

struct dictionary {
    struct sluice_dictionary shared; /* first: what batches see */
    struct account *account;
    struct region hashes;
    struct region offsets;
    struct region bytes;
    int32_t cap_entries;
    int32_t cap_bytes;
    _Atomic int32_t length;
    atomic_llong used; /* strings that got a code */
    atomic_bool is_given_up;
    _Atomic(struct table *) table;
    pthread_mutex_t lock; /* held to insert */
    struct dictionary *next;
    char *column;
};

static struct dictionary *of(const struct sluice_dictionary *dictionary)
{
    return (struct dictionary *)dictionary;
}

static uint64_t slot_of(uint64_t hash, int32_t code)
{
    return (hash & UINT64_C(0xFFFFFFFF00000000)) | (uint64_t)((uint32_t)code + 1);
}

static struct table *table_create(struct account *account, size_t slots, struct table *older)
{
    size_t size = sizeof(struct table) + slots * sizeof(uint64_t);
    struct table *table = account_alloc(account, size);
    if (table) {
        memset(table, 0, size);
        table->mask = slots - 1;
        table->older = older;
    }
    return table;
}

static void table_put(struct table *table, uint64_t hash, int32_t code)
{
    size_t at = hash & table->mask;
    while (atomic_load_explicit(&table->slots[at], memory_order_relaxed) != 0) {
        at = (at + 1) & table->mask;
    }
    atomic_store_explicit(&table->slots[at], slot_of(hash, code), memory_order_release);
}

int32_t dictionary_find(const struct sluice_dictionary *shared, const char *bytes, size_t size,
                        uint64_t hash)
{
    const struct table *table = atomic_load_explicit(&of(shared)->table, memory_order_acquire);
    for (size_t at = hash & table->mask;; at = (at + 1) & table->mask) {
        uint64_t slot = atomic_load_explicit(&table->slots[at], memory_order_acquire);
        if (slot == 0) {
            return -1;
        }
        if (slot >> 32 != hash >> 32) {
            continue;
        }
        int32_t code = (int32_t)(uint32_t)slot - 1;
        if (is_entry(shared, code, bytes, size)) {
            return code;
        }
    }
}

/* Keeps the table at most half full. */
static bool make_table_room(struct dictionary *dictionary, int32_t length)
{
    struct table *table = atomic_load_explicit(&dictionary->table, memory_order_relaxed);
    if ((size_t)length * 2 < table->mask) {
        return true;
    }
    struct table *larger = table_create(dictionary->account, (table->mask + 1) * 2, table);
    if (!larger) {
        return false;
    }
    for (int32_t code = 0; code < length; code++) {
        table_put(larger, dictionary->shared.hashes[code], code);
    }
    atomic_store_explicit(&dictionary->table, larger, memory_order_release);
    return true;
}

/* Under the lock. -1 where the entry does not fit. */
static int32_t append_entry(struct dictionary *dictionary, const char *bytes, size_t size,
                            uint64_t hash)
{
    int32_t code = atomic_load_explicit(&dictionary->length, memory_order_relaxed);
    int32_t *offsets = (int32_t *)(void *)dictionary->offsets.base;
    int32_t start = offsets[code];
    if (code >= dictionary->cap_entries || size > (size_t)(dictionary->cap_bytes - start)) {
        return -1;
    }
    size_t entries = (size_t)code + 1;
    if (!region_grow(&dictionary->bytes, (size_t)start + size, dictionary->account) ||
        !region_grow(&dictionary->offsets, (entries + 1) * sizeof(int32_t), dictionary->account) ||
        !region_grow(&dictionary->hashes, entries * sizeof(uint64_t), dictionary->account) ||
        !make_table_room(dictionary, code)) {
        return -1;
    }
    if (size > 0) {
        memcpy(dictionary->bytes.base + start, bytes, size);
    }
    offsets[code + 1] = start + (int32_t)size;
    ((uint64_t *)(void *)dictionary->hashes.base)[code] = hash;
    /* The length goes first: who finds the code must see a length above it. */
    atomic_store_explicit(&dictionary->length, code + 1, memory_order_release);
    table_put(atomic_load_explicit(&dictionary->table, memory_order_relaxed), hash, code);
    return code;
}

int32_t dictionary_code(struct sluice_dictionary *shared, const char *bytes, size_t size,
                        uint64_t hash)
{
    int32_t code = dictionary_find(shared, bytes, size, hash);
    if (code >= 0) {
        return code;
    }
    struct dictionary *dictionary = of(shared);
    if (atomic_load_explicit(&dictionary->length, memory_order_relaxed) >=
        dictionary->cap_entries) {
        return -1;
    }
    pthread_mutex_lock(&dictionary->lock);
    code = dictionary_find(shared, bytes, size, hash);
    if (code < 0) {
        code = append_entry(dictionary, bytes, size, hash);
    }
    pthread_mutex_unlock(&dictionary->lock);
    return code;
}

void dictionary_expect(const struct sluice_dictionary *shared, uint64_t hash)
{
    const struct table *table = atomic_load_explicit(&of(shared)->table, memory_order_acquire);
    __builtin_prefetch(&table->slots[hash & table->mask]);
}

/* The code whose tag is that of the query (-1: there is none), while memory fetches what tells
 * whether it is the right one. */
static void guess_codes(const struct sluice_dictionary *shared,
                        const struct dictionary_query *queries, int count, int32_t *codes)
{
    const struct table *table = atomic_load_explicit(&of(shared)->table, memory_order_acquire);
    for (int i = 0; i < count; i++) {
        uint64_t hash = queries[i].hash;
        size_t at = hash & table->mask;
        uint64_t slot = atomic_load_explicit(&table->slots[at], memory_order_acquire);
        while (slot != 0 && slot >> 32 != hash >> 32) {
            at = (at + 1) & table->mask;
            slot = atomic_load_explicit(&table->slots[at], memory_order_acquire);
        }
        codes[i] = (int32_t)(uint32_t)slot - 1;
        __builtin_prefetch(&shared->offsets[codes[i] < 0 ? 0 : codes[i]]);
    }
    for (int i = 0; i < count; i++) {
        __builtin_prefetch(&shared->bytes[codes[i] < 0 ? 0 : shared->offsets[codes[i]]]);
    }
}

int dictionary_codes(struct sluice_dictionary *shared, const struct dictionary_query *queries,
                     int count, int32_t *codes)
{
    guess_codes(shared, queries, count, codes);
    for (int i = 0; i < count; i++) {
        const struct dictionary_query *query = &queries[i];
        if (codes[i] < 0 || !is_entry(shared, codes[i], query->bytes, query->size)) {
            codes[i] = dictionary_code(shared, query->bytes, query->size, query->hash);
        }
        if (codes[i] < 0) {
            return i;
        }
    }
    return count;
}

bool dictionary_is_worthwhile(struct sluice_dictionary *shared, int64_t strings)
{
    struct dictionary *dictionary = of(shared);
    long long used =
        atomic_fetch_add_explicit(&dictionary->used, strings, memory_order_relaxed) + strings;
    int32_t length = atomic_load_explicit(&dictionary->length, memory_order_relaxed);
    if (length >= JUDGED_ENTRIES && used / LEAST_USES < length) {
        atomic_store_explicit(&dictionary->is_given_up, true, memory_order_relaxed);
    }
    return !atomic_load_explicit(&dictionary->is_given_up, memory_order_relaxed);
}

int dictionary_codes_of(struct sluice_dictionary *shared, const struct sluice_string *strings,
                        int count, int32_t *codes)
{
    struct dictionary_query queries[DICTIONARY_TOGETHER];
    const struct table *table = atomic_load_explicit(&of(shared)->table, memory_order_acquire);
    for (int i = 0; i < count; i++) {
        uint64_t hash = hash_here(strings[i].bytes, strings[i].size);
        __builtin_prefetch(&table->slots[hash & table->mask]);
        queries[i] = (struct dictionary_query){hash, strings[i].bytes, strings[i].size};
    }
    return dictionary_codes(shared, queries, count, codes);
}

int32_t dictionary_length(const struct sluice_dictionary *dictionary)
{
    return atomic_load_explicit(&of(dictionary)->length, memory_order_acquire);
}

static void destroy_dictionary(struct storage *storage)
{
    struct dictionary *dictionary = (struct dictionary *)storage;
    struct table *table = atomic_load_explicit(&dictionary->table, memory_order_relaxed);
    while (table) {
        struct table *older = table->older;
        account_free(table);
        table = older;
    }
    region_release(&dictionary->hashes, dictionary->account);
    region_release(&dictionary->offsets, dictionary->account);
    region_release(&dictionary->bytes, dictionary->account);
    pthread_mutex_destroy(&dictionary->lock);
    free(dictionary->column);
    free(dictionary);
}

static struct dictionary *create_dictionary(struct account *account, int32_t cap_entries,
                                            int32_t cap_bytes, const char *column)
{
    struct dictionary *dictionary = calloc(1, sizeof(*dictionary));
    if (!dictionary) {
        return NULL;
    }
    storage_init(&dictionary->shared.storage, 0, destroy_dictionary);
    pthread_mutex_init(&dictionary->lock, NULL);
    dictionary->account = account;
    dictionary->cap_entries = cap_entries;
    dictionary->cap_bytes = cap_bytes;
    dictionary->column = strdup(column);
    struct table *table = table_create(account, FIRST_SLOTS, NULL);
    atomic_init(&dictionary->table, table);
    if (!dictionary->column || !table ||
        !region_reserve(&dictionary->hashes, (size_t)cap_entries * sizeof(uint64_t)) ||
        !region_reserve(&dictionary->offsets, ((size_t)cap_entries + 1) * sizeof(int32_t)) ||
        !region_reserve(&dictionary->bytes, (size_t)cap_bytes) ||
        !region_grow(&dictionary->offsets, sizeof(int32_t), account)) {
        destroy_dictionary(&dictionary->shared.storage);
        return NULL;
    }
    dictionary->shared.hashes = (const uint64_t *)(const void *)dictionary->hashes.base;
    dictionary->shared.offsets = (const int32_t *)(const void *)dictionary->offsets.base;
    dictionary->shared.bytes = dictionary->bytes.base;
    return dictionary;
}

/* ---- the set ---- */

struct dictionary_set {
    struct account *account;
    int32_t cap_entries;
    int32_t cap_bytes;
    pthread_mutex_t lock;
    struct dictionary *first;
};

static int32_t clamp_cap(int64_t cap)
{
    /* Offsets are 32 bits wide, and region_reserve rounds up. */
    return cap < 1 ? 1 : cap > INT32_MAX - 1 ? INT32_MAX - 1 : (int32_t)cap;
}

struct dictionary_set *dictionary_set_create(struct account *account, int64_t cap_entries,
                                             int64_t cap_bytes)
{
    struct dictionary_set *set = calloc(1, sizeof(*set));
    if (set) {
        set->account = account;
        set->cap_entries = clamp_cap(cap_entries);
        set->cap_bytes = clamp_cap(cap_bytes);
        pthread_mutex_init(&set->lock, NULL);
    }
    return set;
}

void dictionary_set_destroy(struct dictionary_set *set)
{
    if (!set) {
        return;
    }
    while (set->first) {
        struct dictionary *dictionary = set->first;
        set->first = dictionary->next;
        storage_release(&dictionary->shared.storage);
    }
    pthread_mutex_destroy(&set->lock);
    free(set);
}

enum sluice_status dictionary_get(struct dictionary_set *set, const char *column,
                                  struct sluice_dictionary **dictionary, struct sluice_error *error)
{
    pthread_mutex_lock(&set->lock);
    struct dictionary *found = set->first;
    while (found && strcmp(found->column, column) != 0) {
        found = found->next;
    }
    if (!found) {
        found = create_dictionary(set->account, set->cap_entries, set->cap_bytes, column);
        if (found) {
            found->next = set->first;
            set->first = found;
        }
    }
    pthread_mutex_unlock(&set->lock);
    *dictionary = found ? &found->shared : NULL;
    if (!found) {
        error_set(error, SLUICE_FATAL, memory_code(set->account, growth_step),
                  "no memory for the dictionary of column `%s`", column);
        error_set_field(error, SLUICE_AT_COLUMN, "%s", column);
        return SLUICE_FATAL;
    }
    return SLUICE_OK;
}
