/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/backoff.h"

enum backoff backoff_of(enum outcome outcome)
{
    if (outcome == OUTCOME_OK || outcome == OUTCOME_STOPPED)
        return BACKOFF_NONE;
    return outcome_passes(outcome) ? BACKOFF_QUICK : BACKOFF_SLOW;
}

int64_t backoff_delay(enum backoff backoff, unsigned failures, double random)
{
    int64_t delay = backoff == BACKOFF_QUICK ? BACKOFF_QUICK_FIRST : BACKOFF_SLOW_FIRST;
    int64_t max = backoff == BACKOFF_QUICK ? BACKOFF_QUICK_MAX : BACKOFF_SLOW_MAX;

    if (backoff == BACKOFF_NONE)
        return 0;
    while (failures > 1 && delay < max) {
        delay *= 2;
        failures--;
    }
    if (delay > max)
        delay = max;
    return (int64_t)((double)delay * (0.5 + 0.5 * random));
}
