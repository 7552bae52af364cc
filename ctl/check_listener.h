/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Each way in of a Postfix by itself: does its mail pass this milter?
 */
#ifndef CTL_CHECK_LISTENER_H
#define CTL_CHECK_LISTENER_H

#include "ctl/check.h"
#include "ctl/postfix.h"

/* ours: the milter's socket. A finding for each listener that is right, and one for each thing that
 * is wrong, however many listeners have it from main.cf. */
void check_listeners(const struct check *check, const struct postfix *postfix,
                     const struct socket_name *ours);

#endif
