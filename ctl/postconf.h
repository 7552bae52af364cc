/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What the tools of Postfix say of its configuration: postconf(1) and postmap(1).
 */
#ifndef CTL_POSTCONF_H
#define CTL_POSTCONF_H

#include "common/failure.h"

#include <stddef.h>

/* Octets, milliseconds. */
enum { POSTCONF_OUTPUT_MAX = 256 * 1024, POSTCONF_TIMEOUT = 10000, POSTCONF_ARGUMENTS_MAX = 40 };

/* Runs postconf, with -c directory unless that is NULL, with these arguments (the last is NULL),
 * and returns what it prints; free it. NULL: EX_UNAVAILABLE where there is no Postfix, EX_CONFIG
 * where postconf fails, EX_TEMPFAIL where it takes too long. No shell. */
char *postconf_read(const char *directory, const char *const arguments[], struct failure *why);

enum postconf_answer { POSTCONF_NO, POSTCONF_YES, POSTCONF_FAILED };

/* Does a table, "hash:/etc/postfix/virtual", have the key? postmap looks it up, and has
 * POSTCONF_LOOKUP_TIMEOUT for it. queue_directory: where relative paths of sockets begin. Fills
 * *why only for POSTCONF_FAILED. */
enum { POSTCONF_LOOKUP_TIMEOUT = 3000 };
enum postconf_answer postconf_look_up(const char *directory, const char *queue_directory,
                                      const char *table, const char *key, struct failure *why);

#endif
