/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Sockets to one nameserver, on c-ares; knows neither other servers nor second tries. Replies with
 * another id, question or source are ignored; a long one is fetched over TCP.
 */
#ifndef DNS_CHANNEL_H
#define DNS_CHANNEL_H

#include "dns/resolver.h"
#include "dns/server.h"

#include <poll.h>

enum { CHANNEL_SOCKETS = 2 }; /* UDP and TCP */

struct channel;

/* Before anything else here, and after everything else, as often. */
bool channel_start(void);
void channel_stop(void);

/* timeout: milliseconds for each question. edns: with EDNS, until the server says that it does not
 * know it. NULL: out of memory. */
struct channel *channel_open(const struct server *server, int64_t timeout, bool edns);

/* Ends what is open, with DNS_TIMEOUT. */
void channel_close(struct channel *channel);

/* octets: the reply; NULL if there was none, and then reason says why. */
typedef void channel_ended(void *context, enum dns_result reason, const unsigned char *octets,
                           size_t length);

/* ended is called exactly once, maybe from here. False: out of memory. */
bool channel_ask(struct channel *channel, const char *name, enum dns_type type,
                 channel_ended *ended, void *context);

/* How many queries went out since this was asked last: also those over TCP, for answers that were
 * too long, and those that c-ares repeats by itself. */
unsigned channel_take_queries(struct channel *channel);

unsigned channel_open_questions(const struct channel *channel);

/* Was it used so often that somebody may have guessed its source port? */
bool channel_is_worn(const struct channel *channel);

/* For poll: fills in all of sockets, -1 where there is none. */
void channel_list_sockets(const struct channel *channel, struct pollfd sockets[CHANNEL_SOCKETS]);

/* Handles what poll found. */
void channel_process(struct channel *channel, const struct pollfd sockets[CHANNEL_SOCKETS]);

/* Ends questions that had their time; nothing else does. */
void channel_expire(struct channel *channel);

#endif
