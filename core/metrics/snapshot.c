/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of all values at a moment. */
#include "metrics/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct snapshot *snapshot_create(void)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (!snapshot) {
        return NULL;
    }
    snapshot->taken_ms = clock_wall_ms();
    snapshot->arena = arena_create();
    if (!snapshot->arena) {
        free(snapshot);
        return NULL;
    }
    return snapshot;
}

void snapshot_destroy(struct snapshot *snapshot)
{
    if (!snapshot) {
        return;
    }
    for (size_t i = 0; i < snapshot->family_count; i++) {
        free(snapshot->families[i].samples);
    }
    free(snapshot->families);
    arena_destroy(snapshot->arena);
    free(snapshot);
}

/* One more element behind `count`; NULL without memory, and then the array is as it was. */
static void *grow(void *items, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return items;
    }
    size_t wanted = *capacity ? *capacity * 2 : 16;
    void *grown = realloc(items, wanted * size);
    if (grown) {
        *capacity = wanted;
    }
    return grown;
}

static const char *copy_text(struct snapshot *snapshot, const char *text)
{
    return text ? arena_copy(snapshot->arena, text, strlen(text)) : NULL;
}

static size_t count_labels(const struct metric_family *family)
{
    size_t count = 0;
    while (family->labels && family->labels[count]) {
        count++;
    }
    return count;
}

static const char *const *copy_labels(struct snapshot *snapshot, const char *const *labels,
                                      size_t count)
{
    const char **copies = arena_alloc(snapshot->arena, (count + 1) * sizeof(*copies));
    for (size_t i = 0; copies && i < count; i++) {
        copies[i] = copy_text(snapshot, labels[i] ? labels[i] : "");
        if (!copies[i]) {
            return NULL;
        }
    }
    return copies;
}

static bool copy_family(struct snapshot *snapshot, const struct metric_family *family,
                        struct metric_family *copy)
{
    double *bounds =
        arena_alloc(snapshot->arena, (family->bound_count + 1) * sizeof(*family->bounds));
    *copy = *family;
    copy->name = copy_text(snapshot, family->name);
    copy->unit = copy_text(snapshot, family->unit);
    copy->text = copy_text(snapshot, family->text);
    copy->labels = copy_labels(snapshot, family->labels, count_labels(family));
    copy->bounds = bounds;
    if (bounds && family->bound_count > 0) {
        memcpy(bounds, family->bounds, family->bound_count * sizeof(*bounds));
    }
    return bounds && copy->name && copy->labels;
}

static struct metric_samples *find_family(const struct snapshot *snapshot, const char *name)
{
    /* Collectors add the samples of a step one family after the other, again and again. */
    for (size_t i = 0; i < snapshot->family_count; i++) {
        if (strcmp(snapshot->families[i].family.name, name) == 0) {
            return &snapshot->families[i];
        }
    }
    return NULL;
}

const struct metric_samples *snapshot_find(const struct snapshot *snapshot, const char *name)
{
    return find_family(snapshot, name);
}

const char *sample_label(const struct metric_samples *samples, size_t index, const char *name)
{
    for (size_t i = 0; samples->family.labels[i]; i++) {
        if (strcmp(samples->family.labels[i], name) == 0) {
            return samples->samples[index].labels[i];
        }
    }
    return NULL;
}

static struct metric_samples *add_family(struct snapshot *snapshot,
                                         const struct metric_family *family)
{
    struct metric_samples *grown = grow(snapshot->families, snapshot->family_count,
                                        &snapshot->family_capacity, sizeof(*grown));
    if (!grown) {
        return NULL;
    }
    snapshot->families = grown;
    struct metric_samples *added = &grown[snapshot->family_count];
    *added = (struct metric_samples){0};
    if (!copy_family(snapshot, family, &added->family)) {
        return NULL;
    }
    snapshot->family_count++;
    return added;
}

static struct metric_sample *add_sample(struct snapshot *snapshot,
                                        const struct metric_family *family,
                                        const char *const *labels)
{
    struct metric_samples *samples = find_family(snapshot, family->name);
    if (!samples) {
        samples = add_family(snapshot, family);
    }
    struct metric_sample *grown = samples ? grow(samples->samples, samples->count,
                                                 &samples->capacity, sizeof(*grown))
                                          : NULL;
    const char *const *copies =
        grown ? copy_labels(snapshot, labels, count_labels(family)) : NULL;
    if (grown) {
        samples->samples = grown;
    }
    if (!copies) {
        snapshot->has_failed = true;
        return NULL;
    }
    struct metric_sample *sample = &grown[samples->count++];
    *sample = (struct metric_sample){.labels = copies};
    return sample;
}

void snapshot_add(struct snapshot *snapshot, const struct metric_family *family,
                  const char *const *labels, double value)
{
    struct metric_sample *sample =
        isnan(value) ? NULL : add_sample(snapshot, family, labels);
    if (sample) {
        sample->value = value;
    }
}

void snapshot_add_histogram(struct snapshot *snapshot, const struct metric_family *family,
                            const char *const *labels, const struct histogram *histogram)
{
    uint64_t *buckets =
        arena_alloc(snapshot->arena, (family->bound_count + 1) * sizeof(*buckets));
    struct metric_sample *sample = buckets ? add_sample(snapshot, family, labels) : NULL;
    if (!sample) {
        snapshot->has_failed = true;
        return;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i <= family->bound_count; i++) {
        sum += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
        buckets[i] = sum;
    }
    sample->buckets = buckets;
    sample->value =
        double_of(atomic_load_explicit(&histogram->sum_bits, memory_order_relaxed));
}

/* ---- registry ---- */

void registry_add(struct registry *registry, void (*collect)(void *user, struct snapshot *snapshot),
                  void *user)
{
    if (registry->count < COLLECTORS_MAX) {
        registry->collectors[registry->count].collect = collect;
        registry->collectors[registry->count].user = user;
        registry->count++;
    }
}

static int compare_families(const void *left, const void *right)
{
    const struct metric_samples *a = left;
    const struct metric_samples *b = right;
    return strcmp(a->family.name, b->family.name);
}

struct snapshot *registry_collect(const struct registry *registry)
{
    struct snapshot *snapshot = snapshot_create();
    for (size_t i = 0; snapshot && i < registry->count; i++) {
        registry->collectors[i].collect(registry->collectors[i].user, snapshot);
    }
    if (snapshot && snapshot->has_failed) {
        snapshot_destroy(snapshot);
        return NULL;
    }
    if (snapshot && snapshot->family_count > 0) {
        qsort(snapshot->families, snapshot->family_count, sizeof(*snapshot->families),
              compare_families);
    }
    return snapshot;
}
