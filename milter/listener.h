/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A socket of our own that listens, where a setting says: the forms are those of libmilter's
 * socket. At the start of the program, before any thread.
 */
#ifndef MILTER_LISTENER_H
#define MILTER_LISTENER_H

#include "common/failure.h"

#include <sys/un.h>

struct listener {
    int descriptor; /* non-blocking and close-on-exec; -1 for none */
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path]; /* of the file to remove, or "" */
};

/* Listens at one of these:
 *
 *   unix:/path, local:/path, /path
 *      With this mode, group and owner (`user`); "" for either of the two leaves that of the
 *      process. A stale socket is replaced. One that is in use, or another kind of file, is a
 *      failure.
 *   inet:port@host, inet6:port@host
 *      A name is looked up once. Without a host it is the loopback address, unlike libmilter's
 *      socket, which then listens on all addresses.
 *   fd:number
 *      A socket that listens already, passed by systemd.
 *
 * As root, before the privileges are dropped. */
bool listener_open(struct listener *listener, const char *socket, int mode, const char *group,
                   const char *user, struct failure *why);

/* Also removes the unix socket that it created, if it still may. Does nothing if it is not open. */
void listener_close(struct listener *listener);

#endif
