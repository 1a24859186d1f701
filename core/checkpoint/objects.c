/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's store for other rooms: objects beside the checkpoints, each put once. */
#include "checkpoint/shared.h"

enum sluice_status state_store_open(struct state_store *store, struct sluice_error *error)
{
    return shared_open((struct shared_store *)store, error);
}

enum sluice_status state_store_get(struct state_store *store, const char *key, struct text *bytes,
                                   bool *is_there, struct sluice_error *error)
{
    return shared_get((struct shared_store *)store, key, bytes, is_there, error);
}

enum sluice_status state_store_put_new(struct state_store *store, const char *key,
                                       const struct text *bytes, struct sluice_error *error)
{
    bool is_done = false;
    enum sluice_status status =
        shared_put((struct shared_store *)store, key, bytes, true, &is_done, error);
    if (status == SLUICE_OK && !is_done)
        status = error_set(error, SLUICE_FATAL, SLUICE_CODE_CONFLICT,
                           "another process has written %s/%s",
                           ((struct shared_store *)store)->place, key);
    return status;
}

enum sluice_status state_store_list(struct state_store *store, const char *prefix,
                                    struct key_list *list, struct sluice_error *error)
{
    return shared_list((struct shared_store *)store, prefix, list, error);
}

enum sluice_status state_store_remove(struct state_store *store, const char *key,
                                      struct sluice_error *error)
{
    return shared_remove((struct shared_store *)store, key, error);
}
