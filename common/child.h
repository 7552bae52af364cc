/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Starts a program that the administrator named, and hands it nothing but what it is to have.
 */
#ifndef COMMON_CHILD_H
#define COMMON_CHILD_H

#include <sys/types.h>

/* words: the program, looked up in PATH if it has no slash, and its arguments; NULL at the end.
 * Its standard input is empty, its output goes to the descriptor, its errors to ours; it has no
 * other descriptor. It leads a group of its own, so that the whole of it can be ended, and has
 * signals as a program expects them. Returns an errno, 0 for none. Any thread. */
int child_start(char *const words[], int output, char *const environment[], pid_t *pid);

/* Ends the group, and waits for the leader. */
void child_end(pid_t pid);

#endif
