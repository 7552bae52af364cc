/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What is remembered of a message until its end: the envelope sender and the header fields that
 * name who it is from. One per connection, reused from message to message; used by one thread at a
 * time, not always the same.
 */
#ifndef MILTER_MESSAGE_H
#define MILTER_MESSAGE_H

#include "common/envelope.h"
#include "milter/sender.h"

enum { MESSAGE_SENDER_MAX = 1024 }; /* octets; far beyond what may be handed on anyway */

struct message {
    char sender[MESSAGE_SENDER_MAX + 1]; /* argument of MAIL FROM, cut where it is longer */
    bool smtputf8;
    bool inbound;       /* when it began, it was certainly not outbound mail */
    bool is_from_final; /* no From field that is yet to come counts */
    char *from_field;   /* body of the From field, NULL if none */
    char *sender_field; /* body of the Sender field, NULL if none */
    bool out_of_memory; /* a field could not be kept */
};

struct message *message_new(void);          /* NULL: out of memory */
void message_free(struct message *message); /* NULL is fine */

/* A new message begins: arguments of MAIL FROM, terminated by NULL, the address first. */
void message_begin(struct message *message, char **arguments);

/* Forgets everything. */
void message_reset(struct message *message);

/* Is it one of those that count? */
bool message_wants_header(const char *name);

/* Keeps the field if it is one that counts. Of several From fields the first with a usable mailbox
 * counts, of several Sender fields the first. Each field is read once at most, so that what a
 * header costs is its length; of inbound mail none is read, and the first From field counts. */
void message_header(struct message *message, const char *name, const char *body);

/* The mailbox that the message is from. False if no header names one. */
bool message_from(const struct message *message, char out[SENDER_ADDRESS_SIZE]);

#endif
