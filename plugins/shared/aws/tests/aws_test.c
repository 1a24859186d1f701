/* SPDX-License-Identifier: Apache-2.0 */
/* Signing is checked against the vectors that AWS publishes: the Signature Version 4 test suite
 * (key AKIDEXAMPLE, 2015-08-30) and the examples of the S3 API reference (2013-05-24). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "aws/aws.h"
#include "test_host/test_host.h"

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct aws_credentials suite_keys = {
    .access_key = (char[]){"AKIDEXAMPLE"},
    .secret_key = (char[]){"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"},
};
static struct aws_credentials s3_keys = {
    .access_key = (char[]){"AKIAIOSFODNN7EXAMPLE"},
    .secret_key = (char[]){"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
};

static void assert_signature(const struct aws_credentials *credentials,
                             const struct sigv4_request *request, const char *signed_headers,
                             const char *signature)
{
    struct test_host *test = test_host_create();
    struct counted_text authorization;
    counted_init(&authorization, &test->host);
    char expected[512];
    snprintf(expected, sizeof expected,
             "AWS4-HMAC-SHA256 Credential=%s/%.8s/us-east-1/%s/aws4_request, SignedHeaders=%s, "
             "Signature=%s",
             credentials->access_key, request->date, request->service, signed_headers, signature);
    assert_int_equal(sigv4_sign(request, credentials, &authorization, test->error), SLUICE_OK);
    assert_string_equal(counted_get(&authorization), expected);
    counted_free(&authorization);
    test_host_destroy(test);
}

static struct sigv4_request suite_request(const char *method, const char *query)
{
    static const struct sigv4_header headers[] = {
        {"host", "example.amazonaws.com"},
        {"x-amz-date", "20150830T123600Z"},
    };
    return (struct sigv4_request){.method = method,
                                  .path = "/",
                                  .query = query,
                                  .headers = headers,
                                  .header_count = 2,
                                  .payload_hash = EMPTY_HASH,
                                  .region = "us-east-1",
                                  .service = "service",
                                  .date = "20150830T123600Z"};
}

static void sigv4_signs_the_vectors_of_the_test_suite(void **state)
{
    (void)state;
    struct sigv4_request request = suite_request("GET", "");
    assert_signature(&suite_keys, &request, "host;x-amz-date",
                     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    request = suite_request("POST", "");
    assert_signature(&suite_keys, &request, "host;x-amz-date",
                     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    request = suite_request("GET", "Param1=value1&Param2=value2");
    assert_signature(&suite_keys, &request, "host;x-amz-date",
                     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

static void sigv4_sorts_and_trims_headers(void **state)
{
    (void)state;
    static const struct sigv4_header headers[] = {
        {"x-amz-date", "20150830T123600Z"},
        {"my-header2", " \"a   b   c\""},
        {"my-header1", " value1"},
        {"host", "example.amazonaws.com"},
    };
    struct sigv4_request request = suite_request("GET", "");
    request.headers = headers;
    request.header_count = 4;
    assert_signature(&suite_keys, &request, "host;my-header1;my-header2;x-amz-date",
                     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}

static struct sigv4_request s3_request(const char *method, const char *path, const char *query,
                                       const struct sigv4_header *headers, size_t count)
{
    return (struct sigv4_request){.method = method,
                                  .path = path,
                                  .query = query,
                                  .headers = headers,
                                  .header_count = count,
                                  .payload_hash = EMPTY_HASH,
                                  .region = "us-east-1",
                                  .service = "s3",
                                  .date = "20130524T000000Z"};
}

static void sigv4_signs_the_examples_of_the_s3_reference(void **state)
{
    (void)state;
    static const struct sigv4_header plain[] = {
        {"host", "examplebucket.s3.amazonaws.com"},
        {"x-amz-content-sha256", EMPTY_HASH},
        {"x-amz-date", "20130524T000000Z"},
    };
    static const struct sigv4_header ranged[] = {
        {"host", "examplebucket.s3.amazonaws.com"},
        {"range", "bytes=0-9"},
        {"x-amz-content-sha256", EMPTY_HASH},
        {"x-amz-date", "20130524T000000Z"},
    };
    struct sigv4_request request = s3_request("GET", "/test.txt", "", ranged, 4);
    assert_signature(&s3_keys, &request, "host;range;x-amz-content-sha256;x-amz-date",
                     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    request = s3_request("GET", "/", "lifecycle=", plain, 3);
    assert_signature(&s3_keys, &request, "host;x-amz-content-sha256;x-amz-date",
                     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
    request = s3_request("GET", "/", "max-keys=2&prefix=J", plain, 3);
    assert_signature(&s3_keys, &request, "host;x-amz-content-sha256;x-amz-date",
                     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

static void sigv4_signs_the_put_example_with_its_payload(void **state)
{
    (void)state;
    char hash[65];
    assert_true(sha256_hex("Welcome to Amazon S3.", 21, hash));
    assert_string_equal(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
    const struct sigv4_header headers[] = {
        {"date", "Fri, 24 May 2013 00:00:00 GMT"},
        {"host", "examplebucket.s3.amazonaws.com"},
        {"x-amz-content-sha256", hash},
        {"x-amz-date", "20130524T000000Z"},
        {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
    };
    struct sigv4_request request = s3_request("PUT", "/test%24file.text", "", headers, 5);
    request.payload_hash = hash;
    assert_signature(&s3_keys, &request,
                     "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

static void sigv4_survives_every_failing_allocation(void **state)
{
    (void)state;
    enum sluice_status status = SLUICE_FATAL;
    for (int64_t left = 0; status != SLUICE_OK && left < 100; left++) {
        struct test_host *test = test_host_create();
        struct counted_text authorization;
        counted_init(&authorization, &test->host);
        test->allocations_left = left;
        struct sigv4_request request = suite_request("GET", "");
        status = sigv4_sign(&request, &suite_keys, &authorization, test->error);
        counted_free(&authorization);
        test_host_destroy(test);
    }
    assert_int_equal(status, SLUICE_OK);
}

static void encoding_leaves_unreserved_characters_alone(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct counted_text text;
    counted_init(&text, &test->host);
    const char *key = "a b+c=d%e/\xc3\xa4~-._";
    aws_encode(&text, key, strlen(key), true);
    assert_string_equal(counted_get(&text), "a%20b%2Bc%3Dd%25e/%C3%A4~-._");
    counted_clear(&text);
    aws_encode(&text, "a/b", 3, false);
    assert_string_equal(counted_get(&text), "a%2Fb");
    counted_free(&text);
    test_host_destroy(test);
}

static void date_is_printed_in_utc(void **state)
{
    (void)state;
    char date[17];
    aws_date_print(1440938160000, date);
    assert_string_equal(date, "20150830T123600Z");
}

static const char profiles[] = "# keys\r\n"
                               "[default]\n"
                               "aws_access_key_id = ONE ; old\n"
                               "aws_secret_access_key=secret/with=equals\n"
                               "s3 =\n"
                               "  region = nested\n"
                               "\n"
                               "[ profile \t work ]\n"
                               "region=eu-west-1\r\n"
                               "broken line\n"
                               "[other";

static void assert_profile(const char *section, const char *key, const char *expected)
{
    struct sluice_string value;
    bool is_found = aws_profile_value(profiles, sizeof profiles - 1, section, key, &value);
    assert_int_equal(is_found, expected != NULL);
    if (expected) {
        assert_int_equal(value.size, strlen(expected));
        assert_memory_equal(value.bytes, expected, value.size);
    }
}

static void profile_values_are_found_in_their_section_only(void **state)
{
    (void)state;
    assert_profile("default", "aws_access_key_id", "ONE");
    assert_profile("default", "aws_secret_access_key", "secret/with=equals");
    assert_profile("default", "region", NULL);
    assert_profile("profile work", "region", "eu-west-1");
    assert_profile("profile work", "aws_access_key_id", NULL);
    assert_profile("profile wor", "region", NULL);
    assert_profile("other", "region", NULL);
}

static void clear_environment(void)
{
    static const char *const names[] = {
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
        "AWS_REGION",        "AWS_DEFAULT_REGION",    "AWS_ENDPOINT_URL",  "AWS_ENDPOINT_URL_S3"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsetenv(names[i]);
    }
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials", 1);
    setenv("AWS_CONFIG_FILE", "/nonexistent/config", 1);
}

static void write_file(char *path, const char *content)
{
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
}

static void credentials_come_from_the_environment_first(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct aws_credentials credentials;
    clear_environment();
    setenv("AWS_ACCESS_KEY_ID", "id", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_SESSION_TOKEN", "token", 1);
    assert_int_equal(aws_credentials_load(&test->host, &credentials, test->error), SLUICE_OK);
    assert_string_equal(credentials.access_key, "id");
    assert_string_equal(credentials.session_token, "token");
    aws_credentials_reset(&test->host, &credentials);

    unsetenv("AWS_ACCESS_KEY_ID");
    assert_int_equal(aws_credentials_load(&test->host, &credentials, test->error), SLUICE_CONFIG);
    assert_non_null(strstr(error_message(test->error), "AWS_ACCESS_KEY_ID is not"));
    assert_null(strstr(error_message(test->error), "secret"));
    test_host_destroy(test);
}

static void credentials_come_from_a_named_profile_of_either_file(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct aws_credentials credentials, again;
    char shared[] = "/tmp/sluice-aws-XXXXXX", config[] = "/tmp/sluice-aws-XXXXXX";
    clear_environment();
    write_file(shared, "[work]\naws_access_key_id=A\naws_secret_access_key=B\n");
    write_file(config, "[profile home]\naws_access_key_id=C\naws_secret_access_key=D\n"
                       "aws_session_token=E\nregion=eu-north-1\n");
    setenv("AWS_SHARED_CREDENTIALS_FILE", shared, 1);
    setenv("AWS_CONFIG_FILE", config, 1);
    setenv("AWS_PROFILE", "work", 1);
    assert_int_equal(aws_credentials_load(&test->host, &credentials, test->error), SLUICE_OK);
    assert_string_equal(credentials.access_key, "A");
    assert_null(credentials.session_token);
    setenv("AWS_PROFILE", "home", 1);
    assert_int_equal(aws_credentials_load(&test->host, &again, test->error), SLUICE_OK);
    assert_string_equal(again.session_token, "E");
    assert_false(aws_credentials_equal(&credentials, &again));
    struct counted_text region;
    counted_init(&region, &test->host);
    assert_int_equal(aws_region_find(NULL, &region, test->error), SLUICE_OK);
    assert_string_equal(counted_get(&region), "eu-north-1");
    counted_free(&region);
    aws_credentials_reset(&test->host, &credentials);
    aws_credentials_reset(&test->host, &again);
    test_host_destroy(test);
    unlink(shared);
    unlink(config);
}

static void missing_credentials_name_every_place_that_was_searched(void **state)
{
    (void)state;
    struct test_host *test = test_host_create();
    struct aws_credentials credentials;
    clear_environment();
    assert_int_equal(aws_credentials_load(&test->host, &credentials, test->error), SLUICE_CONFIG);
    assert_int_equal(error_code(test->error), SLUICE_CODE_AUTH_FAILED);
    assert_non_null(strstr(error_message(test->error), "AWS_ACCESS_KEY_ID"));
    assert_non_null(strstr(error_message(test->error), "/nonexistent/credentials"));
    assert_non_null(strstr(error_message(test->error), "/nonexistent/config"));
    assert_null(credentials.access_key);
    test_host_destroy(test);
}

static void endpoint_option_wins_over_the_environment(void **state)
{
    (void)state;
    clear_environment();
    assert_null(aws_endpoint_find(NULL));
    setenv("AWS_ENDPOINT_URL", "http://general", 1);
    assert_string_equal(aws_endpoint_find(""), "http://general");
    setenv("AWS_ENDPOINT_URL_S3", "http://s3", 1);
    assert_string_equal(aws_endpoint_find(NULL), "http://s3");
    assert_string_equal(aws_endpoint_find("http://option"), "http://option");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigv4_signs_the_vectors_of_the_test_suite),
        cmocka_unit_test(sigv4_sorts_and_trims_headers),
        cmocka_unit_test(sigv4_signs_the_examples_of_the_s3_reference),
        cmocka_unit_test(sigv4_signs_the_put_example_with_its_payload),
        cmocka_unit_test(sigv4_survives_every_failing_allocation),
        cmocka_unit_test(encoding_leaves_unreserved_characters_alone),
        cmocka_unit_test(date_is_printed_in_utc),
        cmocka_unit_test(profile_values_are_found_in_their_section_only),
        cmocka_unit_test(credentials_come_from_the_environment_first),
        cmocka_unit_test(credentials_come_from_a_named_profile_of_either_file),
        cmocka_unit_test(missing_credentials_name_every_place_that_was_searched),
        cmocka_unit_test(endpoint_option_wins_over_the_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
