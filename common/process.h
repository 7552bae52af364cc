/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Other processes, as a person is told of them.
 */
#ifndef COMMON_PROCESS_H
#define COMMON_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

enum { PROCESS_NAME_SIZE = 64 };

/* "1234 (mailfromctl)", or "1234 (mailfromctl, stopped)"; the number alone where /proc does not
 * say. Returns out. */
const char *process_describe(pid_t process, char out[PROCESS_NAME_SIZE]);

/* Was it sent STOP or TSTP (Ctrl-Z), or is it in a debugger? */
bool process_is_stopped(pid_t process);

#endif
