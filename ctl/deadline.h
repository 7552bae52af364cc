/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * How long something may take, by a clock that no one sets.
 */
#ifndef CTL_DEADLINE_H
#define CTL_DEADLINE_H

#include <stdint.h>

/* So many milliseconds after now. */
int64_t deadline_in(int after);

/* Milliseconds, 0 when it is over. */
int deadline_left(int64_t deadline);

#endif
