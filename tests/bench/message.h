/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The messages of the load: who sends message number n, and the packets in which Postfix 3.7 hands
 * it to a milter. Knows nothing of sockets and of replies.
 *
 * Identity number i (tests/bench/run makes the same ones): every tenth, i % 10 == 9, is the address
 * user0000009@a0000009.bench.example, the others are domains, d0000001.bench.example.
 */
#ifndef TESTS_BENCH_MESSAGE_H
#define TESTS_BENCH_MESSAGE_H

#include "tests/bench/packets.h"

enum {
    MESSAGE_DOMAIN_SIZE = 32,
    MESSAGE_SENDER_SIZE = 96,
    MESSAGE_QUEUE_ID_SIZE = 16,
    MESSAGE_STAGES = 7, /* the macro stages SMFIM_* of libmilter */
    MESSAGE_MACROS_SIZE = 256
};

/* What the milter asked for. */
struct message_protocol {
    uint32_t steps;                                   /* SMFIP_* */
    char macros[MESSAGE_STAGES][MESSAGE_MACROS_SIZE]; /* names for each stage, as in its list */
};

/* The text that changes from message to message. */
struct message {
    char domain[MESSAGE_DOMAIN_SIZE]; /* of the author */
    char author[MESSAGE_SENDER_SIZE]; /* the address in From */
    char sender[MESSAGE_SENDER_SIZE]; /* of the envelope, without <> */
    char queue_id[MESSAGE_QUEUE_ID_SIZE];
};

/* Starts from what Postfix does without a list of the milter's. */
void message_protocol_init(struct message_protocol *protocol);

/* Takes the data of the milter's answer to the negotiation. NULL, or what is wrong with it: only a
 * milter that turns off every reply before end of message can be driven. */
const char *message_protocol_read(struct message_protocol *protocol, const char *data,
                                  size_t length);

void message_init(struct message *message, uint32_t identity, uint32_t number);

/* The three pieces, each of which Postfix writes at once, appended to packets. */
void message_add_connect(struct packets *packets, const struct message_protocol *protocol);
void message_add_envelope(struct packets *packets, const struct message_protocol *protocol,
                          const struct message *message);
void message_add_content(struct packets *packets, const struct message_protocol *protocol,
                         const struct message *message);

#endif
