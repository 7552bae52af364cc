/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The record of an identity that is set here, not at SES: what becomes of it by a command.
 * mailfrom-sync looks its MX up and moves its status; here it only begins. Pure. now: seconds since
 * the epoch.
 */
#ifndef CTL_LOCAL_RECORD_H
#define CTL_LOCAL_RECORD_H

#include "common/settings.h"

/* A new one, without a MAIL FROM domain. It may send: the administrator vouches for it. */
void local_record_init(struct mail_from *record, enum identity_kind kind);

enum local_record_change {
    LOCAL_RECORD_SAME,     /* nothing changes */
    LOCAL_RECORD_BEHAVIOR, /* nothing but the behavior */
    LOCAL_RECORD_ANEW,     /* Pending, and due before all others */
    LOCAL_RECORD_CLEARED
};

/* A put, which replaces both attributes, as at SES; domain: "" clears. The domain that it has
 * already begins anew in status Failed only, or with force. */
enum local_record_change local_record_put(struct mail_from *record, const char *domain,
                                          enum mail_from_behavior behavior, bool force,
                                          int64_t now);

/* Switches feedback forwarding, which has nothing to do with the MX: neither status nor clocks
 * change. False: it is so already. */
bool local_record_switch_feedback(struct mail_from *record, bool off);

/* Makes a record of another source a local one, which keeps its attributes. */
void local_record_adopt(struct mail_from *record, int64_t now);

/* The way back, to what it was adopted from. section: the one that the record names; NULL for a
 * record of source file. */
void local_record_give_back(struct mail_from *record, const struct settings_ses *section,
                            int64_t now);

/* Makes it due. False without a MAIL FROM domain: there is nothing to look up. */
bool local_record_hurry(struct mail_from *record, int64_t now);

#endif
