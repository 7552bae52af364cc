/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/pace.h"

/* A clock that was set back must not stop the calls for long. */
enum { AHEAD_MAX = 4, WAIT_MAX = 60000 };

void pace_init(struct pace *pace, double requests_per_second, int64_t last)
{
    double interval = 1000.0 / requests_per_second;

    pace->interval = (int64_t)interval;
    if ((double)pace->interval < interval)
        pace->interval++;
    pace->last = last;
}

void pace_correct(struct pace *pace, int64_t now)
{
    if (pace->last > now + WAIT_MAX + AHEAD_MAX * pace->interval)
        pace->last = now;
}

int64_t pace_ready(const struct pace *pace, int64_t now)
{
    int64_t ready = pace->last + pace->interval;

    if (pace->last == 0)
        return now;
    return ready > now + AHEAD_MAX * pace->interval ? now + pace->interval : ready;
}

void pace_charge(struct pace *pace, int64_t now, unsigned long requests)
{
    int64_t from = pace->last + pace->interval;

    if (requests == 0)
        return;
    if (pace->last == 0 || from < now || from > now + AHEAD_MAX * pace->interval)
        from = now;
    pace->last = from + (int64_t)(requests - 1) * pace->interval;
}
