/* SPDX-License-Identifier: Apache-2.0 */
/* strftime in UTC, for templates: a small set, without locale. */
#include <inttypes.h>

#include "data/data.h"
#include "data/values/calendar.h"

static bool print_conversion(char conversion, int64_t value_us, const struct civil_time *civil,
                             struct text *text)
{
    switch (conversion) {
    case 'Y':
        text_printf(text, "%04" PRId64, civil->year);
        return true;
    case 'm':
        text_printf(text, "%02d", civil->month);
        return true;
    case 'd':
        text_printf(text, "%02d", civil->day);
        return true;
    case 'H':
        text_printf(text, "%02d", civil->hour);
        return true;
    case 'M':
        text_printf(text, "%02d", civil->minute);
        return true;
    case 'S':
        text_printf(text, "%02d", civil->second);
        return true;
    case 'j':
        text_printf(text, "%03d",
                    (int)(days_of_date(civil->year, civil->month, civil->day) -
                          days_of_date(civil->year, 1, 1) + 1));
        return true;
    case 'F':
        text_printf(text, "%04" PRId64 "-%02d-%02d", civil->year, civil->month, civil->day);
        return true;
    case 'T':
        text_printf(text, "%02d:%02d:%02d", civil->hour, civil->minute, civil->second);
        return true;
    case 's':
        text_printf(text, "%" PRId64, floor_divide(value_us, us_per_second));
        return true;
    case '%':
        text_append_char(text, '%');
        return true;
    default:
        return false;
    }
}

bool time_print(const char *pattern, int64_t value_us, struct text *text)
{
    struct civil_time civil;
    civil_of_us(value_us, &civil);
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at != '%') {
            text_append_char(text, *at);
        } else if (!print_conversion(*++at, value_us, &civil, text)) {
            return false;
        }
    }
    return true;
}
