/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Environment variables, from wherever: the process in the programs, a table in the tests.
 */
#ifndef SES_ENVIRONMENT_H
#define SES_ENVIRONMENT_H

#include <stdbool.h>

struct environment {
    const char *(*get)(void *context, const char *name); /* NULL if unset */
    void *context;
};

/* The environment of the process. */
extern const struct environment environment_process;

/* The value of a variable; an empty one counts as unset: NULL. */
const char *environment_get(const struct environment *environment, const char *name);

/* Is the variable "true", in any case, as AWS writes its switches? */
bool environment_is_true(const struct environment *environment, const char *name);

#endif
