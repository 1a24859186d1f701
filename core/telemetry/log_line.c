/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping follows the bytes: valid printable UTF-8 stays, everything else is spelled out. */
#include "telemetry/log_line.h"

#include <string.h>
#include <time.h>

static const char *const level_names[] = {
    [SLUICE_LOG_DEBUG] = "debug",
    [SLUICE_LOG_INFO] = "info",
    [SLUICE_LOG_WARN] = "warn",
    [SLUICE_LOG_ERROR] = "error",
};

static const char *const level_colours[] = {
    [SLUICE_LOG_DEBUG] = "\x1b[2m",
    [SLUICE_LOG_INFO] = "\x1b[32m",
    [SLUICE_LOG_WARN] = "\x1b[33m",
    [SLUICE_LOG_ERROR] = "\x1b[31m",
};

static void append_time(struct text *text, int64_t time_ms)
{
    int64_t milliseconds = time_ms % 1000;
    time_t seconds = (time_t)(time_ms / 1000 - (milliseconds < 0));
    struct tm utc;
    gmtime_r(&seconds, &utc);
    text_printf(text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1,
                utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                (int)(milliseconds < 0 ? milliseconds + 1000 : milliseconds));
}

/* Bytes of the UTF-8 character at `bytes` (NUL-terminated), its code point in *point; 0 where the
 * bytes are not UTF-8 (overlong forms, surrogates and cut-off characters included). */
static size_t read_character(const unsigned char *bytes, uint32_t *point)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = bytes[0] < 0x80 ? 1 : bytes[0] >= 0xF0 ? 4 : bytes[0] >= 0xE0 ? 3 : 2;
    if (length > 1 && (bytes[0] < 0xC2 || bytes[0] > 0xF4)) {
        return 0;
    }
    *point = length == 1 ? bytes[0] : bytes[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
        *point = (*point << 6) | (bytes[i] & 0x3Fu);
    }
    bool is_surrogate = *point >= 0xD800 && *point <= 0xDFFF;
    return *point < least[length] || *point > 0x10FFFF || is_surrogate ? 0 : length;
}

/* Controls (C0, DEL, C1) and the marks that reorder text on a terminal. */
static bool is_unprintable(uint32_t point)
{
    return point < 0x20 || (point >= 0x7F && point < 0xA0) ||
           (point >= 0x200E && point <= 0x200F) || (point >= 0x2028 && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069);
}

static void append_escaped(struct text *text, const char *value, enum log_format format)
{
    const unsigned char *at = (const unsigned char *)value;
    while (*at) {
        uint32_t point = 0;
        size_t length = read_character(at, &point);
        if (length == 0) {
            /* In JSON the backslash itself is escaped: the reader sees the same \xNN. */
            text_printf(text, format == LOG_FORMAT_JSON ? "\\\\x%02x" : "\\x%02x", *at);
            length = 1;
        } else if (point == '"' || point == '\\') {
            text_append_char(text, '\\');
            text_append_char(text, (char)point);
        } else if (point == '\n') {
            text_append(text, "\\n");
        } else if (point == '\t') {
            text_append(text, "\\t");
        } else if (is_unprintable(point)) {
            text_printf(text, "\\u%04x", (unsigned)point);
        } else {
            text_append_bytes(text, (const char *)at, length);
        }
        at += length;
    }
}

/* A logfmt value stands bare where no reader could misread it. */
static bool is_bare(const char *value)
{
    for (const char *at = value; *at; at++) {
        bool is_safe = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                       (*at >= '0' && *at <= '9') || strchr("-_.:/+,@%", *at);
        if (!is_safe) {
            return false;
        }
    }
    return *value != '\0';
}

static void append_key(struct text *text, const char *key)
{
    for (const char *at = key; *at; at++) {
        bool is_safe = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                       (*at >= '0' && *at <= '9') || *at == '_' || *at == '-' || *at == '.';
        text_append_char(text, is_safe ? *at : '_');
    }
}

void log_line_begin(struct log_line *line, int64_t time_ms, enum sluice_log_level level,
                    bool use_colour)
{
    text_clear(&line->text);
    if (line->format == LOG_FORMAT_JSON) {
        text_append(&line->text, "{\"time\":\"");
        append_time(&line->text, time_ms);
        text_printf(&line->text, "\",\"level\":\"%s\"", level_names[level]);
        return;
    }
    text_append(&line->text, "time=");
    append_time(&line->text, time_ms);
    if (use_colour) {
        text_printf(&line->text, " level=%s%s\x1b[0m", level_colours[level], level_names[level]);
    } else {
        text_printf(&line->text, " level=%s", level_names[level]);
    }
}

void log_line_field(struct log_line *line, const char *key, const char *value)
{
    if (!value) {
        return;
    }
    bool is_json = line->format == LOG_FORMAT_JSON;
    text_append(&line->text, is_json ? ",\"" : " ");
    append_key(&line->text, key);
    text_append(&line->text, is_json ? "\":" : "=");
    if (!is_json && is_bare(value)) {
        text_append(&line->text, value);
        return;
    }
    text_append_char(&line->text, '"');
    append_escaped(&line->text, value, line->format);
    text_append_char(&line->text, '"');
}

void log_line_end(struct log_line *line)
{
    text_append(&line->text, line->format == LOG_FORMAT_JSON ? "}\n" : "\n");
}
