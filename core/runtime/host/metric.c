/* SPDX-License-Identifier: Apache-2.0 */
/* Values of the metrics that a component declares. */
#include "runtime/host/host.h"

#include <stdlib.h>
#include <string.h>

/* More label sets than this of one step are not kept: labels must be bounded. */
enum { MOST_VALUES = 1000 };

static bool join_labels(const struct sluice_metric *metric, const char *const *labels,
                        struct text *text)
{
    for (size_t i = 0; metric->labels && metric->labels[i]; i++) {
        if (i)
            text_append_char(text, '\x1f');
        text_append(text, labels && labels[i] ? labels[i] : "");
    }
    return !text->has_failed;
}

/* The value of the row and labels, made at first use. Step lock held. */
static struct metric_value *find_value(struct flow_step *step, size_t row, const char *labels)
{
    size_t count = 0;
    for (struct metric_value *value = step->metrics; value; value = value->next, count++)
        if (value->row == row && strcmp(value->labels, labels) == 0)
            return value;
    if (count >= MOST_VALUES)
        return NULL;
    struct metric_value *value = calloc(1, sizeof *value);
    char *copy = strdup(labels);
    if (!value || !copy) {
        free(value);
        free(copy);
        return NULL;
    }
    *value = (struct metric_value){.row = row, .labels = copy, .next = step->metrics};
    step->metrics = value;
    return value;
}

static void update(sluice_host_ref host, size_t row, const char *const *labels, double amount,
                   bool is_absolute)
{
    struct flow_step *step = instance_of(host)->step;
    const struct component *component = step->plan->component;
    struct text text = {0};
    if (row < component->metric_count && join_labels(&component->metrics[row], labels, &text)) {
        pthread_mutex_lock(&step->lock);
        struct metric_value *value = find_value(step, row, text_get(&text));
        if (value) {
            value->value = is_absolute ? amount : value->value + amount;
            value->count++;
        }
        pthread_mutex_unlock(&step->lock);
    }
    text_reset(&text);
}

void host_metric_add(sluice_host_ref host, size_t row, const char *const *labels, double value)
{
    update(host, row, labels, value, false);
}

void host_metric_set(sluice_host_ref host, size_t row, const char *const *labels, double value)
{
    update(host, row, labels, value, true);
}

void host_metric_observe(sluice_host_ref host, size_t row, const char *const *labels,
                         double value)
{
    update(host, row, labels, value, false);
}
