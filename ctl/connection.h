/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A connection to a socket of mailfrom-milter, made as an MTA would make it, within seconds.
 */
#ifndef CTL_CONNECTION_H
#define CTL_CONNECTION_H

#include "ctl/socket_name.h"

enum { CONNECTION_TIMEOUT = 3000 }; /* milliseconds */

/* A name without a host is reached at 127.0.0.1. Returns an errno, 0 if somebody accepts, or will:
 * then *descriptor, which does not block, is to be closed. */
int connection_open(const struct socket_name *name, int *descriptor);

#endif
