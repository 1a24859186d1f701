/* SPDX-License-Identifier: Apache-2.0 */
/* Reads headers that tell times: Date, and Retry-After (RFC 9110, 10.2.3: seconds, or a date). */
#include "exchange.h"

#include <ctype.h>

#define LONGEST_DELAY_MS ((int64_t)24 * 60 * 60 * 1000)

static int64_t parse_seconds(const char *value)
{
    int64_t seconds = 0;
    for (; isdigit((unsigned char)*value); value++) {
        if (seconds < LONGEST_DELAY_MS) {
            seconds = seconds * 10 + (*value - '0');
        }
    }
    while (*value == ' ' || *value == '\t') {
        value++;
    }
    return *value ? -1 : seconds;
}

int64_t retry_after_parse(const char *value, int64_t now_ms)
{
    while (*value == ' ' || *value == '\t') {
        value++;
    }
    if (isdigit((unsigned char)*value)) {
        int64_t seconds = parse_seconds(value);
        if (seconds < 0) {
            return -1;
        }
        return seconds < LONGEST_DELAY_MS / 1000 ? seconds * 1000 : LONGEST_DELAY_MS;
    }
    time_t date = curl_getdate(value, NULL);
    if (date == (time_t)-1) {
        return -1;
    }
    int64_t delay_ms = (int64_t)date * 1000 - now_ms;
    if (delay_ms < 0) {
        return 0;
    }
    return delay_ms < LONGEST_DELAY_MS ? delay_ms : LONGEST_DELAY_MS;
}

int64_t http_response_date(const struct http_exchange *exchange)
{
    const char *value = http_response_header(exchange, "Date");
    time_t date = value ? curl_getdate(value, NULL) : (time_t)-1;
    return date == (time_t)-1 ? -1 : (int64_t)date * 1000;
}
