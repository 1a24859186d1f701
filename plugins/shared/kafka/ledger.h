/* SPDX-License-Identifier: Apache-2.0 */
/* How far the writers of one partition are ahead of its readers, in bytes. Records are counted in
 * chunks: a chunk counts in full until its last record has been read. Pure; locked by its owner. */
#ifndef SLUICE_SHARED_KAFKA_LEDGER_H
#define SLUICE_SHARED_KAFKA_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#define LEDGER_CHUNKS 1024
#define LEDGER_CHUNK_RECORDS 64

struct ledger_chunk {
    int64_t end; /* offset behind its last record */
    int64_t bytes;
};

struct ledger {
    int64_t written; /* records so far: the offset that the next one gets */
    int64_t ahead_bytes;
    uint32_t first; /* ring of chunks that are not read yet */
    uint32_t count;
    struct ledger_chunk chunks[LEDGER_CHUNKS];
};

/* Counts one more record, unless that would put the writers more than limit_bytes ahead; one record
 * fits always when nothing is ahead. */
bool ledger_add(struct ledger *ledger, int64_t bytes, int64_t limit_bytes);
/* All readers have read what is below `next`. Going back has no effect. */
void ledger_read(struct ledger *ledger, int64_t next);

#endif
