/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/deadline.h"
#include "common/monotonic.h"

int64_t deadline_in(int after)
{
    return monotonic_milliseconds() + after;
}

int deadline_left(int64_t deadline)
{
    int64_t left = deadline - monotonic_milliseconds();

    return left > 0 ? (int)left : 0;
}
