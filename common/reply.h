/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * SMTP replies: the texts of the settings reject-reply and defer-reply, with placeholders. Pure.
 *
 * A text is "554 5.1.8 MailFromDomainNotVerified: ... {identity} ...". Placeholders are {identity},
 * {mail-from-domain}, {status}, {reason}, {explanation}, {sender} and {from}; "-" stands for what
 * is not known.
 */
#ifndef COMMON_REPLY_H
#define COMMON_REPLY_H

#include "common/decision.h"

enum {
    REPLY_TEXT_MAX = 480, /* so that the line stays below the 512 octets of RFC 5321 */
    REPLY_TEMPLATE_MAX = 400
};

/* What the placeholders stand for; NULL for what is not known. */
struct reply_values {
    const char *identity;
    const char *mail_from_domain;
    const char *status;
    const char *reason;
    const char *explanation;
    const char *sender;
    const char *from;
};

struct reply {
    char code[4];                  /* "554" */
    char enhanced[12];             /* "5.1.8", RFC 3463; of the same class as code */
    char text[REPLY_TEXT_MAX + 1]; /* printable ASCII */
};

extern const char reply_default_reject[];
extern const char reply_default_defer[];
extern const char reply_bad_sender[];

/* Is this a well-formed template of the class '4' or '5'? EX_CONFIG if not. */
bool reply_check(const char *text, char class, struct failure *why);

/* Fills in a template that reply_check accepted. Octets outside printable ASCII in a value become
 * '?'; a line that gets too long is cut. */
void reply_fill(struct reply *reply, const char *text, const struct reply_values *values);

#endif
