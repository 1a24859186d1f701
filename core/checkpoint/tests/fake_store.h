/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's store in memory, which several "processes" share, and which fails on demand. */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include "checkpoint/checkpoint.h"

enum { FAKE_KEYS = 200 };

enum fake_fault {
    FAKE_NONE = 0,
    FAKE_REFUSED, /* RETRY, nothing was done */
    FAKE_LOST,    /* done, but the answer is RETRY */
    FAKE_FORBIDDEN
};

struct fake_store {
    char *keys[FAKE_KEYS];
    struct text values[FAKE_KEYS];
    size_t count;
    bool is_blind; /* does not know conditions: overwrites */
    int calls;
    int fault_at; /* call that fails, from 1; 0: none */
    enum fake_fault fault;
    /* Runs before the call of that number: another process acts. */
    int other_at;
    void (*other)(void *user);
    void *user;
};

extern const struct sluice_state_store fake_calls;

/* A process that opens the store. */
struct state_store *fake_open(struct fake_store *fake);
void fake_reset(struct fake_store *fake);
struct text *fake_find(struct fake_store *fake, const char *key);
/* All keys, sorted, each with a space behind it. */
void fake_list(const struct fake_store *fake, struct text *text);

#endif
