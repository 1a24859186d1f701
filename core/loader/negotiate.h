/* SPDX-License-Identifier: Apache-2.0 */
/* From a foreign descriptor to components of our own. Nothing of a descriptor is believed before
 * its version and sizes are: every struct is copied into one of ours by the smaller of the two
 * sizes, the rest zero, and every cause of refusal has its own sentence.
 *
 *     descriptor ─ version, size ─▶ component ─ size, kind, name ─▶ callbacks
 *                                                              └──▶ option rows, metric rows */
#ifndef SLUICE_LOADER_NEGOTIATE_H
#define SLUICE_LOADER_NEGOTIATE_H

#include "loader/loader.h"

/* Who is being talked to, for memory and messages. */
struct negotiation {
    struct arena *arena;
    const char *path;
    const char *component; /* NULL while it is about the whole plugin */
    struct sluice_error *error;
};

/* A struct that grows: its size in ABI 1.0 and its size now. */
struct grown_struct {
    const char *what; /* "option rows" */
    size_t first_size;
    size_t own_size;
};

/* The components of the plugin, in arena memory. CONFIG with code plugin_load. */
enum sluice_status negotiate(struct negotiation *talk, const struct sluice_plugin *descriptor,
                             struct component **components, size_t *count);

/* ---- the parts ---- */

/* Sets the error: "plugin PATH, component NAME: " and the reason. Returns CONFIG. */
enum sluice_status negotiate_refuse(const struct negotiation *talk, const char *format, ...)
    PRINTF_LIKE(2, 3);
/* Whether a foreign size fits between what ABI 1.0 had and what we know. */
enum sluice_status negotiate_size(const struct negotiation *talk, const struct grown_struct *shape,
                                  size_t their_size);
/* Lower case letters, digits and `separator`, beginning with a letter, at most 64 bytes. */
bool negotiate_is_name(const char *name, char separator);
bool negotiate_is_text(const char *text); /* neither NULL nor empty */

/* Copies and checks the callback table of component->kind. */
enum sluice_status negotiate_callbacks(const struct negotiation *talk,
                                       const struct sluice_component *theirs,
                                       struct component *component);
/* Copy and check the tables of rows. */
enum sluice_status negotiate_options(const struct negotiation *talk,
                                     const struct sluice_component *theirs,
                                     struct component *component);
enum sluice_status negotiate_metrics(const struct negotiation *talk,
                                     const struct sluice_component *theirs,
                                     struct component *component);

#endif
