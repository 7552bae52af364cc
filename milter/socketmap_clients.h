/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * All clients of the socketmap: whose turn it is, and which has to go. Knows neither the listening
 * socket nor the clock: `now` is in milliseconds, and never goes back. There is one set in a
 * process. The server's thread only, except for the counts.
 */
#ifndef MILTER_SOCKETMAP_CLIENTS_H
#define MILTER_SOCKETMAP_CLIENTS_H

#include "milter/socketmap.h"

#include <stdint.h>

/* Times in milliseconds. */
struct socketmap_limits {
    unsigned connections; /* at least 1; one more closes the one that has been idle longest */
    int request_time;     /* for a request, from its first octet to its last */
    int reply_time;       /* for the client to read all replies of one turn */
    int idle_time;        /* between requests */
    int accept_pause;     /* before the next attempt, if no connection can be accepted */
};

/* Since the beginning. */
struct socketmap_counts {
    uint64_t requests;
    uint64_t connections;
    uint64_t closed;        /* of the connections; and of these, because */
    uint64_t bad_peers;     /* - the client sent something malformed */
    uint64_t overdue;       /* - one of the three times ran out, idle_time included */
    uint64_t crowded_out;   /* - there was one connection too many */
    uint64_t accept_pauses; /* descriptors or memory had run out */
};

struct socketmap_client;

/* The poller is an epoll descriptor. Its events of clients carry the client as data.ptr, for
 * socketmap_clients_serve. Both structs are copied. */
void socketmap_clients_init(int poller, const struct socketmap_handlers *handlers,
                            const struct socketmap_limits *limits);

/* Takes over the descriptor of a new connection. Closes it if there is no memory for a client. */
void socketmap_clients_add(int descriptor, int64_t now);

/* Gives a turn to a client that the poller has an event of. Afterwards this client may be gone, but
 * no other. */
void socketmap_clients_serve(struct socketmap_client *client, int64_t now);

/* Give a turn to each client that has sent more than fits into one; close those whose time is over.
 * Any client may be gone afterwards, so first handle all events that the poller has returned. */
void socketmap_clients_serve_queued(int64_t now);
void socketmap_clients_close_overdue(int64_t now);

/* When to call these two again: 0 for at once, INT64_MAX if no client needs it. */
int64_t socketmap_clients_due(void);

/* Closes all. */
void socketmap_clients_reset(void);

/* All but accept_pauses. Any thread. */
void socketmap_clients_read_counts(struct socketmap_counts *counts);

#endif
