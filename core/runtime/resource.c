/* SPDX-License-Identifier: Apache-2.0 */
/* Named, counted objects that the instances of one process share. */
#include "runtime/flow.h"

#include <stdlib.h>
#include <string.h>

struct resource {
    char *name;
    void *object;
    void (*destroy)(void *object);
    size_t users;
    struct resource *next;
};

struct resource_set {
    pthread_mutex_t lock;
    struct resource *first; /* guarded by lock */
};

struct resource_set *resource_set_create(void)
{
    struct resource_set *set = calloc(1, sizeof *set);
    if (set)
        pthread_mutex_init(&set->lock, NULL);
    return set;
}

void resource_set_destroy(struct resource_set *set)
{
    if (!set)
        return;
    while (set->first) {
        struct resource *resource = set->first;
        set->first = resource->next;
        if (resource->destroy)
            resource->destroy(resource->object);
        free(resource->name);
        free(resource);
    }
    pthread_mutex_destroy(&set->lock);
    free(set);
}

static struct resource **find(struct resource_set *set, const char *name)
{
    struct resource **at = &set->first;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    return at;
}

enum sluice_status resource_get(struct resource_set *set, const char *name,
                                enum sluice_status (*create)(void *user, void **resource,
                                                             struct sluice_error *error),
                                void (*destroy)(void *resource), void *user, void **object,
                                struct sluice_error *error)
{
    enum sluice_status status = SLUICE_OK;
    *object = NULL;
    pthread_mutex_lock(&set->lock);
    struct resource *resource = *find(set, name);
    if (!resource) {
        resource = calloc(1, sizeof *resource);
        char *copy = strdup(name);
        if (!resource || !copy)
            status = error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                               "no memory for the shared resource %s", name);
        if (status == SLUICE_OK)
            status = create(user, &resource->object, error);
        if (status == SLUICE_OK) {
            resource->name = copy;
            resource->destroy = destroy;
            resource->next = set->first;
            set->first = resource;
        } else {
            free(resource);
            free(copy);
        }
    }
    if (status == SLUICE_OK) {
        resource->users++;
        *object = resource->object;
    }
    pthread_mutex_unlock(&set->lock);
    return status;
}

void resource_release(struct resource_set *set, const char *name)
{
    struct resource *last = NULL;
    pthread_mutex_lock(&set->lock);
    struct resource **at = find(set, name);
    if (*at && --(*at)->users == 0) {
        last = *at;
        *at = last->next;
    }
    pthread_mutex_unlock(&set->lock);
    if (!last)
        return;
    if (last->destroy)
        last->destroy(last->object);
    free(last->name);
    free(last);
}
