/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * All clients of the socketmap: whose turn it is, and who has to go. Knows neither the listening
 * socket nor the clock: `now` is in milliseconds, and does not go back. One set in a process; the
 * server's thread only, but for the counts.
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
    int accept_pause;     /* before the next try, where no connection can be accepted */
};

/* Since the beginning. */
struct socketmap_counts {
    uint64_t requests;
    uint64_t connections;
    uint64_t closed;        /* of the connections; and of these, because */
    uint64_t bad_peers;     /* - the client sent something malformed */
    uint64_t overdue;       /* - one of the three times was over, also that of idling */
    uint64_t crowded_out;   /* - there was one too many */
    uint64_t accept_pauses; /* descriptors or memory had run out */
};

struct socketmap_client;

/* The clients become events of the poller: with their own address, for socketmap_clients_serve.
 * Both structs are copied. */
void socketmap_clients_init(int poller, const struct socketmap_handlers *handlers,
                            const struct socketmap_limits *limits);

/* Takes the descriptor, also where there is no memory for another client: then it is closed. */
void socketmap_clients_add(int descriptor, int64_t now);

/* The poller has an event of this client, which gets its turn. It may be gone afterwards, but no
 * other is. */
void socketmap_clients_serve(struct socketmap_client *client, int64_t now);

/* A turn for each of those who had sent more than fits into one. Any client may be gone after these
 * two, so that events which are still to be handled must not name one. */
void socketmap_clients_serve_queued(int64_t now);
void socketmap_clients_close_overdue(int64_t now);

/* When the last two have to be called at the latest: INT64_MAX if no client waits for it. */
int64_t socketmap_clients_due(void);

/* Closes all. */
void socketmap_clients_reset(void);

/* All but accept_pauses. Any thread. */
void socketmap_clients_read_counts(struct socketmap_counts *counts);

#endif
