/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * One client of the socketmap: what it has sent and not been told yet. It is served in turns, each
 * of which is bounded, so that no client delays another. Knows neither the time nor the other
 * clients. The server's thread only.
 */
#ifndef MILTER_SOCKETMAP_CONNECTION_H
#define MILTER_SOCKETMAP_CONNECTION_H

#include "milter/socketmap.h"

#include <stdint.h>

/* Requests that are answered in one turn; the others of a client that sends more wait for its next
 * one. So a turn is a fraction of a millisecond. */
enum { SOCKETMAP_TURN_MAX = 16 };

/* What the next turn waits for. */
enum socketmap_state {
    SOCKETMAP_IDLE,       /* a request */
    SOCKETMAP_UNFINISHED, /* the rest of one */
    SOCKETMAP_QUEUED,     /* nothing: there are requests that have arrived */
    SOCKETMAP_UNREAD,     /* the client, which has to read replies before it is read from again */
    /* And where there is no next turn: */
    SOCKETMAP_ENDED,    /* it has hung up, or memory has run out for it */
    SOCKETMAP_BAD_PEER, /* it has sent something malformed */
};

/* Idle, it has no buffers. */
struct socketmap_connection {
    int descriptor; /* does not block; the caller's to close */
    enum socketmap_state state;
    uint64_t answered; /* requests */
    struct socketmap_octets {
        char *octets; /* NULL: none; never more than fit into one turn */
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
