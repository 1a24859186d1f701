/* SPDX-License-Identifier: Apache-2.0 */
/* Groups by the values of their keys. */
#ifndef SLUICE_AGG_GROUP_TABLE_H
#define SLUICE_AGG_GROUP_TABLE_H

#include <sluice/plugin.h>

struct group_table;

struct groups_wish {
    const struct sluice_strings *columns;
    size_t states_size;
    bool may_close; /* without memory there are no more groups; else that is an error */
    bool keeps_ids; /* values of keys are likely to repeat */
};

/* Of each row of a batch; good until the next call. */
struct group_rows {
    char **records; /* NULL: the table is closed, and does not have the row's group */
    const uint64_t *hashes;
};

enum sluice_status groups_create(const struct sluice_host *host, const struct groups_wish *wish,
                                 struct group_table **groups, struct sluice_error *error);
void groups_destroy(struct group_table *groups); /* NULL is allowed */

/* Finds the records of the rows' groups, made (zeroed) where new. Records never move. */
enum sluice_status groups_find(struct group_table *groups, const struct sluice_batch *batch,
                               struct group_rows *found, struct sluice_error *error);

/* No new groups from now on, for good. */
void groups_close(struct group_table *groups);
bool groups_are_closed(const struct group_table *groups);
size_t groups_held_bytes(const struct group_table *groups);

uint32_t groups_count(const struct group_table *groups);
char *groups_record(const struct group_table *groups, uint32_t number);
size_t groups_states_offset(const struct group_table *groups); /* of the states in a record */
size_t groups_key_count(const struct group_table *groups);
enum sluice_type groups_key_type(const struct group_table *groups, size_t key);
/* False where the key is null. Fixed-width types are their eight bytes. */
bool groups_key_value(const struct group_table *groups, const char *record, size_t key,
                      struct sluice_string *value);
/* Has memory fetch the values of a group's keys. */
void groups_expect(const struct group_table *groups, uint32_t number);
/* The groups' numbers in the order of their keys, to be freed: null first, strings bytewise. */
enum sluice_status groups_in_order(const struct sluice_host *host, const struct group_table *groups,
                                   uint32_t **numbers, struct sluice_error *error);

/* A record starts with the group's number, then the place of each key's value. */
static inline uint32_t record_number(const char *record)
{
    return ((const uint32_t *)(const void *)record)[0];
}

static inline uint32_t record_key(const char *record, size_t key)
{
    return ((const uint32_t *)(const void *)record)[1 + key];
}

#endif
