/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A change of status of an identity: told in the log, counted, and handed to the administrator's
 * program, one at a time, from a queue and a thread of its own, so that syncing never waits for it.
 */
#ifndef SYNC_TRANSITION_H
#define SYNC_TRANSITION_H

#include "common/mail_from.h"

enum { TRANSITION_QUEUE_MAX = 1000 };

/* The words are constants. */
struct transition {
    char identity[IDENTITY_SIZE];
    char domain[IDENTITY_DOMAIN_MAX + 1]; /* the custom MAIL FROM domain, "" for none */
    char section[MAIL_FROM_SECTION_MAX + 1];
    const char *old_status;
    const char *new_status;
    const char *reason;
    char found[MAIL_FROM_FOUND_MAX + 1]; /* what the look-up brought that led to it, "" for none */
};

/* SES's word for the status; "None" for a record without a custom MAIL FROM domain, "Removed" for
 * no record (NULL). */
const char *transition_status(const struct mail_from *record);

/* Fills *transition if the status is another in the new record. */
bool transition_between(struct transition *transition, const char *key, const struct mail_from *old,
                        const struct mail_from *new);

struct transitions;

struct transitions *transitions_new(struct failure *why);

/* Kills the program that runs, and says in the log how many were not handed over. */
void transitions_free(struct transitions *transitions); /* NULL is fine */

/* Logs the transition; program: "" for none. Never waits. Any thread. */
void transitions_report(struct transitions *transitions, const struct transition *transition,
                        const char *program, int64_t timeout);

/* Is nothing queued, and no program running? */
bool transitions_are_done(struct transitions *transitions);

#endif
