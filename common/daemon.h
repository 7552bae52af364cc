/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What turns a program into a daemon: the background, the terminal left behind, another user.
 * Before any thread is started.
 */
#ifndef COMMON_DAEMON_H
#define COMMON_DAEMON_H

#include "common/failure.h"

/* Forks. The parent waits until the child is ready or has failed, and exits with its code, so that
 * whoever started the program learns how it went. Returns in the child only. */
bool daemon_go_to_background(struct failure *why);

/* Lets the parent exit with this code; nothing where there is none. */
void daemon_tell_parent(int exit_code);

/* Standard input, output and error become /dev/null. */
bool daemon_leave_terminal(struct failure *why);

/* Becomes the user, with all of his groups and with HOME set to his; "" and who one is already:
 * nothing happens. EX_CONFIG: no such user; EX_NOPERM. */
bool daemon_become(const char *name, struct failure *why);

/* For a program that holds keys: neither a core file nor a debugger of the same user gets at them,
 * nor does a program that it runs leave one. After daemon_become, which may allow it anew. */
void daemon_forbid_core(void);

#endif
