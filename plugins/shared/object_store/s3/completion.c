/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of an upload → the body that completes it, and the ETag that the object will have. */
#include "object_store/s3/message.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#define MD5_SIZE 16

static void add_escaped(struct counted_text *body, const char *value)
{
    for (; *value; value++) {
        switch (*value) {
        case '<':
            counted_add(body, "&lt;");
            break;
        case '>':
            counted_add(body, "&gt;");
            break;
        case '&':
            counted_add(body, "&amp;");
            break;
        default:
            counted_add_bytes(body, value, 1);
        }
    }
}

void s3_completion_body(struct counted_text *body, const struct object_part *parts, size_t count)
{
    counted_add(body,
                "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < count; i++) {
        counted_print(body, "<Part><PartNumber>%d</PartNumber><ETag>", parts[i].number);
        add_escaped(body, parts[i].etag);
        counted_add(body, "</ETag></Part>");
    }
    counted_add(body, "</CompleteMultipartUpload>");
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool parse_md5(const char *etag, unsigned char md5[MD5_SIZE])
{
    etag += etag[0] == '"';
    for (size_t i = 0; i < MD5_SIZE; i++) {
        int high = hex_value(etag[2 * i]);
        int low = high < 0 ? -1 : hex_value(etag[2 * i + 1]);
        if (low < 0) {
            return false;
        }
        md5[i] = (unsigned char)(high * 16 + low);
    }
    char end = etag[(size_t)2 * MD5_SIZE];
    return end == '\0' || end == '"';
}

void s3_completion_etag(const struct object_part *parts, size_t count, char etag[OBJECT_ETAG_SIZE])
{
    etag[0] = '\0';
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good = context && EVP_DigestInit_ex(context, EVP_md5(), NULL) == 1;
    for (size_t i = 0; i < count && is_good; i++) {
        unsigned char md5[MD5_SIZE];
        is_good = parse_md5(parts[i].etag, md5) && EVP_DigestUpdate(context, md5, sizeof md5) == 1;
    }
    is_good = is_good && EVP_DigestFinal_ex(context, sum, &size) == 1 && size == MD5_SIZE;
    EVP_MD_CTX_free(context);
    if (is_good) {
        char hex[2 * MD5_SIZE + 1];
        hex_print(sum, MD5_SIZE, hex);
        snprintf(etag, OBJECT_ETAG_SIZE, "%s-%zu", hex, count);
    }
}
