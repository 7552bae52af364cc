/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The program that the administrator has run for a transition. Started without a shell, in a
 * process group and an environment of its own: PATH, HOME and what it is told, and none of the
 * daemon's credentials.
 */
#ifndef SYNC_HOOK_H
#define SYNC_HOOK_H

#include "common/failure.h"

#include <stdint.h>

enum { HOOK_VARIABLES_MAX = 16 };

/* variables: "NAME=value", ends with NULL, at most HOOK_VARIABLES_MAX. Waits until the program has
 * ended; after timeout milliseconds, or as soon as stop says so, its group is killed. Fails if it
 * cannot be run, takes too long, or ends otherwise than with exit status 0. Any thread. */
bool hook_run(const char *program, const char *const variables[], int64_t timeout,
              bool (*stop)(void *context), void *context, struct failure *why);

#endif
