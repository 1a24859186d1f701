/* SPDX-License-Identifier: Apache-2.0 */
/* Who visits: each has one place and one browser, and some come far more often than others. */
#include "generate.h"

enum { PURPOSE_PEOPLE = 1, LEAST_ID_DIGITS = 6 };

static bool settle_persons(const struct sluice_host *host, const struct generate_options *options,
                           struct people *people)
{
    double weights[512];
    struct alias_table place_table = {0};
    struct alias_table agent_table = {0};
    for (size_t i = 0; i < place_count; i++)
        weights[i] = places[i].weight;
    bool has_memory = alias_create(host, weights, (uint32_t)place_count, &place_table);
    for (size_t i = 0; i < agent_count; i++)
        weights[i] = agents[i].weight;
    has_memory = alias_create(host, weights, (uint32_t)agent_count, &agent_table) && has_memory;
    if (has_memory) {
        struct random random;
        random_init(&random, (uint64_t)options->seed, PURPOSE_PEOPLE);
        for (int64_t i = 0; i < options->users; i++) {
            people->persons[i].place = (uint16_t)alias_draw(&place_table, &random);
            people->persons[i].agent = (uint16_t)alias_draw(&agent_table, &random);
        }
    }
    sluice_free(host, place_table.slots);
    sluice_free(host, agent_table.slots);
    return has_memory;
}

bool people_create(const struct sluice_host *host, const struct generate_options *options,
                   struct people *people)
{
    *people = (struct people){.id_digits = LEAST_ID_DIGITS};
    for (int64_t limit = 1000000; limit < options->users; limit *= 10)
        people->id_digits++;
    people->persons = sluice_alloc(host, (size_t)options->users * sizeof(*people->persons));
    return people->persons &&
           alias_create_zipf(host, options->user_skew, (uint32_t)options->users,
                             &people->popularity) &&
           settle_persons(host, options, people);
}

void people_reset(const struct sluice_host *host, struct people *people)
{
    sluice_free(host, people->popularity.slots);
    sluice_free(host, people->persons);
    *people = (struct people){0};
}
