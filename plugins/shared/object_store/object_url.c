/* SPDX-License-Identifier: Apache-2.0 */
/* URL of a store → its parts, and which keys are safe to write. */
#include "object_store/store.h"

#include <string.h>

static bool has_start(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static struct sluice_string cut_slashes(const char *bytes, size_t size)
{
    while (size > 0 && bytes[size - 1] == '/') {
        size--;
    }
    return (struct sluice_string){bytes, size};
}

static enum sluice_status refuse(const struct sluice_host *host, const char *url, const char *why,
                                 struct sluice_error *error)
{
    sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID, "\"%s\" %s", url, why);
    sluice_error_at(host, error, SLUICE_AT_OPTION, "url");
    return SLUICE_CONFIG;
}

/* file:folder, file:/folder and file:///folder. The path is taken as it is written. */
static enum sluice_status parse_folder(const struct sluice_host *host, const char *url,
                                       struct object_url *parts, struct sluice_error *error)
{
    const char *path = url + strlen("file:");
    if (has_start(path, "//")) {
        path += 2;
        if (path[0] != '/') {
            return refuse(host, url, "names a host: write file:folder or file:///folder", error);
        }
    }
    if (path[0] == '\0') {
        return refuse(host, url, "names no folder", error);
    }
    parts->is_local = true;
    parts->bucket = cut_slashes(path, strlen(path));
    if (parts->bucket.size == 0) {
        parts->bucket.size = 1; /* the root folder */
    }
    return SLUICE_OK;
}

static bool is_bucket_name(struct sluice_string name)
{
    for (size_t i = 0; i < name.size; i++) {
        char c = name.bytes[i];
        bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_plain && c != '-' && c != '.' && c != '_') {
            return false;
        }
    }
    return name.size >= 3 && name.size <= 255 && name.bytes[0] != '.' && name.bytes[0] != '-';
}

enum sluice_status object_url_parse(const struct sluice_host *host, const char *url,
                                    struct object_url *parts, struct sluice_error *error)
{
    *parts = (struct object_url){.bucket = {"", 0}, .prefix = {"", 0}};
    if (has_start(url, "file:")) {
        return parse_folder(host, url, parts, error);
    }
    if (!has_start(url, "s3://")) {
        return refuse(host, url,
                      "is no URL of a bucket or folder: write s3://bucket/prefix or "
                      "file:folder (a server's own address goes into `endpoint`)",
                      error);
    }
    const char *bucket = url + strlen("s3://");
    size_t size = strcspn(bucket, "/");
    parts->bucket = (struct sluice_string){bucket, size};
    if (!is_bucket_name(parts->bucket)) {
        return refuse(host, url, "has no valid bucket name after s3://", error);
    }
    const char *prefix = bucket + size;
    prefix += strspn(prefix, "/");
    parts->prefix = cut_slashes(prefix, strlen(prefix));
    if (parts->prefix.size > OBJECT_KEY_LIMIT / 2) {
        return refuse(host, url, "has a prefix of more than 512 bytes", error);
    }
    return SLUICE_OK;
}

static bool is_safe_segment(const char *segment, size_t size)
{
    bool is_dots =
        (size == 1 && segment[0] == '.') || (size == 2 && segment[0] == '.' && segment[1] == '.');
    return size > 0 && size <= 255 && !is_dots;
}

static bool is_safe_key(const char *key)
{
    size_t size = strlen(key);
    if (size == 0 || size > OBJECT_KEY_LIMIT) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)key[i];
        if (byte < 0x20 || byte == 0x7f) {
            return false;
        }
    }
    for (const char *segment = key;;) {
        size_t length = strcspn(segment, "/");
        if (!is_safe_segment(segment, length)) {
            return false;
        }
        if (segment[length] == '\0') {
            return true;
        }
        segment += length + 1;
    }
}

enum sluice_status object_key_check(const struct sluice_host *host, const char *key,
                                    struct sluice_error *error)
{
    if (is_safe_key(key)) {
        return SLUICE_OK;
    }
    return sluice_fail(host, error, SLUICE_REJECT, SLUICE_CODE_KEY_UNSAFE,
                       "\"%.200s\" cannot be an object key: a key has at most %d bytes, no control "
                       "bytes, and segments of 1 to 255 bytes other than . and ..",
                       key, OBJECT_KEY_LIMIT);
}

static struct sluice_string unquote(const char *etag)
{
    size_t size = strlen(etag);
    if (size >= 2 && etag[0] == '"' && etag[size - 1] == '"') {
        return (struct sluice_string){etag + 1, size - 2};
    }
    return (struct sluice_string){etag, size};
}

bool object_etag_equal(const char *one, const char *other)
{
    struct sluice_string left = unquote(one);
    struct sluice_string right = unquote(other);
    return left.size > 0 && left.size == right.size &&
           memcmp(left.bytes, right.bytes, left.size) == 0;
}
