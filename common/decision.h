/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The decision: which envelope sender is a message entitled to? One pure function: facts in,
 * verdict out, by value; no I/O, no clock, no allocation. Any thread may call it.
 */
#ifndef COMMON_DECISION_H
#define COMMON_DECISION_H

#include "common/mail_from.h"

enum verdict {
    VERDICT_PASS,    /* the envelope sender stays as it is */
    VERDICT_CUSTOM,  /* it moves to the custom MAIL FROM domain */
    VERDICT_DEFAULT, /* it moves to the default MAIL FROM domain */
    VERDICT_REJECT,  /* 5xx */
    VERDICT_DEFER    /* 4xx */
};
enum { VERDICT_COUNT = VERDICT_DEFER + 1 };
extern const char *const verdict_words[VERDICT_COUNT];

/* In the order of the rows of the decision table; the first row that matches wins. */
enum reason {
    REASON_NULL_SENDER,
    REASON_NOT_OUTBOUND,
    REASON_UNAVAILABLE,
    REASON_UNKNOWN_IDENTITY,
    REASON_EXPIRED,
    REASON_NO_MAIL_FROM_DOMAIN,
    REASON_VERIFIED,
    REASON_TEMPORARY_FAILURE_DEFERRED,
    REASON_MX_FAILURE_REJECT,
    REASON_MX_FAILURE_DEFAULT,
    REASON_BAD_SENDER /* a rewrite is due, but the envelope sender cannot be carried over */
};
enum { REASON_COUNT = REASON_BAD_SENDER + 1 };
extern const char *const reason_words[REASON_COUNT];        /* "null-sender", .. */
extern const char *const reason_explanations[REASON_COUNT]; /* for a person, in replies */

enum lookup_result { LOOKUP_UNAVAILABLE, LOOKUP_UNKNOWN, LOOKUP_FOUND };

struct decision_facts {
    bool null_sender;
    bool outbound;
    bool sender_stays;         /* rewrite = false: only refusals are left */
    bool sender_portable;      /* can the envelope sender move to another domain unharmed? */
    enum lookup_result lookup; /* the rest counts only for LOOKUP_FOUND */
    bool has_mail_from_domain;
    enum mail_from_status status;
    enum mail_from_behavior behavior;
    int64_t expire_after; /* seconds since the epoch, 0 for never */
};

struct decision_policy {
    enum verdict on_unavailable; /* never VERDICT_CUSTOM */
    enum verdict on_unknown_identity;
    enum verdict on_expired;
    bool defer_temporary_failure; /* TemporaryFailure with RejectMessage: defer, don't reject */
    bool has_default_domain;      /* without one, VERDICT_DEFAULT comes out as VERDICT_PASS */
};

struct decision {
    enum verdict verdict;
    enum reason reason;
};

/* now: seconds since the epoch. */
struct decision decide(struct decision_facts facts, struct decision_policy policy, int64_t now);

#endif
