/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What postconf(1) says of the configuration of Postfix.
 */
#ifndef CTL_POSTCONF_H
#define CTL_POSTCONF_H

#include "common/failure.h"

#include <stddef.h>

enum { POSTCONF_OUTPUT_MAX = 256 * 1024, POSTCONF_TIMEOUT = 10000, POSTCONF_ARGUMENTS_MAX = 8 };

/* Runs postconf, with -c directory unless that is NULL, with these arguments (the last is NULL),
 * and returns what it prints; free it. NULL: EX_UNAVAILABLE where there is no Postfix, EX_CONFIG
 * where postconf fails, EX_TEMPFAIL where it takes too long. No shell. */
char *postconf_read(const char *directory, const char *const arguments[], struct failure *why);

#endif
