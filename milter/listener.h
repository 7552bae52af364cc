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
    int descriptor; /* -1: none; does not block, and is closed by exec */
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path]; /* of the file to remove, or "" */
};

/* Where no one can connect yet, or ever. */
#define LISTENER_NONE                                                                              \
    {                                                                                              \
        .descriptor = -1                                                                           \
    }

/* Listens at one of
 *
 *   unix:/path, local:/path, /path   with that mode, group and owner (`user`; "" for either:
 * whoever opens it). A socket that no one answers at is replaced. One that is in use, or a file of
 * another kind, is a failure. inet:port@host, inet6:port@host  a name is looked up now. Without a
 * host it is the loopback, other than with libmilter, where it is every address. fd:number a socket
 * that listens already, from systemd.
 *
 * As root, before the privileges are dropped. */
bool listener_open(struct listener *listener, const char *socket, int mode, const char *group,
                   const char *user, struct failure *why);

/* Removes the file of a unix socket, where it made one and still may. Nothing if it is not open. */
void listener_close(struct listener *listener);

#endif
