/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * How many queries may go out: so many a second, whatever they are for. Pure.
 */
#ifndef DNS_ALLOWANCE_H
#define DNS_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

/* Times are milliseconds of any clock. */
struct allowance {
    double rate; /* a second; 0: no limit */
    double left; /* what may go out now; less than 0: more went out than was allowed */
    int64_t renewed;
};

/* Adds what has come due since the last time. A quarter of a second's worth may be made up for at
 * once, so that a slow disk does not slow it down; a clock that was set gives no more than that. */
void allowance_renew(struct allowance *allowance, int64_t now);

/* Takes one; false if there is none. */
bool allowance_take(struct allowance *allowance);

/* Takes so many, there or not. */
void allowance_charge(struct allowance *allowance, unsigned count);

/* Milliseconds until there is one, rounded up; 0: there is one. */
int64_t allowance_wait(const struct allowance *allowance);

#endif
