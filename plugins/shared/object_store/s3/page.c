/* SPDX-License-Identifier: Apache-2.0 */
/* A page of ListObjectsV2 or ListMultipartUploads, and small answers, as values. */
#include "object_store/s3/message.h"

#include <stdio.h>
#include <string.h>

struct page_reading {
    const struct sluice_host *host;
    struct s3_page *page;
    struct s3_page_entry entry;
    bool is_encoded;
    bool is_listing;
    bool is_bad;
};

static bool is_path(const char *path, const char *root, const char *rest)
{
    size_t size = strlen(root);
    return strncmp(path, root, size) == 0 && path[size] == '/' &&
           strcmp(path + size + 1, rest) == 0;
}

static size_t keep_string(struct page_reading *reading, struct sluice_string text)
{
    struct counted_text *strings = &reading->page->strings;
    size_t at = strings->buffer.size;
    counted_add_bytes(strings, text.bytes, text.size);
    counted_add_bytes(strings, "", 1);
    return at;
}

bool s3_size_parse(const char *text, size_t text_size, int64_t *size)
{
    *size = 0;
    if (text_size > 18) {
        return false;
    }
    for (size_t i = 0; i < text_size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        *size = *size * 10 + (text[i] - '0');
    }
    return text_size > 0;
}

static bool push_entry(struct page_reading *reading)
{
    struct s3_page *page = reading->page;
    if (page->count == page->capacity) {
        size_t capacity = page->capacity > 0 ? page->capacity * 2 : 256;
        void *entries =
            sluice_resize(reading->host, page->entries, capacity * sizeof *page->entries);
        if (!entries) {
            return false;
        }
        page->entries = entries;
        page->capacity = capacity;
    }
    page->entries[page->count++] = reading->entry;
    reading->entry = (struct s3_page_entry){.size = -1};
    return true;
}

/* Objects: ListBucketResult/Contents/…; uploads: ListMultipartUploadsResult/Upload/…. */
static bool take_entry_value(struct page_reading *reading, const char *name,
                             struct sluice_string text)
{
    if (strcmp(name, "Key") == 0) {
        reading->entry.key = keep_string(reading, text);
    } else if (strcmp(name, "ETag") == 0) {
        reading->entry.etag = keep_string(reading, text);
    } else if (strcmp(name, "UploadId") == 0) {
        reading->entry.upload_id = keep_string(reading, text);
    } else if (strcmp(name, "Size") == 0 &&
               !s3_size_parse(text.bytes, text.size, &reading->entry.size)) {
        reading->is_bad = true;
    }
    return !reading->page->strings.has_failed;
}

static bool take_page_value(struct page_reading *reading, const char *name,
                            struct sluice_string text)
{
    struct s3_page *page = reading->page;
    if (strcmp(name, "IsTruncated") == 0) {
        page->is_truncated = text.size == 4 && memcmp(text.bytes, "true", 4) == 0;
    } else if (strcmp(name, "EncodingType") == 0) {
        reading->is_encoded = text.size == 3 && memcmp(text.bytes, "url", 3) == 0;
    } else if (strcmp(name, "NextContinuationToken") == 0) {
        counted_add_bytes(&page->next_token, text.bytes, text.size);
    } else if (strcmp(name, "NextKeyMarker") == 0) {
        counted_add_bytes(&page->next_key, text.bytes, text.size);
    } else if (strcmp(name, "NextUploadIdMarker") == 0) {
        counted_add_bytes(&page->next_upload, text.bytes, text.size);
    }
    return !page->next_token.has_failed && !page->next_key.has_failed &&
           !page->next_upload.has_failed;
}

static bool take_value(void *user, const char *path, struct sluice_string text)
{
    struct page_reading *reading = user;
    static const char *const roots[] = {"ListBucketResult", "ListMultipartUploadsResult"};
    static const char *const items[] = {"Contents", "Upload"};
    for (size_t i = 0; i < 2; i++) {
        size_t root = strlen(roots[i]);
        size_t item = strlen(items[i]);
        if (strcmp(path, roots[i]) == 0) {
            reading->is_listing = true;
        }
        if (strncmp(path, roots[i], root) != 0 || path[root] != '/') {
            continue;
        }
        const char *rest = path + root + 1;
        if (strcmp(rest, items[i]) == 0) {
            return push_entry(reading);
        }
        if (strncmp(rest, items[i], item) == 0 && rest[item] == '/') {
            return take_entry_value(reading, rest + item + 1, text);
        }
        return take_page_value(reading, rest, text);
    }
    return true;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* In place; keys are shorter after than before. False for a broken or NUL escape. */
static bool decode_url(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from == '%') {
            int high = hex_value(from[1]);
            int low = high < 0 ? -1 : hex_value(from[2]);
            if (low < 0 || (high == 0 && low == 0)) {
                return false;
            }
            *to++ = (char)(unsigned char)(high * 16 + low);
            from += 2;
        } else {
            *to++ = *from == '+' ? ' ' : *from;
        }
    }
    *to = '\0';
    return true;
}

static bool decode_keys(struct s3_page *page)
{
    bool is_good = true;
    for (size_t i = 0; i < page->count && is_good; i++) {
        is_good = decode_url(page->strings.buffer.data + page->entries[i].key);
    }
    if (is_good && page->next_key.buffer.size > 0) {
        is_good = decode_url(page->next_key.buffer.data);
        page->next_key.buffer.size = strlen(page->next_key.buffer.data);
    }
    return is_good;
}

static bool has_all_keys(const struct s3_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        if (page->strings.buffer.data[page->entries[i].key] == '\0') {
            return false;
        }
    }
    return true;
}

enum sluice_status s3_page_parse(const struct sluice_host *host, const char *bytes, size_t size,
                                 struct s3_page *page, struct sluice_error *error)
{
    *page = (struct s3_page){0};
    counted_init(&page->strings, host);
    counted_init(&page->next_token, host);
    counted_init(&page->next_key, host);
    counted_init(&page->next_upload, host);
    struct page_reading reading = {.host = host, .page = page, .entry = {.size = -1}};
    counted_add_bytes(&page->strings, "", 1); /* at 0 stands the empty string */
    enum sluice_status status = counted_check(&page->strings, error);
    if (status == SLUICE_OK) {
        status = s3_xml_walk(host, bytes, size, take_value, &reading, error);
    }
    if (status == SLUICE_OK && (!reading.is_listing || reading.is_bad || !has_all_keys(page) ||
                                (reading.is_encoded && !decode_keys(page)))) {
        status = sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR,
                             "the server's listing cannot be understood: is the endpoint an S3 "
                             "service?");
    }
    if (status != SLUICE_OK) {
        s3_page_free(page);
    }
    return status;
}

void s3_page_free(struct s3_page *page)
{
    if (page->strings.host) {
        sluice_free(page->strings.host, page->entries);
        counted_free(&page->strings);
        counted_free(&page->next_token);
        counted_free(&page->next_key);
        counted_free(&page->next_upload);
    }
    page->entries = NULL;
    page->count = 0;
}

static void copy_value(char *to, size_t room, struct sluice_string text)
{
    snprintf(to, room, "%.*s", (int)(text.size < room ? text.size : room - 1), text.bytes);
}

static bool take_statement(void *user, const char *path, struct sluice_string text)
{
    struct s3_statement *statement = user;
    if (is_path(path, "Error", "Code")) {
        copy_value(statement->code, sizeof statement->code, text);
    } else if (is_path(path, "Error", "Message")) {
        copy_value(statement->message, sizeof statement->message, text);
    } else if (is_path(path, "Error", "Region")) {
        copy_value(statement->region, sizeof statement->region, text);
    } else if (is_path(path, "InitiateMultipartUploadResult", "UploadId")) {
        copy_value(statement->upload_id, sizeof statement->upload_id, text);
    } else if (!strchr(path, '/')) {
        copy_value(statement->root, sizeof statement->root,
                   (struct sluice_string){path, strlen(path)});
    }
    return true;
}

bool s3_statement_parse(const struct sluice_host *host, const char *bytes, size_t size,
                        struct s3_statement *statement, struct sluice_error *error)
{
    *statement = (struct s3_statement){0};
    return size > 0 &&
           s3_xml_walk(host, bytes, size, take_statement, statement, error) == SLUICE_OK;
}
