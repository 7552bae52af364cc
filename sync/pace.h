/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The budget of an account: when the next call may go out. Calls are spaced evenly, so that no
 * window of any length sees more than its share and one. Pure; whoever uses it keeps the time of
 * the last call where it outlives the process.
 */
#ifndef SYNC_PACE_H
#define SYNC_PACE_H

#include <stdint.h>

struct pace {
    int64_t interval; /* milliseconds between two calls */
    int64_t last;     /* the call that was charged last, milliseconds since the epoch; 0: none */
};

void pace_init(struct pace *pace, double requests_per_second, int64_t last);

/* A clock that was far ahead noted a call of the future: it counts as one of now. */
void pace_correct(struct pace *pace, int64_t now);

/* Not before this. */
int64_t pace_ready(const struct pace *pace, int64_t now);

/* Charges requests that go out now, or went out already. */
void pace_charge(struct pace *pace, int64_t now, unsigned long requests);

#endif
