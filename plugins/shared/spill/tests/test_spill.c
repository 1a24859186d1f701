/* SPDX-License-Identifier: Apache-2.0 */
/* Heaps on their way to disk and back, and a file that nobody sees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spill/byte_heap.h"
#include "test_host/test_host.h"

enum { COUNT = 3000 };

/* Mostly short, some longer than a block, some empty. */
static struct sluice_string make_value(char *room, size_t number)
{
    size_t size = number % 97 == 0 ? number * 7 % 40000 : number % 23;
    for (size_t i = 0; i < size; i++)
        room[i] = (char)(number + i);
    return (struct sluice_string){room, size};
}

static void expect_values(const struct byte_heap *heap, const uint32_t *refs, uint32_t base)
{
    char *room = malloc(40000);
    for (size_t i = 0; i < COUNT; i++) {
        struct sluice_string expected = make_value(room, i);
        struct sluice_string value = byte_heap_get(heap, refs[i] + base);
        assert_int_equal(value.size, expected.size);
        assert_memory_equal(value.bytes, expected.bytes, expected.size);
    }
    free(room);
}

static void values_come_back_from_disk_behind_others(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct byte_heap heap = {.host = &test->host};
    char *room = malloc(40000);
    uint32_t *refs = calloc(COUNT, sizeof(*refs));
    for (size_t i = 0; i < COUNT; i++)
        assert_true(byte_heap_add(&heap, make_value(room, i), &refs[i]));
    expect_values(&heap, refs, 0);

    struct spill_file *file = spill_file_create(&test->host);
    assert_int_equal(spill_file_append(file, "before", 6, test->error), SLUICE_OK);
    int64_t offset = spill_file_end(file);
    assert_int_equal(byte_heap_write(&heap, file, test->error), SLUICE_OK);
    assert_int_equal(spill_file_end(file), offset + (int64_t)byte_heap_size(&heap));

    struct byte_heap back = {.host = &test->host};
    uint32_t other;
    assert_true(byte_heap_add(&back, (struct sluice_string){"other", 5}, &other));
    uint32_t base;
    assert_int_equal(byte_heap_read(&back, file, offset, byte_heap_size(&heap), &base, test->error),
                     SLUICE_OK);
    expect_values(&back, refs, base);
    assert_memory_equal(byte_heap_get(&back, other).bytes, "other", 5);
    assert_int_equal(test->spilled_bytes, 6 + byte_heap_size(&heap));

    spill_file_destroy(file);
    byte_heap_reset(&back);
    byte_heap_reset(&heap);
    free(refs);
    free(room);
    test_host_destroy(test);
}

static int count_entries(const char *folder)
{
    DIR *entries = opendir(folder);
    int count = 0;
    while (readdir(entries))
        count++;
    closedir(entries);
    return count;
}

static void the_file_has_no_name(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    char folder[] = "/tmp/spill-test-XXXXXX";
    assert_non_null(mkdtemp(folder));
    test->run.spill_path = folder;
    struct spill_file *file = spill_file_create(&test->host);
    char *bytes = calloc(1, 1 << 20);
    assert_int_equal(spill_file_append(file, bytes, 1 << 20, test->error), SLUICE_OK);
    assert_int_equal(count_entries(folder), 2); /* . and .. */
    spill_file_destroy(file);
    free(bytes);
    assert_int_equal(rmdir(folder), 0);
    test_host_destroy(test);
}

static void a_folder_that_is_not_there_is_named_with_what_to_do(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    test->run.spill_path = "/nowhere/at all";
    struct spill_file *file = spill_file_create(&test->host);
    char *bytes = calloc(1, 1 << 20);
    assert_int_equal(spill_file_append(file, bytes, 1 << 20, test->error), SLUICE_FATAL);
    const char *message = error_message(test->error);
    assert_non_null(strstr(message, "step step"));
    assert_non_null(strstr(message, "/nowhere/at all: No such file or directory"));
    assert_non_null(strstr(message, "name another folder with `spill`"));
    spill_file_destroy(file);
    free(bytes);
    test_host_destroy(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_from_disk_behind_others),
        cmocka_unit_test(the_file_has_no_name),
        cmocka_unit_test(a_folder_that_is_not_there_is_named_with_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
