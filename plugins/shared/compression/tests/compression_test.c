/* SPDX-License-Identifier: Apache-2.0 */
/* What is packed unpacks to the same; what is damaged says so; bombs stay small. */
#include "compression/compression.h"
#include "test_host/test_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const enum compression kinds[] = {COMPRESSION_NONE, COMPRESSION_GZIP, COMPRESSION_ZSTD};

static void pack(struct test_host *test, enum compression kind, int level, const char *bytes,
                 size_t size, struct sluice_buffer *out)
{
    struct compressor *compressor;
    assert_int_equal(compressor_create(&test->host, kind, level, &compressor, test->error),
                     SLUICE_OK);
    for (size_t at = 0; at < size; at += 1000) {
        size_t piece = size - at < 1000 ? size - at : 1000;
        assert_int_equal(compressor_write(compressor, bytes + at, piece, out, test->error),
                         SLUICE_OK);
    }
    assert_int_equal(compressor_finish(compressor, out, test->error), SLUICE_OK);
    compressor_destroy(compressor);
}

/* Gives `step` bytes at a time and takes `room`; answers the status at the end. */
static enum sluice_status unpack(struct test_host *test, enum compression kind,
                                 const struct sluice_buffer *in, size_t step, size_t room,
                                 struct sluice_buffer *out)
{
    struct decompressor *decompressor;
    assert_int_equal(decompressor_create(&test->host, kind, &decompressor, test->error), SLUICE_OK);
    enum sluice_status status = SLUICE_OK;
    size_t at = 0;
    size_t before = 0;
    bool is_pending = true;
    while (status == SLUICE_OK && (at < in->size || is_pending)) {
        size_t given = in->size - at < step ? in->size - at : step;
        size_t consumed;
        before = out->size;
        status = decompressor_read(decompressor, in->data + at, given, &consumed, room, out,
                                   test->error);
        assert_true(out->size - before <= room);
        at += consumed;
        is_pending = out->size - before == room;
    }
    if (status == SLUICE_OK) {
        status = decompressor_end(decompressor, test->error);
    }
    decompressor_destroy(decompressor);
    return status;
}

static void what_is_packed_unpacks_to_the_same(void **state)
{
    (void)state;
    enum { SIZE = 200000 };
    char *bytes = malloc(SIZE);
    assert_non_null(bytes);
    for (size_t i = 0; i < SIZE; i++) {
        bytes[i] = (char)(i * i >> 3);
    }
    static const size_t sizes[] = {0, 1, 1000, SIZE};
    static const size_t steps[] = {1, 700, 1 << 20};
    for (size_t kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < 4; i++) {
            struct test_host *test = test_host_create();
            struct sluice_buffer packed = {0};
            pack(test, kinds[kind], (int)i, bytes, sizes[i], &packed);
            for (size_t step = 0; step < 3; step++) {
                struct sluice_buffer out = {0};
                assert_int_equal(unpack(test, kinds[kind], &packed, steps[step], 5000, &out),
                                 SLUICE_OK);
                assert_int_equal(out.size, sizes[i]);
                assert_true(sizes[i] == 0 || memcmp(out.data, bytes, sizes[i]) == 0);
                sluice_buffer_free(&test->host, &out);
            }
            sluice_buffer_free(&test->host, &packed);
            test_host_destroy(test);
        }
    }
    free(bytes);
}

static void members_and_frames_behind_each_other_are_one_stream(void **state)
{
    (void)state;
    for (size_t kind = 1; kind < 3; kind++) {
        for (size_t step = 1; step < 200; step += 13) {
            struct test_host *test = test_host_create();
            struct sluice_buffer packed = {0};
            struct sluice_buffer out = {0};
            pack(test, kinds[kind], 0, "one ", 4, &packed);
            pack(test, kinds[kind], 0, "", 0, &packed);
            pack(test, kinds[kind], 0, "two", 3, &packed);
            assert_int_equal(unpack(test, kinds[kind], &packed, step, 3, &out), SLUICE_OK);
            assert_int_equal(out.size, 7);
            assert_memory_equal(out.data, "one two", 7);
            sluice_buffer_free(&test->host, &packed);
            sluice_buffer_free(&test->host, &out);
            test_host_destroy(test);
        }
    }
}

static void a_stream_cut_off_anywhere_is_corrupt(void **state)
{
    (void)state;
    for (size_t kind = 1; kind < 3; kind++) {
        struct test_host *test = test_host_create();
        struct sluice_buffer packed = {0};
        pack(test, kinds[kind], 0, "some text, some more text", 25, &packed);
        for (size_t size = 1; size < packed.size; size++) {
            struct sluice_buffer cut = {.data = packed.data, .size = size};
            struct sluice_buffer out = {0};
            assert_int_equal(unpack(test, kinds[kind], &cut, 7, 1000, &out), SLUICE_REJECT);
            assert_int_equal(error_code(test->error), SLUICE_CODE_COMPRESSION_CORRUPT);
            sluice_buffer_free(&test->host, &out);
        }
        sluice_buffer_free(&test->host, &packed);
        test_host_destroy(test);
    }
}

static void a_changed_byte_is_found(void **state)
{
    (void)state;
    for (size_t kind = 1; kind < 3; kind++) {
        struct test_host *test = test_host_create();
        struct sluice_buffer packed = {0};
        pack(test, kinds[kind], 0, "some text, some more text", 25, &packed);
        packed.data[packed.size / 2] ^= 0x55;
        struct sluice_buffer out = {0};
        assert_int_equal(unpack(test, kinds[kind], &packed, 1000, 1000, &out), SLUICE_REJECT);
        sluice_buffer_free(&test->host, &out);
        sluice_buffer_free(&test->host, &packed);
        test_host_destroy(test);
    }
}

static void zeros_behind_a_gzip_member_are_padding_and_rubbish_is_not(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct sluice_buffer packed = {0};
    struct sluice_buffer out = {0};
    pack(test, COMPRESSION_GZIP, 0, "text", 4, &packed);
    sluice_buffer_reserve(&test->host, &packed, 10);
    memset(packed.data + packed.size, 0, 10);
    packed.size += 9;
    assert_int_equal(unpack(test, COMPRESSION_GZIP, &packed, 3, 100, &out), SLUICE_OK);
    assert_int_equal(out.size, 4);
    packed.data[packed.size++] = 'x';
    assert_int_equal(unpack(test, COMPRESSION_GZIP, &packed, 3, 100, &out), SLUICE_REJECT);
    sluice_buffer_free(&test->host, &packed);
    sluice_buffer_free(&test->host, &out);
    test_host_destroy(test);
}

static void a_bomb_comes_out_in_small_pieces(void **state)
{
    (void)state;
    enum { SIZE = 20 << 20 };
    char *zeros = calloc(1, SIZE);
    assert_non_null(zeros);
    for (size_t kind = 1; kind < 3; kind++) {
        struct test_host *test = test_host_create();
        struct sluice_buffer packed = {0};
        pack(test, kinds[kind], 1, zeros, SIZE, &packed);
        struct decompressor *decompressor;
        decompressor_create(&test->host, kinds[kind], &decompressor, test->error);
        size_t at = 0;
        size_t total = 0;
        struct sluice_buffer out = {0};
        do {
            out.size = 0;
            size_t consumed;
            assert_int_equal(decompressor_read(decompressor, packed.data + at, packed.size - at,
                                               &consumed, 65536, &out, test->error),
                             SLUICE_OK);
            at += consumed;
            total += out.size;
            assert_true(out.capacity <= 2 * 65536);
        } while (at < packed.size || out.size == 65536);
        assert_int_equal(total, SIZE);
        assert_int_equal(decompressor_end(decompressor, test->error), SLUICE_OK);
        decompressor_destroy(decompressor);
        sluice_buffer_free(&test->host, &packed);
        sluice_buffer_free(&test->host, &out);
        test_host_destroy(test);
    }
    free(zeros);
}

static void compression_is_told_by_first_bytes_then_by_name(void **state)
{
    (void)state;
    assert_int_equal(compression_detect("a.json", "\x1f\x8b\x08\x00", 4), COMPRESSION_GZIP);
    assert_int_equal(compression_detect("a.gz", "\x28\xb5\x2f\xfd", 4), COMPRESSION_ZSTD);
    assert_int_equal(compression_detect("a", "\x5e\x2a\x4d\x18", 4), COMPRESSION_ZSTD);
    assert_int_equal(compression_detect("a.json.GZ", "", 0), COMPRESSION_GZIP);
    assert_int_equal(compression_detect("a.zst", "{}", 2), COMPRESSION_ZSTD);
    assert_int_equal(compression_detect("a.json", "{}", 2), COMPRESSION_NONE);
    assert_int_equal(compression_detect(NULL, "", 0), COMPRESSION_NONE);
    assert_string_equal(compression_extension(COMPRESSION_ZSTD), ".zst");
}

static void levels_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct compressor *compressor;
    assert_int_equal(compressor_create(&test->host, COMPRESSION_GZIP, 10, &compressor, test->error),
                     SLUICE_CONFIG);
    assert_null(compressor);
    assert_int_equal(compressor_create(&test->host, COMPRESSION_ZSTD, 99, &compressor, test->error),
                     SLUICE_CONFIG);
    test_host_destroy(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_packed_unpacks_to_the_same),
        cmocka_unit_test(members_and_frames_behind_each_other_are_one_stream),
        cmocka_unit_test(a_stream_cut_off_anywhere_is_corrupt),
        cmocka_unit_test(a_changed_byte_is_found),
        cmocka_unit_test(zeros_behind_a_gzip_member_are_padding_and_rubbish_is_not),
        cmocka_unit_test(a_bomb_comes_out_in_small_pieces),
        cmocka_unit_test(compression_is_told_by_first_bytes_then_by_name),
        cmocka_unit_test(levels_that_do_not_exist_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
