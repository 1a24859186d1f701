/* SPDX-License-Identifier: Apache-2.0 */
/* URLs, keys, requests, answers, errors and ETags of the S3 protocol, without a server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "object_store/s3/message.h"
#include "test_host/test_host.h"

static struct test_host *test;

static int set_up(void **state)
{
    (void)state;
    test = test_host_create();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    test_host_destroy(test);
    return 0;
}

static void assert_url(const char *url, bool is_local, const char *bucket, const char *prefix)
{
    struct object_url parts;
    assert_int_equal(object_url_parse(&test->host, url, &parts, test->error), SLUICE_OK);
    assert_int_equal(parts.is_local, is_local);
    assert_int_equal(parts.bucket.size, strlen(bucket));
    assert_memory_equal(parts.bucket.bytes, bucket, parts.bucket.size);
    assert_int_equal(parts.prefix.size, strlen(prefix));
    assert_memory_equal(parts.prefix.bytes, prefix, parts.prefix.size);
}

static void urls_are_taken_apart(void **state)
{
    (void)state;
    assert_url("s3://bucket", false, "bucket", "");
    assert_url("s3://bucket/", false, "bucket", "");
    assert_url("s3://bucket/raw/", false, "bucket", "raw");
    assert_url("s3://b.u-c_k/a/b c//", false, "b.u-c_k", "a/b c");
    assert_url("file:data/raw/", true, "data/raw", "");
    assert_url("file:/abs", true, "/abs", "");
    assert_url("file:///abs/", true, "/abs", "");
    assert_url("file:/", true, "/", "");
}

static void urls_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "bucket",
                                      "http://host/bucket",
                                      "s3://",
                                      "s3:///raw",
                                      "s3a://b/raw",
                                      "s3://bu cket/",
                                      "file:",
                                      "file://host/a",
                                      "s3://ab"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct object_url parts;
        assert_int_equal(object_url_parse(&test->host, bad[i], &parts, test->error), SLUICE_CONFIG);
    }
}

static void keys_that_leave_their_folder_are_unsafe(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "a/b", "dt=2024-01-01/x.json", "..a/b..", "a b+%=ä"};
    static const char *const bad[] = {"", "/a", "a/", "a//b", "../a", "a/../b", "a/.", "a\nb"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(object_key_check(&test->host, good[i], test->error), SLUICE_OK);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(object_key_check(&test->host, bad[i], test->error), SLUICE_REJECT);
        assert_int_equal(error_code(test->error), SLUICE_CODE_KEY_UNSAFE);
    }
    char longest[OBJECT_KEY_LIMIT + 2];
    memset(longest, 'a', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(object_key_check(&test->host, longest, test->error), SLUICE_REJECT);
}

static void etags_are_compared_without_their_quotes(void **state)
{
    (void)state;
    assert_true(object_etag_equal("\"abc\"", "abc"));
    assert_false(object_etag_equal("abc", "abd"));
    assert_false(object_etag_equal("", ""));
}

static const struct aws_credentials keys = {.access_key = (char[]){"ID"},
                                            .secret_key = (char[]){"SECRET"},
                                            .session_token = (char[]){"TOKEN"}};

static void requests_are_signed_as_they_are_sent(void **state)
{
    (void)state;
    const struct s3_target target = {"http",   "localhost:9000", "/base",
                                     "bucket", "us-east-1",      true, 0};
    const struct s3_request request = {.method = "GET",
                                       .key = "a b/c+d=ä",
                                       .query = {{"uploadId", "x/y="}, {"partNumber", "1"}},
                                       .headers = {{"if-match", "\"e\""}, {"range", NULL}}};
    struct s3_signed_request sent;
    assert_int_equal(s3_request_sign(&test->host, &target, &request, &keys, &sent, test->error),
                     SLUICE_OK);
    assert_string_equal(counted_get(&sent.url),
                        "http://localhost:9000/base/bucket/a%20b/c%2Bd%3D%C3%A4"
                        "?partNumber=1&uploadId=x%2Fy%3D");
    assert_int_equal(sent.header_count, 5);
    assert_non_null(strstr(counted_get(&sent.authorization),
                           "SignedHeaders=host;if-match;x-amz-content-sha256;x-amz-date;"
                           "x-amz-security-token, "));
    assert_null(strstr(counted_get(&sent.authorization), "SECRET"));
    s3_signed_request_free(&sent);
}

static void virtual_hosts_carry_the_bucket_in_their_name(void **state)
{
    (void)state;
    const struct s3_target target = {
        "https", "s3.eu-west-1.amazonaws.com", "", "bucket", "eu-west-1", false, 0};
    const struct s3_request request = {.method = "GET", .query = {{"list-type", "2"}}};
    struct s3_signed_request sent;
    assert_int_equal(s3_request_sign(&test->host, &target, &request, &keys, &sent, test->error),
                     SLUICE_OK);
    assert_string_equal(counted_get(&sent.url),
                        "https://bucket.s3.eu-west-1.amazonaws.com/?list-type=2");
    s3_signed_request_free(&sent);
}

static void requests_survive_every_failing_allocation(void **state)
{
    (void)state;
    const struct s3_target target = {"http", "h", "", "bucket", "us-east-1", true, 0};
    const struct s3_request request = {.method = "GET", .key = "a"};
    enum sluice_status status = SLUICE_FATAL;
    for (int64_t left = 0; status != SLUICE_OK && left < 100; left++) {
        struct s3_signed_request sent;
        test->allocations_left = left;
        status = s3_request_sign(&test->host, &target, &request, &keys, &sent, test->error);
        if (status == SLUICE_OK) {
            s3_signed_request_free(&sent);
        }
        assert_int_equal(test->account.used_bytes, 0);
    }
    assert_int_equal(status, SLUICE_OK);
}

static enum sluice_status parse(const char *xml, struct s3_page *page)
{
    return s3_page_parse(&test->host, xml, strlen(xml), page, test->error);
}

#define XMLNS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

static void listings_give_their_entries_and_where_they_go_on(void **state)
{
    (void)state;
    struct s3_page page;
    assert_int_equal(
        parse("<?xml version=\"1.0\"?>\n<ListBucketResult" XMLNS ">\n<Name>b</Name>"
              "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
              "<Contents><Key>a+b%2Bc/%C3%A4</Key><ETag>&quot;e1&quot;</ETag><Size>12</Size>"
              "<Owner><ID>Key</ID></Owner></Contents>"
              "<Contents>\n <Size>0</Size> <Key>z</Key></Contents>"
              "<NextContinuationToken>tok/+=</NextContinuationToken></ListBucketResult>",
              &page),
        SLUICE_OK);
    assert_int_equal(page.count, 2);
    assert_true(page.is_truncated);
    assert_string_equal(page.strings.buffer.data + page.entries[0].key, "a b+c/ä");
    assert_string_equal(page.strings.buffer.data + page.entries[0].etag, "\"e1\"");
    assert_int_equal(page.entries[0].size, 12);
    assert_string_equal(page.strings.buffer.data + page.entries[1].etag, "");
    assert_string_equal(counted_get(&page.next_token), "tok/+=");
    s3_page_free(&page);
}

static void keys_are_taken_as_they_are_where_the_server_does_not_encode(void **state)
{
    (void)state;
    struct s3_page page;
    assert_int_equal(parse("<ListBucketResult><IsTruncated>false</IsTruncated><Contents>"
                           "<Key> a+b%20&amp;&lt;<![CDATA[<x>]]> </Key><Size>1</Size></Contents>"
                           "</ListBucketResult>",
                           &page),
                     SLUICE_OK);
    assert_string_equal(page.strings.buffer.data + page.entries[0].key, " a+b%20&<<x> ");
    assert_false(page.is_truncated);
    s3_page_free(&page);
}

static void upload_listings_give_ids_and_both_markers(void **state)
{
    (void)state;
    struct s3_page page;
    assert_int_equal(parse("<ListMultipartUploadsResult><EncodingType>url</EncodingType>"
                           "<IsTruncated>true</IsTruncated><NextKeyMarker>k%2F1</NextKeyMarker>"
                           "<NextUploadIdMarker>id9</NextUploadIdMarker><Upload><Key>k%2F1</Key>"
                           "<UploadId>id9</UploadId></Upload></ListMultipartUploadsResult>",
                           &page),
                     SLUICE_OK);
    assert_string_equal(page.strings.buffer.data + page.entries[0].upload_id, "id9");
    assert_string_equal(counted_get(&page.next_key), "k/1");
    assert_string_equal(counted_get(&page.next_upload), "id9");
    s3_page_free(&page);
}

static void hostile_and_cut_listings_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "not xml",
        "<html><body>Welcome</body></html>",
        "<ListBucketResult><Contents><Key>a</Key>",
        "<ListBucketResult><Contents><Key>a</Key><Size>1</Si",
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key><Size>99999999999999999999</Size></Contents>"
        "</ListBucketResult>",
        "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%2</Key><Size>1</Size>"
        "</Contents></ListBucketResult>",
        "<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>a%00b</Key><Size>1</Size>"
        "</Contents></ListBucketResult>",
        "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><ListBucketResult><Contents>"
        "<Key>&b;</Key></Contents></ListBucketResult>",
        "<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]><ListBucketResult><Name>&f;</Name>"
        "</ListBucketResult>",
        "<a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></a></a></a></a>"
        "</a></a>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct s3_page page;
        assert_int_equal(parse(bad[i], &page), SLUICE_FATAL);
        assert_int_equal(error_code(test->error), SLUICE_CODE_PROTOCOL_ERROR);
        assert_int_equal(test->account.used_bytes, 0);
    }
}

static void listings_survive_every_failing_allocation(void **state)
{
    (void)state;
    enum sluice_status status = SLUICE_FATAL;
    for (int64_t left = 0; status != SLUICE_OK && left < 100; left++) {
        struct s3_page page;
        test->allocations_left = left;
        status =
            parse("<ListBucketResult><NextContinuationToken>t</NextContinuationToken><Contents>"
                  "<Key>a</Key></Contents></ListBucketResult>",
                  &page);
        if (status == SLUICE_OK) {
            s3_page_free(&page);
        }
        assert_int_equal(test->account.used_bytes, 0);
    }
    assert_int_equal(status, SLUICE_OK);
}

static void error_bodies_give_code_message_and_region(void **state)
{
    (void)state;
    struct s3_statement statement;
    const char *xml = "<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message>"
                      "<Region>eu-west-1</Region></Error>";
    assert_true(s3_statement_parse(&test->host, xml, strlen(xml), &statement, test->error));
    assert_string_equal(statement.root, "Error");
    assert_string_equal(statement.code, "PermanentRedirect");
    assert_string_equal(statement.region, "eu-west-1");
    assert_false(s3_statement_parse(&test->host, "<Er", 3, &statement, test->error));
    assert_false(s3_statement_parse(&test->host, NULL, 0, &statement, test->error));
}

static void server_codes_have_verdicts(void **state)
{
    (void)state;
    assert_int_equal(s3_verdict_find("SlowDown")->status, SLUICE_RETRY);
    assert_int_equal(s3_verdict_find("NoSuchBucket")->code, SLUICE_CODE_NOT_FOUND);
    assert_int_equal(s3_verdict_find("SignatureDoesNotMatch")->code, SLUICE_CODE_AUTH_FAILED);
    assert_int_equal(s3_verdict_find("NoSuchUpload")->outcome, OBJECT_NO_UPLOAD);
    assert_null(s3_verdict_find("Unheard"));
}

static void the_completed_etag_is_known_beforehand(void **state)
{
    (void)state;
    /* md5("a") and md5("b"); the sum was made with another program */
    const struct object_part parts[] = {{1, 1, "\"0cc175b9c0f1b6a831c399e269772661\""},
                                        {2, 1, "92eb5ffee6ae2fec3ad71c777531578f"}};
    char etag[OBJECT_ETAG_SIZE];
    s3_completion_etag(parts, 2, etag);
    assert_string_equal(etag, "96e024ba2074fe77e8e965ba43a704be-2");
}

static void etags_that_are_no_md5_give_none(void **state)
{
    (void)state;
    const struct object_part parts[] = {{1, 1, "\"not-an-md5\""}};
    char etag[OBJECT_ETAG_SIZE] = "x";
    s3_completion_etag(parts, 1, etag);
    assert_string_equal(etag, "");
}

static void the_completing_body_names_every_part(void **state)
{
    (void)state;
    const struct object_part parts[] = {{1, 1, "\"a\""}, {2, 1, "<&>"}};
    struct counted_text body;
    counted_init(&body, &test->host);
    s3_completion_body(&body, parts, 2);
    assert_string_equal(
        counted_get(&body),
        "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        "<Part><PartNumber>1</PartNumber><ETag>\"a\"</ETag></Part>"
        "<Part><PartNumber>2</PartNumber><ETag>&lt;&amp;&gt;</ETag></Part>"
        "</CompleteMultipartUpload>");
    counted_free(&body);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(urls_are_taken_apart),
        TEST(urls_that_cannot_be_are_refused),
        TEST(keys_that_leave_their_folder_are_unsafe),
        TEST(etags_are_compared_without_their_quotes),
        TEST(requests_are_signed_as_they_are_sent),
        TEST(virtual_hosts_carry_the_bucket_in_their_name),
        TEST(requests_survive_every_failing_allocation),
        TEST(listings_give_their_entries_and_where_they_go_on),
        TEST(keys_are_taken_as_they_are_where_the_server_does_not_encode),
        TEST(upload_listings_give_ids_and_both_markers),
        TEST(hostile_and_cut_listings_are_refused),
        TEST(listings_survive_every_failing_allocation),
        TEST(error_bodies_give_code_message_and_region),
        TEST(server_codes_have_verdicts),
        TEST(the_completed_etag_is_known_beforehand),
        TEST(etags_that_are_no_md5_give_none),
        TEST(the_completing_body_names_every_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
