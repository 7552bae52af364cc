/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Answers the socketmap requests of the MTA, in one thread of its own that the mail path never
 * waits for. A client that stalls, floods or talks nonsense delays no other. There is one server in
 * a process.
 */
#ifndef MILTER_SOCKETMAP_SERVER_H
#define MILTER_SOCKETMAP_SERVER_H

#include "common/failure.h"
#include "milter/socketmap.h"
#include "milter/socketmap_clients.h"

/* What the program runs with; the reasons are in the source. */
extern const struct socketmap_limits socketmap_server_limits;

/* Listens, as listener_open does; "" for no server at all. As root, before any thread. Clients wait
 * in the backlog until it is started. */
bool socketmap_server_bind(const char *socket, int mode, const char *group, const char *user,
                           struct failure *why);

/* Serves, if it is bound. Works within the seccomp filter, and adds no family of sockets to it.
 * Once the program is in the background, for a thread is started. Of the connections in the limits,
 * it has no more than a quarter of the descriptors that the process may have. The handlers are
 * called until socketmap_server_stop has returned. */
bool socketmap_server_start(const struct socketmap_handlers *handlers,
                            const struct socketmap_limits *limits, struct failure *why);

/* Waits for the turn that is under way, ends the thread, closes all connections, and removes a unix
 * socket that it made. Nothing if it is neither bound nor started. */
void socketmap_server_stop(void);

/* Any thread. */
void socketmap_server_read_counts(struct socketmap_counts *counts);

#endif
