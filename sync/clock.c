/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/clock.h"

#include <stdlib.h>
#include <time.h>

enum { SET_BACK_MIN = 5000 };

int64_t clock_now(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool clock_was_set_back(int64_t seen, int64_t now)
{
    return seen > now + SET_BACK_MIN;
}

double clock_random(void)
{
    return arc4random() / 4294967296.0;
}
