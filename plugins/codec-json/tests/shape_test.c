/* SPDX-License-Identifier: Apache-2.0 */
/* Reading by the shape of the last record against reading key by key, and against simdjson: over
 * lines of several shapes, with bytes changed, put in, left out and taken from other lines. */
#include "flat_record.h"
#include "row_scan.h"
#include "simdjson_shim.h"

#include "test_host/test_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LINE_LIMIT = 600, FIELDS = 4 };

static const char *const seeds[] = {
    "{\"user\":\"u000017\",\"url\":\"https://shop.example/"
    "a?b=c\",\"n\":17,\"city\":\"\xc3\x85rhus\"}",
    "{\"user\":\"u1\",\"url\":\"\",\"n\":-0.5e7,\"city\":\"x\"}",
    "{ \"user\" : \"u2\" , \"url\" : \"/\" , \"n\" : null , \"city\" : \"a longer one, with a "
    "comma\" } ",
    "{\"n\":1,\"user\":\"u3\",\"city\":\"y\"}",
    "{\"user\":\"u4\",\"other\":\"\xe2\x82\xac\",\"\xc3\xa9\":true,\"url\":\"/"
    "z\",\"n\":2,\"city\":\"\"}",
    "{\"user\":\"u5\",\"user\":\"u6\",\"url\":\"/\",\"n\":0,\"city\":\"\"}",
    "{\"user\":\"a \\\"b\\\"\",\"url\":{\"x\":[1,\"2\"]},\"n\":3,\"city\":\"\\u00e9\"}",
    "{}",
    "[1]",
};
enum { SEEDS = sizeof seeds / sizeof *seeds };

static uint64_t random_state;

static uint32_t draw(size_t below)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % below);
}

static size_t make_line(char line[LINE_LIMIT])
{
    static const char bytes[] = "\"\\{}[]:,0-.eE1tfnu \t\r\x01\x7f\x80\xc3\xff/";
    const char *seed = seeds[draw(4) ? draw(2) : draw(SEEDS)];
    size_t size = strlen(seed);
    memcpy(line, seed, size);
    for (uint32_t changes = draw(3) ? 0 : 1 + draw(3); changes > 0 && size > 1; changes--) {
        size_t at = draw(size);
        uint32_t kind = draw(4);
        if (kind == 0 && size < LINE_LIMIT - 1) {
            memmove(line + at + 1, line + at, size++ - at);
        } else if (kind == 1) {
            memmove(line + at, line + at + 1, --size - at);
            continue;
        } else if (kind == 2) {
            const char *other = seeds[draw(SEEDS)];
            line[at] = other[draw(strlen(other))];
            continue;
        }
        line[at] = bytes[draw(sizeof bytes - 1)];
    }
    return size;
}

static int find_child(void *user, int node, const char *key, size_t size)
{
    return json_record_child(user, node, JSON_NO_NODE, key, size);
}

static void put_value(void *user, int node, enum json_kind kind, const char *bytes, size_t size)
{
    json_record_put(user, node, kind, bytes, size);
}

static void compare(const struct json_record *one, const struct json_record *other)
{
    assert_int_equal(one->duplicate, other->duplicate);
    for (size_t i = 0; one->duplicate == JSON_NO_NODE && i < FIELDS; i++) {
        const struct json_node *slot = &one->nodes[one->field_nodes[i]];
        const struct json_node *same = &other->nodes[other->field_nodes[i]];
        assert_int_equal(slot->record == one->number, same->record == other->number);
        if (slot->record == one->number) {
            assert_int_equal(slot->kind, same->kind);
            assert_int_equal(slot->size, same->size);
            assert_memory_equal(slot->bytes, same->bytes, slot->size);
        }
    }
}

struct readers {
    struct json_record by_shape;
    struct json_record by_key;
    struct json_record by_library;
    struct json_shape shape;
    struct json_parser *parser;
    struct text_reader reader;
    struct record_rows rows;
    struct row_block block;
    struct json_row_scan scan;
    int led;     /* read by the shape of the line before */
    int scanned; /* read so into the block */
};

/* What the scan tells of a line is what the reader by key found. */
static void compare_cells(struct readers *readers)
{
    const struct json_record *record = &readers->by_key;
    assert_int_equal(record->duplicate, JSON_NO_NODE);
    for (size_t i = 0; i < FIELDS; i++) {
        const struct json_node *slot = &record->nodes[record->field_nodes[i]];
        struct sluice_string cell =
            *row_block_cells(&readers->block, row_block_slot(&readers->block, i));
        bool is_value = slot->record == record->number && slot->kind != JSON_NULL;
        assert_ptr_equal(cell.bytes, is_value ? slot->bytes : NULL);
        assert_int_equal(cell.size, is_value ? slot->size : 0);
    }
}

/* In each version that this machine can run. Answers whether they took the line. */
static bool scan_line(struct readers *readers, const char *bytes, size_t size)
{
    bool is_taken = false;
    for (enum vector_level level = VECTOR_BASE; level <= vector_level(); level++) {
        json_take_row take = VECTOR_VERSION(json_take_row, level);
        bool is_whole = take(&readers->scan, bytes, size) == size;
        assert_true(level == VECTOR_BASE || is_whole == is_taken);
        is_taken = is_whole;
    }
    return is_taken;
}

static void read_line(struct readers *readers, const char *line, size_t size)
{
    char *bytes = malloc(size + SLUICE_PADDING); /* for sanitizers to see its end */
    assert_non_null(bytes);
    memcpy(bytes, line, size);
    memset(bytes + size, '"', SLUICE_PADDING);
    struct json_shape none = {.member_count = 0};
    uint64_t before = readers->by_shape.number;
    if (row_scan_prepare(&readers->scan) && scan_line(readers, bytes, size)) {
        assert_true(flat_record_read(&readers->by_key, &none, bytes, size));
        compare_cells(readers);
        readers->scanned++;
    }
    none.member_count = 0;
    bool is_read = flat_record_read(&readers->by_shape, &readers->shape, bytes, size);
    assert_int_equal(is_read, flat_record_read(&readers->by_key, &none, bytes, size));
    if (is_read) {
        readers->led += readers->by_shape.number == before + 1;
        compare(&readers->by_shape, &readers->by_key);
        memset(bytes + size, 0, SLUICE_PADDING);
        const struct json_visitor visitor = {&readers->by_library, find_child, put_value};
        const char *reason;
        json_record_begin(&readers->by_library);
        assert_int_equal(json_parser_walk(readers->parser, bytes, size, &visitor, &reason),
                         JSON_WALKED);
        compare(&readers->by_shape, &readers->by_library);
    }
    free(bytes);
}

static void damaged_lines_are_read_the_same_whatever_came_before(void **state)
{
    (void)state;
    random_state = 7;
    struct test_host *test = test_host_create();
    const struct sluice_schema *schema =
        test_schema(test, "user:string!", "url:string!", "n:int64", "city:string", NULL);
    struct readers readers = {.parser = json_parser_create()};
    assert_non_null(readers.parser);
    assert_true(json_parser_reserve(readers.parser, LINE_LIMIT));
    struct json_record *const records[] = {&readers.by_shape, &readers.by_key, &readers.by_library};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(json_record_init(records[i], &test->host, schema, test->error), SLUICE_OK);
    }
    static const bool is_epoch[FIELDS];
    assert_int_equal(text_reader_init(&readers.reader, &test->host, test->error), SLUICE_OK);
    assert_int_equal(rows_init(&readers.rows, &readers.reader, schema, schema, test->error),
                     SLUICE_OK);
    assert_int_equal(row_block_init(&readers.block, &readers.rows, &readers.reader, test->error),
                     SLUICE_OK);
    row_scan_init(&readers.scan, &readers.by_shape, &readers.shape, is_epoch, &readers.block);
    for (int round = 0; round < 300000; round++) {
        char line[LINE_LIMIT];
        size_t size = make_line(line);
        read_line(&readers, line, size);
    }
    assert_true(readers.led > 30000);
    assert_true(readers.scanned > 20000);
    row_block_reset(&readers.block);
    rows_reset(&readers.rows);
    text_reader_reset(&readers.reader);
    for (size_t i = 0; i < 3; i++) {
        json_record_reset(records[i]);
    }
    json_parser_destroy(readers.parser);
    test_host_destroy(test);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_lines_are_read_the_same_whatever_came_before),
    };
    return cmocka_run_group_tests_name("shape", tests, NULL, NULL);
}
