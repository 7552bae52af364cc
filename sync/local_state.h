/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The state machine of a local identity, that of SES: what an answer about the MX of its MAIL FROM
 * domain makes of its status, and when to look again. Pure.
 *
 *     put ---------> Pending --found--> Success --gone--> TemporaryFailure --found--> Success
 *                      | window                                 | window
 *                      +-----------------> Failed <-------------+        only a put leaves it
 *
 * An answer that is not clear changes nothing until there has been no other for the grace time;
 * from then on it counts as gone. A time in which nobody looked is no part of it: that is one of
 * the grace time or more in which more than three look-ups were missed.
 */
#ifndef SYNC_LOCAL_STATE_H
#define SYNC_LOCAL_STATE_H

#include "sync/mx_lookup.h"

/* Times are seconds since the epoch. */
struct local_state {
    enum mail_from_status status;
    int64_t since;         /* in this status */
    int64_t looked_up;     /* when the answer before this one came; 0: there was none */
    int64_t unclear_since; /* the first answer that was not clear since the last that was; 0 */
    int64_t next_check;    /* 0: never */
};

/* The settings are those of section local; durations are rounded up to seconds. random: from 0 to
 * less than 1; a check comes somewhat before its interval is over, so that those that came together
 * do not stay together. */
struct local_state local_state_next(struct local_state state, enum mx_finding finding, int64_t now,
                                    const struct settings *settings, double random);

/* What an answered question makes of the record that it was asked for. */
void local_state_apply(struct mail_from *record, const struct mx_question *question, int64_t now,
                       const struct settings *settings, double random);

/* How long a status lasts without the MX; 0 for those that do not end by time. Seconds. */
int64_t local_state_window(enum mail_from_status status, const struct settings *settings);

#endif
