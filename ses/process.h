/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Credentials printed by a program of the administrator's (credential_process). No shell: the
 * command is split into words as a shell would, with its quotes and backslashes, and nothing else.
 */
#ifndef SES_PROCESS_H
#define SES_PROCESS_H

#include "ses/keys.h"

enum { PROCESS_COMMAND_MAX = 4096, PROCESS_WORDS_MAX = 64, PROCESS_OUTPUT_MAX = 64 * 1024 };

/* Runs the command and reads what it prints. Its standard input is empty, its standard error that
 * of the program. After timeout milliseconds it is killed with all it started in its process group.
 * EX_CONFIG if it cannot be run, EX_UNAVAILABLE if it fails, EX_TEMPFAIL if it takes too long,
 * EX_PROTOCOL if it prints something else. */
bool process_read_keys(const char *command, int timeout, struct keys *keys, struct failure *why);

/* Splits command into words, which point into buffer; ends with NULL. Returns how many there are,
 * or 0 for an open quote, no word, or too many (EX_CONFIG). */
size_t process_split(const char *command, char buffer[PROCESS_COMMAND_MAX + 1],
                     char *words[PROCESS_WORDS_MAX + 1], struct failure *why);

#endif
