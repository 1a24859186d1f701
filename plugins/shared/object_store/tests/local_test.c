/* SPDX-License-Identifier: Apache-2.0 */
/* A folder as an object store: the story of an upload, and what a crash leaves behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "object_store/object_store.h"
#include "test_host/test_host.h"

static struct test_host *test;
static char folder[64];
static struct object_store *store;
static enum object_outcome outcome;

static struct object_store *open_store(void)
{
    static const struct object_store_options options;
    struct object_store *opened = NULL;
    char url[128];
    snprintf(url, sizeof url, "file:%s/bucket", folder);
    assert_int_equal(object_store_create(&test->host, &options, url, &opened, test->error),
                     SLUICE_OK);
    assert_int_equal(object_store_open(opened, true, test->error), SLUICE_OK);
    return opened;
}

static int set_up(void **state)
{
    (void)state;
    test = test_host_create();
    snprintf(folder, sizeof folder, "/tmp/sluice-store-XXXXXX");
    assert_non_null(mkdtemp(folder));
    store = open_store();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    object_store_destroy(store);
    test_host_destroy(test);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void put(const char *key, const char *content)
{
    const struct object_upload object = {.key = key};
    test->now_ms++;
    assert_int_equal(
        object_put(store, &object, content, strlen(content), false, &outcome, test->error),
        SLUICE_OK);
    assert_int_equal(outcome, OBJECT_DONE);
}

static enum sluice_status add_entry(void *user, const struct object_entry *entry,
                                    struct sluice_error *why)
{
    (void)why;
    char *all = user;
    size_t size = strlen(all);
    snprintf(all + size, 1024 - size, "%s:%lld ", entry->key, (long long)entry->size);
    return SLUICE_OK;
}

static void assert_listing(const char *prefix, const char *expected)
{
    struct counted_text cursor;
    bool is_last = false;
    char all[1024] = "";
    counted_init(&cursor, &test->host);
    assert_int_equal(object_list(store, prefix, &cursor, &is_last, add_entry, all, test->error),
                     SLUICE_OK);
    assert_true(is_last);
    assert_string_equal(all, expected);
    counted_free(&cursor);
}

static void assert_uploads(const char *prefix, const char *expected)
{
    struct counted_text cursor;
    bool is_last = false;
    char all[1024] = "";
    counted_init(&cursor, &test->host);
    assert_int_equal(
        object_list_uploads(store, prefix, &cursor, &is_last, add_entry, all, test->error),
        SLUICE_OK);
    assert_string_equal(all, expected);
    counted_free(&cursor);
}

static struct object_part send(const struct object_upload *upload, int number, int64_t offset,
                               const char *content)
{
    struct object_part part = {.number = number, .size = (int64_t)strlen(content)};
    struct object_transfer *transfer = NULL;
    struct sluice_string bytes = {content, strlen(content)};
    assert_int_equal(
        object_part_start(store, upload, number, offset, bytes, &transfer, test->error), SLUICE_OK);
    assert_true(object_transfer_is_done(transfer));
    assert_int_equal(object_transfer_result(transfer, part.etag, test->error), SLUICE_OK);
    object_transfer_destroy(transfer);
    return part;
}

static void listing_is_in_bytewise_order_and_hides_uploads(void **state)
{
    (void)state;
    put("b", "1");
    put("a/z", "22");
    put("a.x", "333");
    put("dt=1/h=2/ä b+c%.json", "");
    struct counted_text id;
    counted_init(&id, &test->host);
    const struct object_upload upload = {.key = "a/new"};
    assert_int_equal(object_upload_create(store, &upload, &id, test->error), SLUICE_OK);
    assert_listing("", "a.x:3 a/z:2 b:1 dt=1/h=2/ä b+c%.json:0 ");
    assert_listing("a/", "a/z:2 ");
    assert_listing("nothing/", "");
    assert_uploads("a/", "a/new:-1 ");
    assert_uploads("b/", "");
    counted_free(&id);
}

static void upload_is_invisible_until_another_process_completes_it(void **state)
{
    (void)state;
    struct counted_text id;
    counted_init(&id, &test->host);
    struct object_upload upload = {.key = "dt=1/x.json"};
    assert_int_equal(object_upload_create(store, &upload, &id, test->error), SLUICE_OK);
    upload.id = counted_get(&id);
    struct object_part parts[] = {send(&upload, 1, 0, "hello "), send(&upload, 2, 6, "world")};
    char etag[OBJECT_ETAG_SIZE];
    assert_int_equal(object_upload_seal(store, &upload, parts, 2, etag, test->error), SLUICE_OK);
    assert_listing("", "");

    object_store_destroy(store);
    store = open_store();
    assert_int_equal(object_upload_complete(store, &upload, parts, 2, true, &outcome, test->error),
                     SLUICE_OK);
    assert_int_equal(outcome, OBJECT_DONE);
    assert_listing("", "dt=1/x.json:11 ");
    assert_uploads("", "");
    struct object_head head;
    assert_int_equal(object_head(store, upload.key, &head, &outcome, test->error), SLUICE_OK);
    assert_true(object_etag_equal(head.etag, etag));

    assert_int_equal(object_upload_complete(store, &upload, parts, 2, true, &outcome, test->error),
                     SLUICE_OK);
    assert_int_equal(outcome, OBJECT_NO_UPLOAD);
    counted_free(&id);
}

static void completion_does_not_overwrite_where_the_key_must_be_new(void **state)
{
    (void)state;
    put("x", "old");
    struct counted_text id;
    counted_init(&id, &test->host);
    struct object_upload upload = {.key = "x"};
    test->now_ms++;
    assert_int_equal(object_upload_create(store, &upload, &id, test->error), SLUICE_OK);
    upload.id = counted_get(&id);
    struct object_part part = send(&upload, 1, 0, "newer");
    assert_int_equal(object_upload_complete(store, &upload, &part, 1, true, &outcome, test->error),
                     SLUICE_OK);
    assert_int_equal(outcome, OBJECT_CHANGED);
    assert_listing("", "x:3 ");
    assert_int_equal(object_upload_complete(store, &upload, &part, 1, false, &outcome, test->error),
                     SLUICE_OK);
    assert_int_equal(outcome, OBJECT_DONE);
    assert_listing("", "x:5 ");
    counted_free(&id);
}

static void aborted_upload_leaves_nothing_and_may_be_aborted_again(void **state)
{
    (void)state;
    struct counted_text id;
    counted_init(&id, &test->host);
    struct object_upload upload = {.key = "x"};
    assert_int_equal(object_upload_create(store, &upload, &id, test->error), SLUICE_OK);
    upload.id = counted_get(&id);
    send(&upload, 1, 0, "bytes");
    assert_int_equal(object_upload_abort(store, "x", upload.id, test->error), SLUICE_OK);
    assert_int_equal(object_upload_abort(store, "x", upload.id, test->error), SLUICE_OK);
    assert_int_equal(object_upload_abort(store, "x", "../../etc", test->error), SLUICE_OK);
    assert_uploads("", "");
    counted_free(&id);
}

static void an_upload_that_another_process_aborted_is_told_before_it_is_decided(void **state)
{
    (void)state;
    struct counted_text id;
    char etag[OBJECT_ETAG_SIZE];
    struct object_transfer *transfer = NULL;
    counted_init(&id, &test->host);
    struct object_upload upload = {.key = "x"};
    assert_int_equal(object_upload_create(store, &upload, &id, test->error), SLUICE_OK);
    upload.id = counted_get(&id);
    struct object_part part = send(&upload, 1, 0, "bytes");
    assert_int_equal(object_upload_abort(store, "x", upload.id, test->error), SLUICE_OK);
    assert_int_equal(object_part_start(store, &upload, 2, 5, (struct sluice_string){"more", 4},
                                       &transfer, test->error),
                     SLUICE_NOT_CONNECTED);
    assert_int_equal(object_upload_seal(store, &upload, &part, 1, etag, test->error),
                     SLUICE_NOT_CONNECTED);
    assert_uploads("", "");
    counted_free(&id);
}

static void staged_bytes_that_were_cut_are_an_error(void **state)
{
    (void)state;
    struct counted_text id;
    counted_init(&id, &test->host);
    struct object_upload upload = {.key = "x"};
    assert_int_equal(object_upload_create(store, &upload, &id, test->error), SLUICE_OK);
    upload.id = counted_get(&id);
    struct object_part part = send(&upload, 1, 0, "bytes");
    part.size = 6;
    assert_int_equal(object_upload_complete(store, &upload, &part, 1, true, &outcome, test->error),
                     SLUICE_FATAL);
    assert_int_equal(error_code(test->error), SLUICE_CODE_STATE_CORRUPT);
    counted_free(&id);
}

static void reader_reads_the_listed_version_only(void **state)
{
    (void)state;
    put("x", "content");
    struct object_head head;
    assert_int_equal(object_head(store, "x", &head, &outcome, test->error), SLUICE_OK);
    struct object_entry entry = {.key = "x", .size = head.size, .etag = head.etag};
    struct object_reader *reader = NULL;
    struct sluice_buffer buffer = {0};
    assert_int_equal(object_reader_open(store, &entry, 3, &reader, test->error), SLUICE_OK);
    assert_int_equal(object_reader_read(reader, 0, &buffer, &outcome, test->error), SLUICE_OK);
    assert_int_equal(buffer.size, 4);
    assert_memory_equal(buffer.data, "tent", 4);
    assert_int_equal(object_reader_read(reader, 0, &buffer, &outcome, test->error), SLUICE_END);
    object_reader_close(reader);

    put("x", "changed");
    assert_int_equal(object_reader_open(store, &entry, 0, &reader, test->error), SLUICE_OK);
    assert_int_equal(object_reader_read(reader, 0, &buffer, &outcome, test->error), SLUICE_OK);
    assert_int_equal(outcome, OBJECT_CHANGED);
    object_reader_close(reader);
    entry.key = "gone";
    assert_int_equal(object_reader_open(store, &entry, 0, &reader, test->error), SLUICE_OK);
    assert_int_equal(object_reader_read(reader, 0, &buffer, &outcome, test->error), SLUICE_OK);
    assert_int_equal(outcome, OBJECT_ABSENT);
    object_reader_close(reader);
    sluice_buffer_free(&test->host, &buffer);
}

static void a_small_object_is_got_in_one_go_and_removed(void **state)
{
    (void)state;
    struct sluice_buffer buffer = {0};
    put("a/x", "content");
    put("empty", "");
    assert_int_equal(object_get(store, "a/x", 7, &buffer, &outcome, test->error), SLUICE_OK);
    assert_int_equal(outcome, OBJECT_DONE);
    assert_int_equal(buffer.size, 7);
    assert_memory_equal(buffer.data, "content", 7);
    buffer.size = 0;
    assert_int_equal(object_get(store, "a/x", 6, &buffer, &outcome, test->error), SLUICE_FATAL);
    assert_int_equal(error_code(test->error), SLUICE_CODE_RECORD_TOO_LONG);
    buffer.size = 0;
    assert_int_equal(object_get(store, "empty", 6, &buffer, &outcome, test->error), SLUICE_OK);
    assert_int_equal(outcome, OBJECT_DONE);
    assert_int_equal(buffer.size, 0);
    assert_int_equal(object_remove(store, "a/x", test->error), SLUICE_OK);
    assert_int_equal(object_remove(store, "a/x", test->error), SLUICE_OK);
    assert_int_equal(object_get(store, "a/x", 7, &buffer, &outcome, test->error), SLUICE_OK);
    assert_int_equal(outcome, OBJECT_ABSENT);
    sluice_buffer_free(&test->host, &buffer);
}

static void keys_cannot_leave_the_folder(void **state)
{
    (void)state;
    const struct object_upload object = {.key = "../evil"};
    assert_int_equal(object_put(store, &object, "x", 1, false, &outcome, test->error),
                     SLUICE_REJECT);
    assert_int_equal(error_code(test->error), SLUICE_CODE_KEY_UNSAFE);
}

static void a_file_in_the_way_of_a_folder_is_told(void **state)
{
    (void)state;
    put("a", "1");
    const struct object_upload object = {.key = "a/b"};
    assert_int_equal(object_put(store, &object, "x", 1, false, &outcome, test->error),
                     SLUICE_FATAL);
    assert_int_equal(error_code(test->error), SLUICE_CODE_IO_ERROR);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(listing_is_in_bytewise_order_and_hides_uploads),
        TEST(upload_is_invisible_until_another_process_completes_it),
        TEST(completion_does_not_overwrite_where_the_key_must_be_new),
        TEST(aborted_upload_leaves_nothing_and_may_be_aborted_again),
        TEST(an_upload_that_another_process_aborted_is_told_before_it_is_decided),
        TEST(staged_bytes_that_were_cut_are_an_error),
        TEST(reader_reads_the_listed_version_only),
        TEST(a_small_object_is_got_in_one_go_and_removed),
        TEST(keys_cannot_leave_the_folder),
        TEST(a_file_in_the_way_of_a_folder_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
