/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The time, and chance. Everything else in sync/ that depends on them takes them as arguments.
 */
#ifndef SYNC_CLOCK_H
#define SYNC_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds since the epoch. Any thread. */
int64_t clock_now(void);

/* Was the clock set back since it showed `seen`, by more than what is put off by that is worth? All
 * that is to happen at a time of its own has to be made due then. Any thread. */
bool clock_was_set_back(int64_t seen, int64_t now);

/* From 0 to less than 1. Any thread. */
double clock_random(void);

#endif
