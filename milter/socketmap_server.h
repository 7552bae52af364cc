/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Answers the MTA's socketmap requests, in one thread of its own that the mail path never waits
 * for. A client that stalls, floods or talks nonsense delays no other. There is one server in a
 * process.
 */
#ifndef MILTER_SOCKETMAP_SERVER_H
#define MILTER_SOCKETMAP_SERVER_H

#include "common/failure.h"
#include "milter/socketmap.h"
#include "milter/socketmap_clients.h"

/* What the program runs with. The reasons are in the source. */
extern const struct socketmap_limits socketmap_server_limits;

/* Listens, as listener_open does; "" for no server at all. As root, before any thread is started.
 * Clients that connect wait until socketmap_server_start. */
bool socketmap_server_bind(const char *socket, int mode, const char *group, const char *user,
                           struct failure *why);

/* Starts the thread, if it is bound; so call it once the program is in the background. Works within
 * the seccomp filter, whatever the family of the socket. Connections never take more than a quarter
 * of the process's descriptors, whatever the limits say. Both structs are copied. The handlers may
 * be called until socketmap_server_stop returns. */
bool socketmap_server_start(const struct socketmap_handlers *handlers,
                            const struct socketmap_limits *limits, struct failure *why);

/* Ends the thread after the turns that are under way, closes all connections, and removes the unix
 * socket that it created. Does nothing if it is not bound. */
void socketmap_server_stop(void);

/* Any thread. */
void socketmap_server_read_counts(struct socketmap_counts *counts);

#endif
