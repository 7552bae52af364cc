/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Records as JSON, in the very shape that `aws ses get-identity-mail-from-domain-attributes`
 * prints:
 *
 *     {"MailFromDomainAttributes": {IDENTITY: {MailFromDomain, MailFromDomainStatus,
 *                                              BehaviorOnMXFailure, FeedbackForwardingStatus,
 *                                              Record}}}
 *
 * FeedbackForwardingStatus, true or false, is what GetEmailIdentity of v2 calls it. "Record" is
 * ours: {Source, Section, Verified, FeedbackForwardingStatus, StatusSince, Checked, RefreshAfter,
 * ExpireAfter, LastError, and of a local one Former, Found, FoundAt, UnclearSince}, which makes
 * export and import a round trip; moments are RFC 3339 in UTC, or null. Knows nothing of files and
 * the store.
 */
#ifndef CTL_ATTRIBUTES_H
#define CTL_ATTRIBUTES_H

#include "common/mail_from.h"

/* What the text said, where it matters whether it did. */
struct attributes_given {
    bool mail_from; /* domain or behavior; if not, and feedback, a put leaves them alone */
    bool feedback;  /* FeedbackForwardingStatus; if not, record.feedback_off is false */
    bool since;     /* StatusSince; if not, record.status_since is `now` */
};

struct attributes_item {
    struct identity identity;
    struct mail_from record;
    struct attributes_given given;
};

/* Reads a whole text and calls take for each identity in the order of the text, until it returns
 * false. The spellings of v1 and v2 of the API are taken alike, and empty, null and absent fields
 * too; SES's rules are checked, and an unknown field is refused. FeedbackForwardingStatus may stand
 * beside the others, in "Record", or in both if they agree. What the text does not say becomes a
 * verified record of source `file`, checked `now`, that never expires.
 *
 * Fails with EX_DATAERR and the line and column or the identity, with EX_OSERR, or with what take
 * said; take may
 * have been called before. Does not see whether two identities are the same. */
bool attributes_read(const char *text, size_t length, int64_t now,
                     bool (*take)(void *context, const struct attributes_item *item,
                                  struct failure *why),
                     void *context, struct failure *why);

/* The same text for what a put sets, domain, behavior and feedback forwarding: of the status, which
 * need not be there, and of the rest of "Record" nothing is read. The rest of the item's record is
 * zero. An entry that is bad is told to refuse, with its identity, and the next one read; so this
 * fails only for what is not such a text, or with what take said. */
bool attributes_read_puts(const char *text, size_t length,
                          bool (*take)(void *context, const struct attributes_item *item,
                                       struct failure *why),
                          void (*refuse)(void *context, const struct failure *reason),
                          void *context, struct failure *why);

#endif
