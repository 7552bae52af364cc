/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The socket that the MTA connects to.
 */
#ifndef MILTER_SOCKET_H
#define MILTER_SOCKET_H

#include "common/settings.h"

/* Opens it, with mode, group and owner (`user`) as the settings say. A unix socket that nobody
 * listens on is replaced; one that is in use is not (EX_UNAVAILABLE). After milter_register, before
 * the privileges are dropped, and before any thread is started. */
bool socket_open(const struct settings *settings, struct failure *why);

/* AF_UNIX, AF_INET or AF_INET6; AF_UNSPEC where libmilter hides it. */
int socket_family(void);

/* The socket that listens; -1 where libmilter hides it. */
int socket_listener(void);

/* A connection to the socket; -1 if there is none. It waits ten seconds at most, to send and to
 * receive too. */
int socket_connect(void);

/* Connects to the socket and hangs up, so that libmilter's listener looks up from its poll. */
void socket_nudge(void);

/* Removes a unix socket; the libmilter of a program that is root does not. */
void socket_remove(const struct settings *settings);

#endif
