/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/monotonic.h"

#include <time.h>

int64_t monotonic_nanoseconds(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int64_t monotonic_microseconds(void)
{
    return monotonic_nanoseconds() / 1000;
}

int64_t monotonic_milliseconds(void)
{
    return monotonic_nanoseconds() / 1000000;
}
