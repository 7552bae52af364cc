/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The story of a failure, for the person who has to act on it. A function that can fail returns
 * bool and takes a `struct failure *why` last; it is filled only when the function returns false.
 */
#ifndef COMMON_FAILURE_H
#define COMMON_FAILURE_H

#include <stdbool.h>

enum { FAILURE_TEXT_SIZE = 1024 };

struct failure {
    int exit_code;                /* what a command-line program exits with: see sysexits.h */
    char text[FAILURE_TEXT_SIZE]; /* one line, no newline; octets from outside are escaped in it */
};

/* Fills *why and returns false, so that a caller can `return failure_set(...)`. A text that is too
 * long is cut. Control characters become '?', so that the text is always one line, and harmless on
 * a terminal. */
bool failure_set(struct failure *why, int exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "CONTEXT: " before the text of a failure that came from below, and returns false. */
bool failure_prefix(struct failure *why, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
