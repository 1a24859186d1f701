/* SPDX-License-Identifier: Apache-2.0 */
#include "kafka/ledger.h"

static struct ledger_chunk *newest_chunk(struct ledger *ledger)
{
    return &ledger->chunks[(ledger->first + ledger->count - 1) % LEDGER_CHUNKS];
}

bool ledger_add(struct ledger *ledger, int64_t bytes, int64_t limit_bytes)
{
    if (ledger->ahead_bytes > 0 && ledger->ahead_bytes + bytes > limit_bytes)
        return false;
    bool is_new = ledger->count == 0 || ledger->written % LEDGER_CHUNK_RECORDS == 0;
    if (is_new) {
        if (ledger->count == LEDGER_CHUNKS)
            return false;
        ledger->count++;
        *newest_chunk(ledger) = (struct ledger_chunk){.end = ledger->written};
    }
    struct ledger_chunk *chunk = newest_chunk(ledger);
    chunk->end++;
    chunk->bytes += bytes;
    ledger->written++;
    ledger->ahead_bytes += bytes;
    return true;
}

void ledger_read(struct ledger *ledger, int64_t next)
{
    while (ledger->count > 0 && ledger->chunks[ledger->first].end <= next) {
        ledger->ahead_bytes -= ledger->chunks[ledger->first].bytes;
        ledger->first = (ledger->first + 1) % LEDGER_CHUNKS;
        ledger->count--;
    }
}
