/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * In front of libmilter: it gets whole, sane packets only, many for one system call, and from as
 * many peers as there should be. The program defines accept, poll, read and close in place of the C
 * library's, as milter/signals.c does sigwait. For connections that were accepted on the milter's
 * socket they work on a buffer; for all other descriptors they are what they always were.
 *
 * An MTA that waits for no answer before the end of a message is read up to there before libmilter
 * wakes: one wake-up of one thread for a message. Of such an MTA, header fields and macros that no
 * one here reads go no further. See doc/architecture.md.
 */
#ifndef MILTER_FRONT_H
#define MILTER_FRONT_H

#include <stdbool.h>
#include <stdint.h>

/* Why a connection is closed from this side. */
enum front_trouble {
    FRONT_BAD_PACKET,
    FRONT_TOO_SLOW, /* a time-out */
    FRONT_TOO_MANY, /* connections */
    FRONT_NO_MEMORY
};

struct front_policy {
    /* SMFIP_...: an MTA that offers all of these waits for an answer to the negotiation and to the
     * end of a message, and to nothing else. */
    uint32_t silent_steps;
    bool (*wants_header)(const char *name);
    void (*on_trouble)(enum front_trouble trouble, const char *text); /* any thread */
};

struct front_limits {
    int connections;
    /* milliseconds */
    int64_t negotiation; /* from the connection to its first packet */
    int64_t packet;      /* from the first octet of a packet to its last */
    int64_t idle;        /* from the last octet to the next one */
    int64_t young;       /* a connection that was heard of since then is not closed for a new one */
};

/* What fits Postfix and Sendmail: neither lets a milter wait for half a packet, and both keep a
 * connection for as long as the session of their client. */
extern const struct front_limits front_limits;

extern const bool front_is_built; /* by ./configure --with-front */

/* From now on, of connections to this listening socket. Before smfi_main; both stay. */
void front_use(int listener, const struct front_policy *policy, const struct front_limits *limits);

/* Has libmilter ever read through the front? If it has not after a message, it is linked in another
 * way, and reads by itself. */
bool front_is_in_effect(void);

#endif
