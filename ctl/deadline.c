/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/deadline.h"

#include <time.h>

static int64_t milliseconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t deadline_in(int after)
{
    return milliseconds() + after;
}

int deadline_left(int64_t deadline)
{
    int64_t left = deadline - milliseconds();

    return left > 0 ? (int)left : 0;
}
