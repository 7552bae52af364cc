/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Calls commands of mailfromctl within a test program, on a store of the test's own.
 */
#ifndef TESTS_UNIT_CTL_CALL_H
#define TESTS_UNIT_CTL_CALL_H

#include "common/failure.h"

/* What the last call did; holds until the next. */
struct ctl_result {
    int exit_code;
    char *out; /* stdout */
    char *err; /* stderr, without the last line that main writes */
    struct failure why;
};
extern struct ctl_result ctl_result;

/* For cmocka: a directory with settings and no store; the same, with a line of settings after. */
int ctl_setup(void **state);
int ctl_teardown(void **state);
void ctl_settings(const char *line);

/* Calls a command; the arguments end with NULL. Returns the exit code. */
int ctl_call(const char *command, ...) __attribute__((sentinel));

/* Writes the text into a file and imports it. */
int ctl_import(const char *text);

/* Where the file of ctl_import is. */
const char *ctl_file(void);

/* The directory of the store. */
const char *ctl_store(void);

#endif
