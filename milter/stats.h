/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The verdicts since the start for a person, as mailfromctl stats shows them: by reason, and by
 * identity. In JSON. It names identities, so it is for this machine only.
 */
#ifndef MILTER_STATS_H
#define MILTER_STATS_H

#include "milter/counters.h"
#include "milter/top.h"

#include <stdio.h>

/* Any thread; the lock is held for a fraction of a microsecond. */
void stats_add(const char *identity, struct decision decision);

/* False: out of memory. started: seconds since the epoch. */
bool stats_write(FILE *out, const struct counters *counters, int64_t started);

#endif
