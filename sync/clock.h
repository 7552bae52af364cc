/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The time, and chance. Everything else in sync/ that depends on them takes them as arguments.
 */
#ifndef SYNC_CLOCK_H
#define SYNC_CLOCK_H

#include <stdint.h>

/* Milliseconds since the epoch. Any thread. */
int64_t clock_now(void);

/* From 0 to less than 1. Any thread. */
double clock_random(void);

#endif
