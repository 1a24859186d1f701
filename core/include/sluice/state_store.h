/* SPDX-License-Identifier: Apache-2.0 */
/* A state store keeps checkpoints and marks where every machine can reach them, under short keys:
 *
 *   create → open → (get | put | list | remove)… → close → destroy
 *
 * `settings: {state: "s3://bucket/prefix"}` takes the component `state-s3` and gives it that text
 * as its option `url`, which it must have; its other options have their defaults. Keys are texts
 * of [A-Za-z0-9._/-], relative to that place.
 *
 * Several processes use one store at once, without a lock. Everything rests on two promises:
 *   - put with must_be_new writes for exactly one of those who try, and what was written is whole;
 *   - get and list, in any process, show what a put that was answered has written.
 * A store that cannot keep them must refuse in open or put. The core tries the first at its start.
 *
 * One thread at a time calls an instance; only cancel may come from another. The host offers
 * errors, log, clocks, random numbers, memory, buffers and formatting; sluice_this_run() has
 * pipeline and member. Everything else (rows, codecs, metrics, resources) is not there. */
#ifndef SLUICE_STATE_STORE_H
#define SLUICE_STATE_STORE_H

#include <sluice/service.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Gets each key that was found; lives for the call. Anything but OK must be returned at once. */
typedef enum sluice_status (*sluice_key_visit)(void *user, const char *key,
                                               struct sluice_error *error);

struct sluice_state_store {
    size_t struct_size;

    /* Required. Checks options and allocates; touches nothing outside. */
    enum sluice_status (*create)(const struct sluice_host *host, const void *options,
                                 void **instance, struct sluice_error *error);

    /* Optional. Connects. RETRY is repeated after a backoff, here and below. */
    enum sluice_status (*open)(void *instance, struct sluice_error *error);

    /* Required. Appends the value to `bytes` (empty, the core's), or says that the key is not
     * there. */
    enum sluice_status (*get)(void *instance, const char *key, struct sluice_buffer *bytes,
                              bool *is_there, struct sluice_error *error);

    /* Required. Durable when this answers OK. With must_be_new nothing is written where the key is
     * there already, and *is_done is false. An error may hide a success: the core reads back. */
    enum sluice_status (*put)(void *instance, const char *key, struct sluice_string bytes,
                              bool must_be_new, bool *is_done, struct sluice_error *error);

    /* Required. All keys that begin with `prefix`, in any order. After RETRY the core begins
     * anew. */
    enum sluice_status (*list)(void *instance, const char *prefix, sluice_key_visit visit,
                               void *user, struct sluice_error *error);

    /* Required. A key that is not there is fine. */
    enum sluice_status (*remove)(void *instance, const char *key, struct sluice_error *error);

    void (*cancel)(void *instance); /* optional, any thread; calls answer soon, from now on */
    void (*close)(void *instance);  /* optional */
    void (*destroy)(void *instance);
};

#ifdef __cplusplus
}
#endif

#endif
