/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The clock that only goes forward, for how long something takes: no one can set it. It means
 * nothing in another process. Any thread.
 */
#ifndef COMMON_MONOTONIC_H
#define COMMON_MONOTONIC_H

#include <stdint.h>

int64_t monotonic_nanoseconds(void);
int64_t monotonic_microseconds(void);
int64_t monotonic_milliseconds(void);

#endif
