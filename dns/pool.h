/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The channels to all servers. Each server has one in use with EDNS, and one without, until they
 * are worn; those that are worn stay until their questions have ended.
 */
#ifndef DNS_POOL_H
#define DNS_POOL_H

#include "dns/channel.h"

struct source;

/* servers and timeout are the caller's to set, before the first question; the rest is zero. */
struct pool {
    struct server servers[DNS_SERVERS_MAX];
    unsigned server_count;
    int64_t timeout; /* of each question, in milliseconds */
    struct source **sources;
    size_t source_count;
    struct pollfd *sockets;                     /* of each source, in the same order */
    struct source *current[DNS_SERVERS_MAX][2]; /* [1]: with EDNS */
    int64_t tended;
};

/* Ends what is open. */
void pool_reset(struct pool *pool);

/* As channel_ask. Not from within ended. */
bool pool_ask(struct pool *pool, unsigned server, bool edns, const char *name, enum dns_type type,
              channel_ended *ended, void *context);

/* Handles what comes within so many milliseconds; false if that was nothing. */
bool pool_wait(struct pool *pool, int milliseconds);

/* As channel_take_queries, of all of them. */
unsigned pool_take_queries(struct pool *pool);

/* From time to time: ends questions that had their time, and closes what nobody needs. */
void pool_tend(struct pool *pool, int64_t now);

#endif
