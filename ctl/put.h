/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Setting the custom MAIL FROM attributes of an identity, and its feedback forwarding: what the
 * command line asks for, and the three places where that is done.
 */
#ifndef CTL_PUT_H
#define CTL_PUT_H

#include "ctl/command.h"

struct put {
    struct identity identity;
    char name[IDENTITY_SIZE];             /* as SES spells it */
    const char *section;                  /* NULL: not given */
    char domain[IDENTITY_DOMAIN_MAX + 1]; /* "" to clear */
    bool clear;
    enum mail_from_behavior behavior;
    bool sets_attributes; /* domain and behavior; else feedback forwarding alone */
    bool sets_feedback;
    bool feedback_off;
    bool force;
    bool quiet; /* in the manner of `aws sesv2', which prints nothing */
    bool known; /* is there a record in the store? */
    struct mail_from record;
};

/* In SES, where feedback forwarding is not set. store: open for writing, NULL if there is none. */
bool put_ses(const struct put *put, const struct settings *settings, struct store *store,
             struct failure *why);

/* Here, for a local identity. */
bool put_local(const struct put *put, const struct settings *settings, struct store *store,
               struct failure *why);

/* Many local identities, all or none. file: "-" for standard input. add: make those that do not
 * exist. Each that is bad is told on stderr. */
bool put_file(struct invocation *invocation, const char *file, bool add, bool force,
              struct failure *why);

#endif
