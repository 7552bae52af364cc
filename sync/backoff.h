/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * How long to wait after a call that failed. Pure.
 */
#ifndef SYNC_BACKOFF_H
#define SYNC_BACKOFF_H

#include "ses/outcome.h"

#include <stdint.h>

enum backoff {
    BACKOFF_NONE,
    BACKOFF_QUICK, /* it passes by itself: throttling, trouble at AWS, the network */
    BACKOFF_SLOW   /* a person has to act: permissions, keys, settings */
};

enum backoff backoff_of(enum outcome outcome);

enum {
    BACKOFF_QUICK_FIRST = 1000, /* milliseconds; doubled with each failure */
    BACKOFF_QUICK_MAX = 300000,
    BACKOFF_SLOW_FIRST = 60000,
    BACKOFF_SLOW_MAX = 600000
};

/* Milliseconds until the next try. failures: so many in a row, at least 1. random: from 0 to less
 * than 1; spreads the wait over the upper half, so that several programs do not come back at the
 * same time. */
int64_t backoff_delay(enum backoff backoff, unsigned failures, double random);

#endif
