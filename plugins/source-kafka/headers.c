/* SPDX-License-Identifier: Apache-2.0 */
#include "headers.h"

#include <string.h>

static enum sluice_status put(const struct sluice_host *host, struct sluice_buffer *json,
                              const char *bytes, size_t size)
{
    enum sluice_status status = sluice_buffer_reserve(host, json, size);
    if (status == SLUICE_OK && size > 0) {
        memcpy(json->data + json->size, bytes, size);
        json->size += size;
    }
    return status;
}

static enum sluice_status put_text(const struct sluice_host *host, struct sluice_buffer *json,
                                   const char *text)
{
    return put(host, json, text, strlen(text));
}

/* At most 6 bytes come of one. */
static size_t escape(unsigned char c, char out[6])
{
    static const char digits[] = "0123456789abcdef";
    static const char *const short_forms = "\bb\ff\nn\rr\tt\"\"\\\\";
    for (const char *form = short_forms; *form; form += 2) {
        if ((unsigned char)form[0] == c) {
            out[0] = '\\';
            out[1] = form[1];
            return 2;
        }
    }
    if (c >= 0x20) {
        out[0] = (char)c;
        return 1;
    }
    memcpy(out, "\\u00", 4);
    out[4] = digits[c >> 4];
    out[5] = digits[c & 15];
    return 6;
}

/* Must be UTF-8. */
static enum sluice_status put_string(const struct sluice_host *host, struct sluice_buffer *json,
                                     const char *bytes, size_t size)
{
    enum sluice_status status = sluice_buffer_reserve(host, json, size * 6 + 2);
    if (status != SLUICE_OK)
        return status;
    json->data[json->size++] = '"';
    for (size_t i = 0; i < size; i++)
        json->size += escape((unsigned char)bytes[i], json->data + json->size);
    json->data[json->size++] = '"';
    return SLUICE_OK;
}

static enum sluice_status put_base64(const struct sluice_host *host, struct sluice_buffer *json,
                                     const char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum sluice_status status = sluice_buffer_reserve(host, json, (size + 2) / 3 * 4);
    if (status != SLUICE_OK)
        return status;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++)
            group = group << 8 | (i + j < size ? (unsigned char)bytes[i + j] : 0U);
        for (size_t j = 0; j < 4; j++)
            json->data[json->size++] = i + j <= size ? digits[group >> (18 - 6 * j) & 63] : '=';
    }
    return SLUICE_OK;
}

static enum sluice_status put_value(const struct sluice_host *host, struct sluice_buffer *json,
                                    const struct header *header)
{
    if (!header->value)
        return put_text(host, json, "null");
    if (sluice_is_utf8(host, header->value, header->size))
        return put_string(host, json, header->value, header->size);
    enum sluice_status status = put_text(host, json, "{\"base64\":\"");
    if (status == SLUICE_OK)
        status = put_base64(host, json, header->value, header->size);
    return status == SLUICE_OK ? put_text(host, json, "\"}") : status;
}

/* Names are UTF-8 by Kafka's protocol; what is not becomes question marks. */
static enum sluice_status put_name(const struct sluice_host *host, struct sluice_buffer *json,
                                   const char *name)
{
    size_t size = strlen(name);
    if (sluice_is_utf8(host, name, size))
        return put_string(host, json, name, size);
    enum sluice_status status = put_text(host, json, "\"");
    for (size_t i = 0; status == SLUICE_OK && i < size; i++) {
        char out[6];
        unsigned char c = (unsigned char)name[i];
        size_t out_size = escape(c < 0x80 ? c : (unsigned char)'?', out);
        status = put(host, json, out, out_size);
    }
    return status == SLUICE_OK ? put_text(host, json, "\"") : status;
}

static size_t count_name(const struct header *headers, size_t count, const char *name)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += strcmp(headers[i].name, name) == 0;
    return found;
}

static enum sluice_status put_values(const struct sluice_host *host, struct sluice_buffer *json,
                                     const struct header *headers, size_t count, const char *name)
{
    bool is_first = true;
    enum sluice_status status = put_text(host, json, "[");
    for (size_t i = 0; status == SLUICE_OK && i < count; i++) {
        if (strcmp(headers[i].name, name) != 0)
            continue;
        if (!is_first)
            status = put_text(host, json, ",");
        if (status == SLUICE_OK)
            status = put_value(host, json, &headers[i]);
        is_first = false;
    }
    return status == SLUICE_OK ? put_text(host, json, "]") : status;
}

enum sluice_status headers_write(const struct sluice_host *host, const struct header *headers,
                                 size_t count, struct sluice_buffer *json)
{
    bool is_first = true;
    enum sluice_status status = put_text(host, json, "{");
    for (size_t i = 0; status == SLUICE_OK && i < count; i++) {
        const char *name = headers[i].name;
        if (count_name(headers, i, name) > 0)
            continue; /* written with its first */
        if (!is_first)
            status = put_text(host, json, ",");
        is_first = false;
        if (status == SLUICE_OK)
            status = put_name(host, json, name);
        if (status == SLUICE_OK)
            status = put_text(host, json, ":");
        if (status != SLUICE_OK)
            break;
        status = count_name(headers + i, count - i, name) > 1
                     ? put_values(host, json, headers, count, name)
                     : put_value(host, json, &headers[i]);
    }
    return status == SLUICE_OK ? put_text(host, json, "}") : status;
}
