/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Moments (seconds since the epoch, 0 for never) as people and JSON write them. Any thread.
 */
#ifndef COMMON_MOMENT_H
#define COMMON_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

enum { MOMENT_SIZE = 32, MOMENT_AGE_SIZE = 32 };

/* RFC 3339 in UTC, to the second: 2026-11-22T10:00:00Z. False for anything else, and for moments
 * that are not after 1970-01-01T00:00:00Z. */
bool moment_parse(const char *text, int64_t *moment);

/* The same form; false, and "" in out, for a moment that has none (never, or beyond year 9999). */
bool moment_format(int64_t moment, char out[MOMENT_SIZE]);

/* A day alone, in days since the epoch: 2026-11-22. The same rules. */
enum { MOMENT_DAY_SIZE = 16 };
bool moment_parse_day(const char *text, int64_t *day);
bool moment_format_day(int64_t day, char out[MOMENT_DAY_SIZE]);

/* The distance of two moments in one unit: 42s, 5m, 7h, 3d. "-" if there is no moment. */
void moment_age(int64_t moment, int64_t now, char out[MOMENT_AGE_SIZE]);

/* So many milliseconds after a moment, in whole seconds. */
int64_t moment_after(int64_t moment, int64_t milliseconds);

/* The time now, in milliseconds since the epoch. */
int64_t moment_milliseconds(void);

#endif
