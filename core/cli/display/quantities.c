/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as people read them. */
#include "cli/display/table.h"

void append_count(struct text *text, uint64_t count)
{
    if (count < 1000) {
        text_printf(text, "%u", (unsigned)count);
        return;
    }
    append_count(text, count / 1000);
    text_printf(text, ",%03u", (unsigned)(count % 1000));
}

/* One digit behind the point where there is one before it only: 3.4, 34, 340. */
static void append_scaled(struct text *text, double number, const char *unit)
{
    text_printf(text, number < 9.95 ? "%.1f %s" : "%.0f %s", number, unit);
}

void append_size(struct text *text, double bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1000) {
        text_printf(text, "%.0f B", bytes);
        return;
    }
    size_t unit = 0;
    double number = bytes / 1024;
    while (number >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        number /= 1024;
        unit++;
    }
    append_scaled(text, number, units[unit]);
}

void append_short(struct text *text, double number)
{
    static const char *const units[] = {"k", "M", "G"};
    if (number < 999.5) {
        text_printf(text, "%.0f", number);
        return;
    }
    size_t unit = 0;
    number /= 1000;
    while (number >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        number /= 1000;
        unit++;
    }
    append_scaled(text, number, units[unit]);
}

void append_duration(struct text *text, int64_t milliseconds)
{
    int64_t seconds = milliseconds / 1000;
    if (milliseconds < 1000) {
        text_printf(text, "%d ms", (int)milliseconds);
    } else if (seconds < 60) {
        text_printf(text, "%d.%d s", (int)seconds, (int)(milliseconds % 1000 / 100));
    } else if (seconds < 3600) {
        text_printf(text, "%d:%02d", (int)(seconds / 60), (int)(seconds % 60));
    } else {
        text_printf(text, "%lld:%02d:%02d", (long long)(seconds / 3600), (int)(seconds / 60 % 60),
                    (int)(seconds % 60));
    }
}
