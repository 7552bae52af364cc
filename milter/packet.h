/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What an MTA sends a milter (libmilter/mfdef.h): four octets of length, one of command, data.
 * Pure. libmilter believes its peer: whatever is not said here to be whole and sane must not reach
 * it.
 */
#ifndef MILTER_PACKET_H
#define MILTER_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Four of length, one of command, and what libmilter takes of data at most. */
enum { PACKET_SIZE_MAX = 4 + 1 + 65535 };

struct packet {
    char command;     /* SMFIC_... */
    const char *data; /* in the octets that were read */
    size_t length;    /* of the data */
    size_t size;      /* of the whole packet */
};

/* How far a connection has come. All zero at first. */
struct packet_order {
    bool is_negotiated;
    bool may_begin_again;   /* after SMFIC_QUIT_NC: another client, with a negotiation or without */
    bool in_message;        /* from MAIL to the end of the message, or an abort */
    uint64_t message_total; /* octets, without the body */
};

/* Every packet of a message together, without its body: far above what an MTA lets a message have
 * in header fields, and low enough that no peer keeps a thread busy for ever. */
enum { PACKET_MESSAGE_MAX = 256 * 1024 * 1024 };

enum packet_found { PACKET_INCOMPLETE, PACKET_WHOLE, PACKET_BAD };

/* The first packet of these octets. PACKET_WHOLE: it may be handed on, and `order` counts it.
 * PACKET_BAD: `fault` says what is wrong, for a log line; the connection is beyond help. */
enum packet_found packet_read(struct packet *packet, struct packet_order *order, const char *octets,
                              size_t count, const char **fault);

/* Does this negotiation offer all these steps (SMFIP_...)? */
bool packet_offers(const struct packet *negotiation, uint32_t steps);

/* The command that these macros are for. */
char packet_macro_stage(const struct packet *macros);

#endif
