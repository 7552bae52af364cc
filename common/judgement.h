/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The whole way from the facts of one message to what is done with it: which address counts,
 * which identity decides, the decision, the new envelope sender or the reply. The milter acts on
 * a judgement, `mailfromctl explain` prints one; both call this. No network.
 */
#ifndef COMMON_JUDGEMENT_H
#define COMMON_JUDGEMENT_H

#include "common/envelope.h"
#include "common/lookup.h"
#include "common/reply.h"
#include "common/return_address.h"
#include "common/settings.h"

struct judgement_message {
    const char *sender;      /* the argument of MAIL FROM, with or without <> */
    const char *home_domain; /* what the MTA adds to a sender without a domain, NULL if unknown */
    const char *from;        /* the mailbox of the From header, NULL if there is no usable one */
    const char *client;      /* the client's IP address, NULL if unknown */
    const char *port;        /* of the MTA, where the client came to, NULL if unknown */
    bool authenticated;
    bool submitted; /* by sendmail(1), on this machine */
    bool smtputf8;  /* MAIL FROM asked for it */
};

struct judgement {
    struct decision decision;
    bool outbound;
    bool comes_back;                        /* from a content filter, and so it is not outbound */
    char identity[IDENTITY_SIZE];           /* the identity that decided, "" for none */
    struct mail_from record;                /* its record; means nothing without an identity */
    struct store_snapshot snapshot;         /* what it was looked up in; 0, 0 without a look-up */
    bool rewrite;                           /* is the envelope sender to be changed? */
    char new_sender[ENVELOPE_ADDRESS_SIZE]; /* to what, without <> */
    bool has_return_path;                   /* does return_form mean anything? */
    enum return_form return_form;           /* of new_sender */
    struct reply reply;                     /* for VERDICT_REJECT and VERDICT_DEFER */
    struct failure detail; /* why the store is unavailable, the address none, or the sender
                            * not portable or cannot be signed, or by what port the message comes
                            * back; "" otherwise */
};

/* By client, port, authenticated and submitted alone, which are known when a message begins. */
bool judgement_is_outbound(const struct judgement_message *message,
                           const struct settings *settings);

/* trace: NULL, or told of each key that is tried. Any thread. */
void judge(struct judgement *judgement, const struct judgement_message *message,
           const struct return_scene *scene, const struct store_trace *trace);

/* The same of an outbound message whose identity is known already: its canonical form, and its
 * record. Where the message comes from and what is in the From header does not count. */
void judge_as(struct judgement *judgement, const char *identity, const struct mail_from *record,
              const struct judgement_message *message, const struct return_scene *scene);

#endif
