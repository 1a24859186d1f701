/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/credentials.h"

#include <string.h>
#include <strings.h>

static void append_base64(struct text *text, const char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t at = 0; at < size; at += 3) {
        size_t left = size - at;
        unsigned group = (unsigned)(unsigned char)bytes[at] << 16;
        group |= left > 1 ? (unsigned)(unsigned char)bytes[at + 1] << 8 : 0;
        group |= left > 2 ? (unsigned)(unsigned char)bytes[at + 2] : 0;
        text_append_char(text, digits[group >> 18]);
        text_append_char(text, digits[(group >> 12) & 63]);
        text_append_char(text, left > 1 ? digits[(group >> 6) & 63] : '=');
        text_append_char(text, left > 2 ? digits[group & 63] : '=');
    }
}

bool credentials_init(struct credentials *credentials, const struct http_settings *settings)
{
    *credentials = (struct credentials){0};
    if (settings->token) {
        text_printf(&credentials->bearer, "Bearer %s", settings->token);
    }
    if (settings->user) {
        struct text pair = {0};
        text_printf(&pair, "%s:%s", settings->user, settings->password ? settings->password : "");
        text_append(&credentials->basic, "Basic ");
        append_base64(&credentials->basic, text_get(&pair), pair.size);
        credentials->basic.has_failed = credentials->basic.has_failed || pair.has_failed;
        text_reset(&pair);
    }
    return !credentials->bearer.has_failed && !credentials->basic.has_failed;
}

void credentials_reset(struct credentials *credentials)
{
    text_reset(&credentials->bearer);
    text_reset(&credentials->basic);
}

bool credentials_are_asked(const struct credentials *credentials)
{
    return credentials->bearer.size > 0 || credentials->basic.size > 0;
}

/* The scheme's name is written as the client likes; what follows counts, byte by byte. */
static bool is_equal(const struct text *wanted, const char *header)
{
    const char *expected = text_get(wanted);
    size_t scheme = strcspn(expected, " ") + 1;
    size_t size = strlen(header);
    if (wanted->size == 0 || size < scheme || strncasecmp(header, expected, scheme) != 0) {
        return false;
    }
    unsigned difference = size == wanted->size ? 0 : 1;
    for (size_t i = scheme; i < size; i++) {
        size_t at = scheme + (i - scheme) % (wanted->size - scheme + 1); /* its NUL is one more */
        difference |= (unsigned)((unsigned char)header[i] ^ (unsigned char)expected[at]);
    }
    return difference == 0;
}

bool credentials_match(const struct credentials *credentials, const char *header)
{
    if (!credentials_are_asked(credentials)) {
        return true;
    }
    bool is_bearer = header && is_equal(&credentials->bearer, header);
    bool is_basic = header && is_equal(&credentials->basic, header);
    return is_bearer || is_basic;
}
