/* SPDX-License-Identifier: Apache-2.0 */
/* The shop's pages and which links to which: home and its own category from everywhere, the rest
 * by popularity. Some URLs hold commas and letters beyond ASCII, as real ones do. */
#include "generate.h"

#include <stdio.h>
#include <string.h>

enum { PURPOSE_SITE = 2 };

static const char *const service_paths[] = {
    "",        "cart", "search", "account", "checkout", "offers",
    "contact", "help", "about",  "returns", "stores",   "gift-cards",
};

static const char *const categories[] = {
    "kitchen", "garden", "books", "toys", "sports", "fashion", "electronics", "music", "office",
};

static const char *const qualities[] = {
    "classic", "compact", "deluxe", "eco",   "folding", "organic", "smart", "ultra",
    "vintage", "pro",     "mini",   "quiet", "crème",   "nordic",  "solar", "über",
};

static const char *const things[] = {
    "kettle", "lamp",     "backpack", "teapot",  "notebook", "guitar", "blender",
    "jacket", "sneakers", "puzzle",   "chair",   "camera",   "tent",   "speaker",
    "knife",  "bicycle",  "scarf",    "planter", "keyboard", "mug",
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { SERVICE_COUNT = COUNT_OF(service_paths), CATEGORY_COUNT = COUNT_OF(categories) };

static uint32_t category_of(uint32_t page)
{
    return page % CATEGORY_COUNT;
}

static void name_page(uint32_t index, struct page *page)
{
    static const char root[] = "https://shop.example.com/";
    const char *category = categories[category_of(index)];
    int size;
    if (index < SERVICE_COUNT)
        size = snprintf(page->url, URL_SIZE, "%s%s", root, service_paths[index]);
    else if (index < SERVICE_COUNT + CATEGORY_COUNT)
        size = snprintf(page->url, URL_SIZE, "%s%s", root, category);
    else if (index % 16 == 0)
        size = snprintf(page->url, URL_SIZE, "%s%s?sort=price,asc&page=%u", root, category,
                        index / 16);
    else
        size = snprintf(page->url, URL_SIZE, "%s%s/%s-%s-%u", root, category,
                        qualities[index / 5 % COUNT_OF(qualities)],
                        things[index % COUNT_OF(things)], index);
    page->url_size = (uint32_t)size;
}

static void link_page(const struct site *site, uint32_t index, uint32_t page_count,
                      struct random *random)
{
    struct page *page = &site->pages[index];
    for (size_t i = 0; i < LINK_COUNT; i++)
        page->links[i] = alias_draw(&site->popularity, random);
    page->links[LINK_COUNT - 1] = 0;
    /* The category page with the same remainder. */
    uint32_t first = SERVICE_COUNT - category_of(SERVICE_COUNT);
    uint32_t category = first + category_of(index);
    if (category < SERVICE_COUNT)
        category += CATEGORY_COUNT;
    if (category < page_count)
        page->links[LINK_COUNT - 2] = category;
}

bool site_create(const struct sluice_host *host, const struct generate_options *options,
                 struct site *site)
{
    *site = (struct site){0};
    uint32_t page_count = (uint32_t)options->pages;
    site->pages = sluice_alloc(host, page_count * sizeof(*site->pages));
    if (!site->pages || !alias_create_zipf(host, options->page_skew, page_count, &site->popularity))
        return false;
    struct random random;
    random_init(&random, (uint64_t)options->seed, PURPOSE_SITE);
    for (uint32_t i = 0; i < page_count; i++) {
        name_page(i, &site->pages[i]);
        link_page(site, i, page_count, &random);
    }
    return true;
}

void site_reset(const struct sluice_host *host, struct site *site)
{
    sluice_free(host, site->popularity.slots);
    sluice_free(host, site->pages);
    *site = (struct site){0};
}

/* Mostly a link, the first ones more often; else somewhere by search or bookmark. */
uint32_t site_next_page(const struct site *site, uint32_t page, struct random *random)
{
    uint32_t bits = random_below(random, 512);
    if (bits % 8 == 0)
        return alias_draw(&site->popularity, random);
    uint32_t one = bits >> 3 & 7;
    uint32_t other = bits >> 6 & 7;
    return site->pages[page].links[one < other ? one : other];
}
