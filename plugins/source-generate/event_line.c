/* SPDX-License-Identifier: Apache-2.0 */
/* An event to one line of JSON, by copying pieces; and the ways in which lines arrive broken. */
#include "generate.h"

#include <stdio.h>
#include <string.h>

enum { MINUTE_TEXT_SIZE = 17, TIME_SIZE = 24, ROOM_FOR_MALFORMED = 128 };

static const char user_piece[] = "{\"user_id\":\"";
static const char time_piece[] = "\",\"timestamp\":\"";
static const char url_piece[] = "\",\"url\":\"";

static bool make_piece(const struct sluice_host *host, struct line_piece *piece, const char *text)
{
    piece->size = strlen(text);
    piece->bytes = sluice_alloc(host, piece->size);
    if (!piece->bytes)
        return false;
    memcpy(piece->bytes, text, piece->size);
    return true;
}

bool line_writer_create(const struct sluice_host *host, const struct people *people,
                        const struct site *site, struct line_writer *writer)
{
    *writer = (struct line_writer){.people = people, .site = site, .minute = INT64_MIN};
    size_t piece_count = place_count + agent_count;
    struct line_piece *pieces = sluice_alloc(host, piece_count * sizeof(*pieces));
    if (!pieces)
        return false;
    memset(pieces, 0, piece_count * sizeof(*pieces));
    writer->place_pieces = pieces;
    writer->agent_pieces = pieces + place_count;
    char text[512];
    bool has_memory = true;
    for (size_t i = 0; i < place_count; i++) {
        snprintf(text, sizeof(text), "\",\"country\":\"%s\",\"city\":\"%s\",\"user_agent\":\"",
                 places[i].country, places[i].city);
        has_memory = make_piece(host, &writer->place_pieces[i], text) && has_memory;
    }
    for (size_t i = 0; i < agent_count; i++) {
        snprintf(text, sizeof(text), "%s\"}", agents[i].text);
        has_memory = make_piece(host, &writer->agent_pieces[i], text) && has_memory;
    }
    return has_memory;
}

void line_writer_reset(const struct sluice_host *host, struct line_writer *writer)
{
    for (size_t i = 0; writer->place_pieces && i < place_count + agent_count; i++)
        sluice_free(host, writer->place_pieces[i].bytes);
    sluice_free(host, writer->place_pieces);
    *writer = (struct line_writer){0};
}

static char *write_bytes(char *to, const char *bytes, size_t size)
{
    memcpy(to, bytes, size);
    return to + size;
}

static char *write_text(char *to, const char *text)
{
    return write_bytes(to, text, strlen(text));
}

static char *write_digits(char *to, uint32_t number, int digits)
{
    for (int i = digits; i-- > 0; number /= 10)
        to[i] = (char)('0' + number % 10);
    return to + digits;
}

size_t line_room(const struct line_writer *writer, const struct event *event)
{
    const struct person *person = &writer->people->persons[event->user];
    size_t id_size = (size_t)writer->people->id_digits + 1;
    size_t size = sizeof(user_piece) + sizeof(time_piece) + sizeof(url_piece) - 3 + id_size +
                  TIME_SIZE + writer->site->pages[event->page].url_size +
                  writer->place_pieces[person->place].size +
                  writer->agent_pieces[person->agent].size;
    return event->malformation ? size + ROOM_FOR_MALFORMED : size;
}

char *write_user_id(const struct people *people, uint32_t user, char *to)
{
    *to++ = 'u';
    return write_digits(to, user + 1, people->id_digits);
}

/* Days since 1970 to a date of the Gregorian calendar, by eras of 400 years. */
static void write_minute(int64_t minute, char *text)
{
    int64_t days = minute / 1440 - (minute % 1440 < 0);
    uint32_t minute_of_day = (uint32_t)(minute - days * 1440);
    int64_t shifted = days + 719468; /* since 1 March of year 0 */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    uint32_t day_of_era = (uint32_t)(shifted - era * 146097);
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month_from_march = (5 * day_of_year + 2) / 153;
    uint32_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    uint32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    uint32_t year = (uint32_t)(era * 400) + year_of_era + (month <= 2);
    text = write_digits(text, year, 4);
    *text++ = '-';
    text = write_digits(text, month, 2);
    *text++ = '-';
    text = write_digits(text, day, 2);
    *text++ = 'T';
    text = write_digits(text, minute_of_day / 60, 2);
    *text++ = ':';
    text = write_digits(text, minute_of_day % 60, 2);
    *text = ':';
}

/* 2026-01-01T00:00:00.000Z */
static char *write_time(struct line_writer *writer, int64_t time_us, char *to)
{
    int64_t time_ms = time_us / 1000;
    int64_t minute = time_ms / 60000 - (time_ms % 60000 < 0);
    if (minute != writer->minute) {
        write_minute(minute, writer->minute_text);
        writer->minute = minute;
    }
    uint32_t rest_ms = (uint32_t)(time_ms - minute * 60000);
    to = write_bytes(to, writer->minute_text, MINUTE_TEXT_SIZE);
    to = write_digits(to, rest_ms / 1000, 2);
    *to++ = '.';
    to = write_digits(to, rest_ms % 1000, 3);
    *to++ = 'Z';
    return to;
}

/* From the end of the timestamp on. */
static char *write_rest(const struct line_writer *writer, const struct event *event, char *to)
{
    const struct person *person = &writer->people->persons[event->user];
    const struct page *page = &writer->site->pages[event->page];
    const struct line_piece *place = &writer->place_pieces[person->place];
    const struct line_piece *agent = &writer->agent_pieces[person->agent];
    to = write_bytes(to, url_piece, sizeof(url_piece) - 1);
    to = write_bytes(to, page->url, page->url_size);
    to = write_bytes(to, place->bytes, place->size);
    return write_bytes(to, agent->bytes, agent->size);
}

static char *write_whole_line(struct line_writer *writer, const struct event *event, char *to)
{
    to = write_bytes(to, user_piece, sizeof(user_piece) - 1);
    to = write_user_id(writer->people, event->user, to);
    to = write_bytes(to, time_piece, sizeof(time_piece) - 1);
    to = write_time(writer, event->time_us, to);
    return write_rest(writer, event, to);
}

static char *write_bad_time(struct line_writer *writer, const struct event *event, char *to)
{
    static const char *const bad_times[] = {
        "yesterday", "", "2026-13-45T25:61:61Z", "2026-02-30T12:00:00Z", "12/31/2026 11:59 PM",
    };
    to = write_bytes(to, user_piece, sizeof(user_piece) - 1);
    to = write_user_id(writer->people, event->user, to);
    to = write_bytes(to, time_piece, sizeof(time_piece) - 1);
    to = write_text(to, bad_times[event->detail % (sizeof(bad_times) / sizeof(bad_times[0]))]);
    return write_rest(writer, event, to);
}

/* A line whose user_id is `user_field` (with its comma), else whole. */
static char *write_other_user(struct line_writer *writer, const struct event *event,
                              const char *user_field, char *to)
{
    *to++ = '{';
    to = write_text(to, user_field);
    to = write_text(to, "\"timestamp\":\"");
    to = write_time(writer, event->time_us, to);
    return write_rest(writer, event, to);
}

static char *write_not_json(const struct event *event, char *to)
{
    static const char *const others[] = {
        "GET /index.html HTTP/1.1",
        "user_id,timestamp,url,country,city,user_agent",
        "<html><body>502 Bad Gateway</body></html>",
        "[]",
        "null",
        "\"click\"",
        "{\"user_id\":'u000001'}",
    };
    return write_text(to, others[event->detail % (sizeof(others) / sizeof(others[0]))]);
}

/* Breaks one byte of the url, or of the user agent: bytes that no UTF-8 text has. */
static void break_utf8(const struct event *event, char *line, const char *end)
{
    static const char *const markers[] = {"\"url\":\"", "\"user_agent\":\""};
    const char *marker = markers[event->detail % 2];
    char *value = memmem(line, (size_t)(end - line), marker, strlen(marker));
    if (value)
        value[strlen(marker) + 2] = event->detail & 2 ? '\xff' : '\xc3';
}

char *write_line(struct line_writer *writer, const struct event *event, char *to)
{
    char *line = to;
    switch (event->malformation) {
    case MALFORMED_NONE:
    case MALFORMATION_COUNT:
        break;
    case MALFORMED_TRUNCATED:
        to = write_whole_line(writer, event, to);
        return line + 1 + event->detail % (size_t)(to - line - 1);
    case MALFORMED_WRONG_TYPE:
        return write_other_user(writer, event, "\"user_id\":12345,", to);
    case MALFORMED_MISSING_FIELD:
        return write_other_user(writer, event, "", to);
    case MALFORMED_NULL_FIELD:
        return write_other_user(writer, event, "\"user_id\":null,", to);
    case MALFORMED_DUPLICATE_FIELD:
        return write_other_user(writer, event, "\"user_id\":\"u1\",\"user_id\":\"u2\",", to);
    case MALFORMED_TIMESTAMP:
        return write_bad_time(writer, event, to);
    case MALFORMED_NOT_JSON:
        return write_not_json(event, to);
    case MALFORMED_UTF8:
        to = write_whole_line(writer, event, to);
        break_utf8(event, line, to);
        return to;
    }
    return write_whole_line(writer, event, to);
}
