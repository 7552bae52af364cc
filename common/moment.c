/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/moment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const int64_t last_moment = 253402300799; /* 9999-12-31T23:59:59Z */

bool moment_parse(const char *text, int64_t *moment)
{
    char again[MOMENT_SIZE];
    struct tm parts = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);

    if (end == NULL || *end != '\0')
        return false;
    *moment = (int64_t)timegm(&parts);
    /* strptime takes signs, spaces and the 31st of February; what comes back unlike is refused. */
    return moment_format(*moment, again) && strcmp(again, text) == 0;
}

bool moment_format(int64_t moment, char out[MOMENT_SIZE])
{
    time_t seconds = (time_t)moment;
    struct tm parts;

    out[0] = '\0';
    if (moment <= 0 || moment > last_moment || gmtime_r(&seconds, &parts) == NULL)
        return false;
    return strftime(out, MOMENT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) > 0;
}

enum { SECONDS_A_DAY = 24 * 60 * 60, DAY_LENGTH = sizeof "2026-11-22" - 1 };

bool moment_parse_day(const char *text, int64_t *day)
{
    char full[MOMENT_SIZE];
    int64_t moment;

    (void)snprintf(full, sizeof full, "%.*sT00:00:00Z", DAY_LENGTH, text);
    if (strlen(text) != DAY_LENGTH || !moment_parse(full, &moment))
        return false;
    *day = moment / SECONDS_A_DAY;
    return true;
}

bool moment_format_day(int64_t day, char out[MOMENT_DAY_SIZE])
{
    char full[MOMENT_SIZE];

    out[0] = '\0';
    if (!moment_format(day * SECONDS_A_DAY, full))
        return false;
    (void)snprintf(out, MOMENT_DAY_SIZE, "%.*s", DAY_LENGTH, full);
    return true;
}

void moment_age(int64_t moment, int64_t now, char out[MOMENT_AGE_SIZE])
{
    enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR, TWO_DAYS = 2 * DAY };
    int64_t age;

    if (moment <= 0 || moment > last_moment || now < 0 || now > last_moment) {
        (void)snprintf(out, MOMENT_AGE_SIZE, "-");
        return;
    }
    age = now > moment ? now - moment : moment - now;
    if (age < MINUTE)
        (void)snprintf(out, MOMENT_AGE_SIZE, "%" PRId64 "s", age);
    else if (age < HOUR)
        (void)snprintf(out, MOMENT_AGE_SIZE, "%" PRId64 "m", age / MINUTE);
    else if (age < TWO_DAYS)
        (void)snprintf(out, MOMENT_AGE_SIZE, "%" PRId64 "h", age / HOUR);
    else
        (void)snprintf(out, MOMENT_AGE_SIZE, "%" PRId64 "d", age / DAY);
}

int64_t moment_after(int64_t moment, int64_t milliseconds)
{
    return moment + (milliseconds + 999) / 1000;
}

int64_t moment_milliseconds(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
