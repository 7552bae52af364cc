/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/backoff.h"

enum backoff backoff_of(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_OK:
    case OUTCOME_STOPPED:
        return BACKOFF_NONE;
    case OUTCOME_THROTTLED:
    case OUTCOME_SERVER_ERROR:
    case OUTCOME_NETWORK:
    case OUTCOME_MALFORMED_REPLY:
        return BACKOFF_QUICK;
    case OUTCOME_EXPIRED_TOKEN:
    case OUTCOME_CLOCK_SKEW:
    case OUTCOME_NO_CREDENTIALS:
    case OUTCOME_ACCESS_DENIED:
    case OUTCOME_BAD_REQUEST:
    case OUTCOME_NOT_FOUND:
    case OUTCOME_REFUSED:
    case OUTCOME_LOCAL:
        return BACKOFF_SLOW;
    }
    return BACKOFF_SLOW;
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
