/* SPDX-License-Identifier: Apache-2.0 */
/* What a line must be to become a row, case by case. */
#ifndef SLUICE_CODEC_JSON_TESTS_JSON_RULES_H
#define SLUICE_CODEC_JSON_TESTS_JSON_RULES_H

#include <sluice/types.h>

struct expectation {
    const char *line;
    const char *row; /* NULL: rejected */
    enum sluice_code code;
};

#define ROW(text, want)                                                                            \
    {                                                                                              \
        text, want, SLUICE_CODE_NONE                                                               \
    }
#define BAD(text, why)                                                                             \
    {                                                                                              \
        text, NULL, SLUICE_CODE_##why                                                              \
    }

static const char *const flat_fields[4] = {"s:string!", "i:int64", "f:float64", "b:bool"};

static const struct expectation flat_cases[] = {
    ROW("{\"s\":\"a\",\"i\":1,\"f\":1.5,\"b\":true}", "a|1|1.5|true"),
    ROW(" { \"s\" : \"a\" , \"i\" : 1 , \"f\" : 1e3 , \"b\" : false } \t", "a|1|1000|false"),
    ROW("{\"b\":true,\"f\":2,\"i\":-3,\"s\":\"z\"}", "z|-3|2|true"),
    ROW("{\"s\":\"\"}", "|~|~|~"),
    ROW("{\"s\":\"a\",\"i\":null,\"f\":null,\"b\":null}", "a|~|~|~"),
    ROW("{\"s\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9\\ud83d\\ude00\"}",
        "a\"\\/\b\f\n\r\tA\xc3\xa9\xf0\x9f\x98\x80|~|~|~"),
    ROW("{\"s\":\"caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac\"}",
        "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac|~|~|~"),
    ROW("{\"\\u0073\":\"escaped key\"}", "escaped key|~|~|~"),
    ROW("{\"x\":[1,{\"s\":\"inner\"},[]],\"s\":\"outer\",\"y\":{}}", "outer|~|~|~"),
    ROW("{\"s\":\"a\",\"x\":1,\"x\":2}", "a|~|~|~"),
    ROW("{\"s\":\"a\",\"i\":9007199254740993}", "a|9007199254740993|~|~"),
    ROW("{\"s\":\"a\",\"i\":9223372036854775807}", "a|9223372036854775807|~|~"),
    ROW("{\"s\":\"a\",\"i\":-9223372036854775808}", "a|-9223372036854775808|~|~"),
    ROW("{\"s\":\"a\",\"x\":123456789012345678901234567890,\"y\":1e999}", "a|~|~|~"),
    ROW("{\"s\":\"a\",\"i\":-0,\"f\":-0.0}", "a|0|-0|~"),
    ROW("{\"s\":\"a\",\"f\":1e-400}", "a|~|0|~"),
    ROW("{\"s\":\"a\",\"f\":5e-324}", "a|~|5e-324|~"),
    ROW("{\"s\":\"a\",\"f\":0.1}", "a|~|0.1|~"),
    ROW("{\"s\":\"01234567890123456789012345678901234567890123456789\"}",
        "01234567890123456789012345678901234567890123456789|~|~|~"),
    BAD("{\"s\":\"a\",\"i\":9223372036854775808}", NUMBER_RANGE),
    BAD("{\"s\":\"a\",\"i\":-9223372036854775809}", NUMBER_RANGE),
    BAD("{\"s\":\"a\",\"i\":123456789012345678901234567890}", NUMBER_RANGE),
    BAD("{\"s\":\"a\",\"f\":1e999}", NUMBER_RANGE),
    BAD("{\"s\":\"a\",\"i\":1.0}", TYPE_MISMATCH),
    BAD("{\"s\":\"a\",\"i\":\"1\"}", TYPE_MISMATCH),
    BAD("{\"s\":1}", TYPE_MISMATCH),
    BAD("{\"s\":[\"a\"]}", TYPE_MISMATCH),
    BAD("{\"s\":{\"a\":1}}", TYPE_MISMATCH),
    BAD("{\"s\":\"a\",\"b\":1}", TYPE_MISMATCH),
    BAD("{\"s\":\"a\",\"f\":true}", TYPE_MISMATCH),
    BAD("{\"i\":1}", FIELD_MISSING),
    BAD("{}", FIELD_MISSING),
    BAD("{\"s\":null}", FIELD_MISSING),
    BAD("{\"s\":\"a\",\"s\":\"a\"}", FIELD_DUPLICATE),
    BAD("{\"s\":\"a\",\"i\":1,\"\\u0069\":2}", FIELD_DUPLICATE),
    BAD("[1,2]", JSON_NOT_OBJECT),
    BAD("\"text\"", JSON_NOT_OBJECT),
    BAD("12", JSON_NOT_OBJECT),
    BAD("null", JSON_NOT_OBJECT),
    BAD(" true ", JSON_NOT_OBJECT),
    BAD("[1,2", JSON_MALFORMED),
    BAD("nul", JSON_MALFORMED),
    BAD("\"text", JSON_MALFORMED),
    BAD("not json", JSON_MALFORMED),
    BAD("{\"s\":\"a\"", JSON_MALFORMED),
    BAD("{\"s\":\"a\"}}", JSON_MALFORMED),
    BAD("{\"s\":\"a\"} x", JSON_MALFORMED),
    BAD("{\"s\":\"a\"}{\"s\":\"b\"}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",,\"i\":1}", JSON_MALFORMED),
    BAD("{,\"s\":\"a\"}", JSON_MALFORMED),
    BAD("{\"s\" \"a\"}", JSON_MALFORMED),
    BAD("{\"s\"}", JSON_MALFORMED),
    BAD("{\"s\":}", JSON_MALFORMED),
    BAD("{s:\"a\"}", JSON_MALFORMED),
    BAD("{'s':'a'}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":01}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":1.}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":.5}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":+1}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":1e}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":-}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":0x10}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":NaN}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":1 2}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":truex}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":True}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":\"\\x\"}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":\"\\u12g4\"}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":\"\\ud800\"}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":\"\\udc00\"}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":\"\\ud800\\u0041\"}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":\"tab\there\"}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":[1,2}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":[1,]}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":[1 2]}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":{\"y\":1}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"x\":{\"y\" 1}}", JSON_MALFORMED),
    BAD("{\"s\":\"a\",\"\\x\":1}", JSON_MALFORMED),
    BAD("{\"s\":\"a\" \"i\":1}", JSON_MALFORMED),
    BAD("{\"s\":\"a\"]", JSON_MALFORMED),
    BAD("{", JSON_MALFORMED),
    BAD("{\"", JSON_MALFORMED),
    BAD("{\"s", JSON_MALFORMED),
    BAD("{\"s\"", JSON_MALFORMED),
    BAD("{\"s\":", JSON_MALFORMED),
    BAD("{\"s\":\"a", JSON_MALFORMED),
    BAD("{\"s\":\"a\",", JSON_MALFORMED),
    BAD("{\"s\":\"\xff\"}", UTF8_INVALID),
    BAD("{\"s\":\"a\",\"x\":\"\xc3\"}", UTF8_INVALID),
    BAD("{\"s\":\"a\",\"x\":\"\xed\xa0\x80\"}", UTF8_INVALID),
    BAD("{\"s\":\"a\",\"x\xc0\xaf\":1}", UTF8_INVALID),
};

static const char *const typed_fields[4] = {"t:timestamp", "e:timestamp%epoch_ms", "raw:binary",
                                            "deep:int64@a.b.c"};

static const struct expectation typed_cases[] = {
    ROW("{\"t\":\"2026-01-02T03:04:05Z\"}", "2026-01-02T03:04:05Z|~|~|~"),
    ROW("{\"t\":\"2026-01-02T03:04:05.123456+02:00\"}", "2026-01-02T01:04:05.123456Z|~|~|~"),
    ROW("{\"e\":1500}", "~|1970-01-01T00:00:01.500Z|~|~"),
    ROW("{\"e\":\"1500\"}", "~|1970-01-01T00:00:01.500Z|~|~"),
    ROW("{\"a\":{\"b\":{\"c\":7,\"d\":1},\"x\":[]}}", "~|~|~|7"),
    ROW("{\"a\":{\"b\":{}}}", "~|~|~|~"),
    ROW("{\"a\":1}", "~|~|~|~"),
    ROW("{\"c\":7}", "~|~|~|~"),
    BAD("{\"a\":{\"b\":{\"c\":7,\"c\":8}}}", FIELD_DUPLICATE),
    BAD("{\"a\":{\"b\":{\"c\":\"7\"}}}", TYPE_MISMATCH),
    BAD("{\"t\":\"yesterday\"}", TIMESTAMP_INVALID),
    BAD("{\"t\":\"2026-02-30T00:00:00Z\"}", TIMESTAMP_INVALID),
    BAD("{\"t\":1500}", TYPE_MISMATCH),
    BAD("{\"raw\":\"not base64!\"}", TYPE_MISMATCH),
};

#endif
