/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/timestamp.h"

#include <stddef.h>
#include <time.h>

/* Reads exactly `digits` digits; moves on. */
static bool read_number(const char **text, int digits, int *number)
{
    *number = 0;
    for (int i = 0; i < digits; i++) {
        char c = **text;
        if (c < '0' || c > '9')
            return false;
        *number = *number * 10 + (c - '0');
        (*text)++;
    }
    return true;
}

static bool read_character(const char **text, char expected)
{
    if (**text != expected)
        return false;
    (*text)++;
    return true;
}

static void skip_fraction(const char **text)
{
    if (**text != '.')
        return;
    do
        (*text)++;
    while (**text >= '0' && **text <= '9');
}

/* "Z", "+01:00" or "+0100", in seconds east. */
static bool read_offset(const char **text, int *offset)
{
    char sign = **text;
    int hours, minutes;

    *offset = 0;
    if (sign == 'Z') {
        (*text)++;
        return true;
    }
    if (sign != '+' && sign != '-')
        return false;
    (*text)++;
    if (!read_number(text, 2, &hours))
        return false;
    if (**text == ':')
        (*text)++;
    if (!read_number(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    return true;
}

static bool is_in_range(const struct tm *date)
{
    return date->tm_mon >= 0 && date->tm_mon < 12 && date->tm_mday >= 1 && date->tm_mday <= 31 &&
           date->tm_hour < 24 && date->tm_min < 60 && date->tm_sec <= 60;
}

bool timestamp_parse(const char *text, int64_t *seconds)
{
    struct tm date = {0};
    int offset;

    if (!read_number(&text, 4, &date.tm_year) || !read_character(&text, '-') ||
        !read_number(&text, 2, &date.tm_mon) || !read_character(&text, '-') ||
        !read_number(&text, 2, &date.tm_mday) || !read_character(&text, 'T') ||
        !read_number(&text, 2, &date.tm_hour) || !read_character(&text, ':') ||
        !read_number(&text, 2, &date.tm_min) || !read_character(&text, ':') ||
        !read_number(&text, 2, &date.tm_sec))
        return false;
    skip_fraction(&text);
    if (!read_offset(&text, &offset) || *text != '\0')
        return false;
    date.tm_year -= 1900;
    date.tm_mon -= 1;
    if (!is_in_range(&date))
        return false;
    *seconds = (int64_t)timegm(&date) - offset;
    return true;
}
