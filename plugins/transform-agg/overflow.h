/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of groups for which memory had no room: on disk, in 64 portions by the hash of the group,
 * each in the order in which its rows came. A portion is aggregated when its turn comes. */
#ifndef SLUICE_AGG_OVERFLOW_H
#define SLUICE_AGG_OVERFLOW_H

#include <sluice/plugin.h>

enum { OVERFLOW_PORTIONS = 64, OVERFLOW_BITS = 6 };

struct overflow;

/* NULL without memory. */
struct overflow *overflow_create(const struct sluice_host *host);
void overflow_destroy(struct overflow *overflow); /* NULL is allowed */

/* The rows that follow are of this batch, which came from `sender`. */
void overflow_begin(struct overflow *overflow, const struct sluice_batch *batch, int sender);
enum sluice_status overflow_add(struct overflow *overflow, size_t portion, int64_t row,
                                struct sluice_error *error);

/* Who takes rows back: batches of plain columns, each of one sender. */
struct overflow_reader {
    enum sluice_status (*take)(void *user, const struct sluice_batch *batch, int sender,
                               struct sluice_error *error);
    void *user;
};

/* Gives the rows of a portion back in their order. */
enum sluice_status overflow_read(struct overflow *overflow, size_t portion,
                                 const struct overflow_reader *reader, struct sluice_error *error);

#endif
