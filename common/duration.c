/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/duration.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS_MAX = 12 };

/* Largest first. */
static const struct {
    const char *unit;
    const char *name;
    int64_t milliseconds;
} units[] = {
    {"d", "d", 86400000}, {"h", "h", 3600000}, {"m", "min", 60000},
    {"s", "s", 1000},     {"ms", "ms", 1},
};
enum { UNIT_COUNT = sizeof units / sizeof *units };

bool duration_parse(int64_t *milliseconds, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    int64_t number = 0;

    if (digits == 0 || digits > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (text[i] - '0');
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (strcmp(text + digits, units[i].unit) == 0 &&
            number <= INT64_MAX / 4 / units[i].milliseconds) {
            *milliseconds = number * units[i].milliseconds;
            return true;
        }
    }
    return false;
}

void duration_format(int64_t milliseconds, char text[DURATION_TEXT_SIZE])
{
    size_t i = 0;

    while (i < UNIT_COUNT - 1 && (milliseconds == 0 || milliseconds % units[i].milliseconds != 0))
        i++;
    (void)snprintf(text, DURATION_TEXT_SIZE, "%lld%s",
                   (long long)(milliseconds / units[i].milliseconds), units[i].unit);
}

void duration_describe(int64_t milliseconds, char text[DURATION_TEXT_SIZE])
{
    size_t i = 0;

    while (i < UNIT_COUNT - 1 && milliseconds < 2 * units[i].milliseconds)
        i++;
    (void)snprintf(text, DURATION_TEXT_SIZE, "%lld %s",
                   (long long)((milliseconds + units[i].milliseconds / 2) / units[i].milliseconds),
                   units[i].name);
}
