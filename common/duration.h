/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Lengths of time as the settings write them: "500ms", "30s", "5m", "72h", "7d". Pure.
 */
#ifndef COMMON_DURATION_H
#define COMMON_DURATION_H

#include <stdbool.h>
#include <stdint.h>

enum { DURATION_TEXT_SIZE = 32 };

/* Milliseconds. False for anything but digits and one unit, and beyond some ten thousand years. */
bool duration_parse(int64_t *milliseconds, const char *text);

/* The same length in the largest unit that says it exactly: "90s", "1h". */
void duration_format(int64_t milliseconds, char text[DURATION_TEXT_SIZE]);

/* About the same length for a person to read, in one unit: "3 s", "2 min", "5 h", "7 d". */
void duration_describe(int64_t milliseconds, char text[DURATION_TEXT_SIZE]);

#endif
