/* SPDX-License-Identifier: Apache-2.0 */
/* Letters in a plugin's store: whose they are, and a local copy of those that were not taken. */
#include "letters/objects.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum sluice_status letter_objects_no_memory(struct sluice_error *error)
{
    return error_set(error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                     "no memory for letters of the dead letter");
}

static void print_prefix(const struct letter_place *place, struct text *prefix)
{
    text_printf(prefix, "%s/deadletter/%s/", place->pipeline, place->flow);
}

enum sluice_status letter_objects_open(const struct letter_place *place,
                                       struct letter_objects *objects, struct sluice_error *error)
{
    struct text folder = {0};
    *objects = (struct letter_objects){.store = place->store,
                                       .flow = strdup(place->flow),
                                       .member = strdup(place->member),
                                       .copy = -1};
    print_prefix(place, &objects->letters);
    text_printf(&objects->claims, "%s/members/%s/deadletter/%s/", place->pipeline, place->member,
                place->flow);
    text_printf(&folder, "%s/checkpoints/%s/%s", place->pipeline, place->flow, place->member);
    state_folder_init(&objects->folder, place->store, text_get(&folder), place->member);
    bool is_done = objects->flow && objects->member && !objects->letters.has_failed &&
                   !objects->claims.has_failed && !objects->folder.path.has_failed &&
                   !folder.has_failed;
    text_reset(&folder);
    return is_done ? SLUICE_OK : letter_objects_no_memory(error);
}

static void forget_copy(struct letter_objects *objects)
{
    for (size_t i = 0; i < objects->part_count; i++)
        free(objects->parts[i].from.name);
    free(objects->parts);
    objects->parts = NULL;
    objects->part_count = objects->part_capacity = 0;
    if (objects->copy >= 0)
        close(objects->copy);
    objects->copy = -1;
    text_clear(&objects->path);
}

void letter_objects_close(struct letter_objects *objects)
{
    forget_copy(objects);
    free(objects->flow);
    free(objects->member);
    text_reset(&objects->letters);
    text_reset(&objects->claims);
    text_reset(&objects->path);
    state_folder_reset(&objects->folder);
}

/* ---- whose letters an object holds ---- */

/* The end of the member in FLOW-MEMBER-CHECKPOINT-OWNER-SEQUENCE.json, as sinks of object stores
 * name what they append: three dashes from the right, since a member's id may have some. */
static const char *member_end(const char *name, size_t begin)
{
    const char *end = name + strlen(name);
    for (int dashes = 0; dashes < 3 && end; dashes++)
        end = memrchr(name, '-', (size_t)(end - name));
    return end && end > name + begin ? end : NULL;
}

/* False: not named by a sink of this flow. */
static bool find_member(const char *name, const char *flow, size_t *begin, size_t *size)
{
    *begin = strlen(flow) + 1;
    bool is_ours = strncmp(name, flow, *begin - 1) == 0 && name[*begin - 1] == '-';
    const char *end = is_ours ? member_end(name, *begin) : NULL;
    *size = end ? (size_t)(end - name) - *begin : 0;
    return end != NULL;
}

static bool is_of_member(const struct letter_objects *objects, const char *name)
{
    size_t begin = 0;
    size_t size = 0;
    return find_member(name, objects->flow, &begin, &size) && size == strlen(objects->member) &&
           memcmp(name + begin, objects->member, size) == 0;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void letter_names_free(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static bool add_name(char ***names, size_t *count, const char *name)
{
    char **grown = realloc(*names, (*count + 1) * sizeof *grown);
    if (!grown)
        return false;
    *names = grown;
    grown[*count] = strdup(name);
    return grown[*count] ? ++*count > 0 : false;
}

enum sluice_status letter_objects_names(const struct letter_objects *objects, char ***names,
                                        size_t *count, struct sluice_error *error)
{
    struct key_list list = {0};
    size_t at = 0;
    *names = NULL;
    *count = 0;
    enum sluice_status status =
        state_store_list(objects->store, text_get(&objects->letters), &list, error);
    for (const char *key = NULL; status == SLUICE_OK && (key = key_list_next(&list, &at));) {
        const char *name = key + objects->letters.size;
        if (is_of_member(objects, name) && !add_name(names, count, name))
            status = letter_objects_no_memory(error);
    }
    key_list_reset(&list);
    if (status == SLUICE_OK && *count > 0) {
        qsort(*names, *count, sizeof **names, compare_names);
    } else if (status != SLUICE_OK) {
        letter_names_free(*names, *count);
        *names = NULL;
        *count = 0;
    }
    return status;
}

enum sluice_status letter_members(const struct letter_place *flow, letter_member_visit visit,
                                  void *user, struct sluice_error *error)
{
    struct text prefix = {0};
    struct key_list list = {0};
    char **members = NULL;
    size_t count = 0;
    size_t at = 0;
    print_prefix(flow, &prefix);
    enum sluice_status status = prefix.has_failed ? letter_objects_no_memory(error)
                                                  : state_store_list(flow->store, text_get(&prefix),
                                                                     &list, error);
    for (const char *key = NULL; status == SLUICE_OK && (key = key_list_next(&list, &at));) {
        char member[65] = "";
        size_t begin = 0;
        size_t size = 0;
        if (!find_member(key + prefix.size, flow->flow, &begin, &size) || size >= sizeof member)
            continue;
        memcpy(member, key + prefix.size + begin, size);
        if (!add_name(&members, &count, member))
            status = letter_objects_no_memory(error);
    }
    if (count > 0)
        qsort(members, count, sizeof *members, compare_names);
    for (size_t i = 0; status == SLUICE_OK && i < count; i++)
        if (i == 0 || strcmp(members[i], members[i - 1]) != 0)
            status = visit(user, members[i], error);
    letter_names_free(members, count);
    key_list_reset(&list);
    text_reset(&prefix);
    return status;
}

/* ---- lines ---- */

bool object_lines_add(struct object_lines_list *list, const struct object_lines *lines)
{
    struct object_lines *last = list->count ? &list->lines[list->count - 1] : NULL;
    if (last && last->end == lines->begin && strcmp(last->name, lines->name) == 0) {
        last->end = lines->end;
        return true;
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 64;
        struct object_lines *grown = realloc(list->lines, capacity * sizeof *grown);
        if (!grown)
            return false;
        list->lines = grown;
        list->capacity = capacity;
    }
    struct object_lines copy = *lines;
    copy.name = strdup(lines->name);
    if (copy.name)
        list->lines[list->count++] = copy;
    return copy.name != NULL;
}

void object_lines_reset(struct object_lines_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->lines[i].name);
    free(list->lines);
    *list = (struct object_lines_list){0};
}

/* ---- the copy ---- */

/* It has no name, so that it goes with the process; without a disk it is memory. */
static enum sluice_status create_copy(struct letter_objects *objects, struct sluice_error *error)
{
    const char *folder = getenv("TMPDIR");
    forget_copy(objects);
    objects->copy = open(folder && *folder ? folder : "/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (objects->copy < 0)
        objects->copy = memfd_create("letters", MFD_CLOEXEC);
    if (objects->copy < 0)
        return letters_fail(error, "copy", text_get(&objects->letters), errno);
    text_printf(&objects->path, "/proc/self/fd/%d", objects->copy);
    return objects->path.has_failed ? letter_objects_no_memory(error) : SLUICE_OK;
}

static bool write_all(int to, const char *bytes, int64_t size)
{
    while (size > 0) {
        ssize_t put = write(to, bytes, (size_t)size);
        if (put < 0 && errno != EINTR)
            return false;
        bytes += put > 0 ? put : 0;
        size -= put > 0 ? put : 0;
    }
    return true;
}

static enum sluice_status copy_part(struct letter_objects *objects, const struct object_lines *from,
                                    const char *bytes, struct sluice_error *error)
{
    size_t count = objects->part_count;
    int64_t begin = count ? objects->parts[count - 1].end : 0;
    if (from->begin == from->end)
        return SLUICE_OK;
    if (count == objects->part_capacity) {
        size_t capacity = count ? count * 2 : 16;
        struct copied_part *grown = realloc(objects->parts, capacity * sizeof *grown);
        if (!grown)
            return letter_objects_no_memory(error);
        objects->parts = grown;
        objects->part_capacity = capacity;
    }
    struct copied_part *part = &objects->parts[count];
    *part = (struct copied_part){begin, begin + from->end - from->begin, *from};
    part->from.name = strdup(from->name);
    if (!part->from.name)
        return letter_objects_no_memory(error);
    objects->part_count++;
    return write_all(objects->copy, bytes + from->begin, from->end - from->begin)
               ? SLUICE_OK
               : letters_fail(error, "copy", text_get(&objects->letters), errno);
}

/* What of the object is in nobody's hands. */
static enum sluice_status copy_object(struct letter_objects *objects, char *name,
                                      const struct text *bytes,
                                      const struct object_lines_list *taken,
                                      struct sluice_error *error)
{
    struct object_lines rest = {.name = name, .size = (int64_t)bytes->size};
    enum sluice_status status = SLUICE_OK;
    for (size_t i = 0; i < taken->count && status == SLUICE_OK; i++) {
        const struct object_lines *lines = &taken->lines[i];
        if (strcmp(lines->name, name) != 0 || lines->end <= rest.begin)
            continue;
        rest.end = lines->begin > rest.begin ? lines->begin : rest.begin;
        status = copy_part(objects, &rest, text_get(bytes), error);
        rest.begin = lines->end;
    }
    rest.end = rest.size;
    if (status == SLUICE_OK && rest.begin < rest.end)
        status = copy_part(objects, &rest, text_get(bytes), error);
    return status;
}

enum sluice_status letter_objects_fetch(struct letter_objects *objects, struct sluice_error *error)
{
    char **names = NULL;
    size_t count = 0;
    struct object_lines_list taken = {0};
    struct text key = {0};
    struct text bytes = {0};
    enum sluice_status status = create_copy(objects, error);
    /* In this order: an object goes before the note that all of it was taken. */
    if (status == SLUICE_OK)
        status = letter_objects_names(objects, &names, &count, error);
    if (status == SLUICE_OK)
        status = object_claims_taken(objects, &taken, error);
    for (size_t i = 0; i < count && status == SLUICE_OK; i++) {
        bool is_there = false;
        text_clear(&key);
        text_printf(&key, "%s%s", text_get(&objects->letters), names[i]);
        status = key.has_failed ? letter_objects_no_memory(error)
                                : state_store_get(objects->store, text_get(&key), &bytes, &is_there,
                                                  error);
        if (status == SLUICE_OK && is_there)
            status = copy_object(objects, names[i], &bytes, &taken, error);
    }
    letter_names_free(names, count);
    object_lines_reset(&taken);
    text_reset(&key);
    text_reset(&bytes);
    return status;
}
