/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The connection of one client of the socketmap. It is served in turns, each of them bounded, so
 * that no client delays another. Knows neither the time nor the other clients. The server's thread
 * only.
 */
#ifndef MILTER_SOCKETMAP_CONNECTION_H
#define MILTER_SOCKETMAP_CONNECTION_H

#include "milter/socketmap.h"

#include <stdint.h>

/* Requests that are answered in one turn. If a client has sent more, they wait for its next turn.
 */
enum { SOCKETMAP_TURN_MAX = 16 };

/* What the next turn waits for. */
enum socketmap_state {
    SOCKETMAP_IDLE,       /* a request */
    SOCKETMAP_UNFINISHED, /* the rest of one */
    SOCKETMAP_QUEUED,     /* nothing: there are requests that have arrived */
    SOCKETMAP_UNREAD,     /* the client to read its replies; nothing is read from it until then */
    /* There is no next turn: */
    SOCKETMAP_ENDED,    /* the client has hung up, or there is no memory for what it has sent */
    SOCKETMAP_BAD_PEER, /* the client has sent something malformed */
};

/* While it is idle, it has no buffers. */
struct socketmap_connection {
    int descriptor; /* does not block; the caller's to close */
    enum socketmap_state state;
    uint64_t answered; /* requests */
    struct socketmap_octets {
        char *octets; /* NULL if there are none; no more than one turn takes in or puts out */
        size_t length;
    } received, unsent;
};

void socketmap_connection_init(struct socketmap_connection *connection, int descriptor);

/* Frees the buffers. */
void socketmap_connection_reset(struct socketmap_connection *connection);

/* Reads once, answers what is there, and writes once. Returns the new state. */
enum socketmap_state socketmap_connection_serve(struct socketmap_connection *connection,
                                                const struct socketmap_handlers *handlers);

#endif
