/* SPDX-License-Identifier: Apache-2.0 */
/* The messages of the S3 protocol, without network: request (call → URL and signed headers), xml
 * and page (answer → values), error (server's code → verdict), completion (parts → body, ETag). */
#ifndef SHARED_OBJECT_STORE_S3_MESSAGE_H
#define SHARED_OBJECT_STORE_S3_MESSAGE_H

#include "aws/aws.h"
#include "object_store/store.h"

/* ---- request ---- */

/* Where requests go. The strings are the store's. */
struct s3_target {
    const char *scheme;    /* "https" */
    const char *authority; /* as the Host header says it: no default port */
    const char *base_path; /* "" or "/path" of the endpoint */
    const char *bucket;
    const char *region;
    bool is_path_style;
    int64_t clock_ahead_ms; /* of the server before this machine's, as far as it is known */
};

#define S3_QUERY_MAX 8
#define S3_HEADERS_MAX 8

struct s3_pair {
    const char *name;
    const char *value;
};

/* One call. Query and headers may be in any order; a NULL value leaves the pair out. */
struct s3_request {
    const char *method;
    const char *key;   /* NULL: the bucket */
    bool is_sent_once; /* see http_request */
    struct s3_pair query[S3_QUERY_MAX];
    struct s3_pair headers[S3_HEADERS_MAX]; /* lower-case names */
    const char *body;
    size_t body_size;
};

/* The same, ready to be sent. */
struct s3_signed_request {
    struct counted_text url;
    struct counted_text authority;
    struct counted_text authorization;
    char hash[65];
    char date[17];
    struct http_header headers[S3_HEADERS_MAX + 8];
    size_t header_count;
};

enum sluice_status s3_request_sign(const struct sluice_host *host, const struct s3_target *target,
                                   const struct s3_request *request,
                                   const struct aws_credentials *credentials,
                                   struct s3_signed_request *signed_request,
                                   struct sluice_error *error);
void s3_signed_request_free(struct s3_signed_request *signed_request);

/* ---- xml ---- */

/* Gets the path of each element that ended ("ListBucketResult/Contents/Key") and its text. False
 * stops. */
typedef bool (*s3_xml_visit)(void *user, const char *path, struct sluice_string text);

/* FATAL protocol_error where it is not XML, has a document type, is nested too deeply, or stops in
 * the middle; FATAL out_of_memory where visit said false. */
enum sluice_status s3_xml_walk(const struct sluice_host *host, const char *bytes, size_t size,
                               s3_xml_visit visit, void *user, struct sluice_error *error);

struct s3_page_entry {
    size_t key; /* where the string begins in page->strings */
    size_t etag;
    size_t upload_id;
    int64_t size;
};

/* A page of a listing of objects or uploads. */
struct s3_page {
    struct counted_text strings; /* NUL-terminated strings, one behind the other */
    struct s3_page_entry *entries;
    size_t count;
    size_t capacity;
    bool is_truncated;
    struct counted_text next_token;
    struct counted_text next_key;
    struct counted_text next_upload;
};

enum sluice_status s3_page_parse(const struct sluice_host *host, const char *bytes, size_t size,
                                 struct s3_page *page, struct sluice_error *error);
void s3_page_free(struct s3_page *page);

/* Decimal digits alone; false for anything else. */
bool s3_size_parse(const char *text, size_t text_size, int64_t *size);

/* What an error body or a small answer says. */
struct s3_statement {
    char root[64];
    char code[64];
    char message[256];
    char region[64];
    char upload_id[1024];
};

/* False where the body is no XML. */
bool s3_statement_parse(const struct sluice_host *host, const char *bytes, size_t size,
                        struct s3_statement *statement, struct sluice_error *error);

/* ---- error ---- */

struct s3_verdict {
    const char *server_code;
    enum sluice_status status; /* OK: an outcome, not an error */
    enum object_outcome outcome;
    enum sluice_code code;
    const char *text; /* what it means and what to do */
};

/* NULL where the code is unknown. */
#define S3_CLOCK_SKEWED "RequestTimeTooSkewed"
const struct s3_verdict *s3_verdict_find(const char *server_code);

/* ---- completion ---- */

void s3_completion_body(struct counted_text *body, const struct object_part *parts, size_t count);
/* MD5 of the parts' MD5s, a dash, and their count; "" where a part's ETag is no MD5. */
void s3_completion_etag(const struct object_part *parts, size_t count, char etag[OBJECT_ETAG_SIZE]);

#endif
