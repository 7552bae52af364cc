/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/decision.h"

const char *const verdict_words[VERDICT_COUNT] = {
    [VERDICT_PASS] = "pass",     [VERDICT_CUSTOM] = "custom", [VERDICT_DEFAULT] = "default",
    [VERDICT_REJECT] = "reject", [VERDICT_DEFER] = "defer",
};

const char *const reason_words[REASON_COUNT] = {
    [REASON_NULL_SENDER] = "null-sender",
    [REASON_NOT_OUTBOUND] = "not-outbound",
    [REASON_UNAVAILABLE] = "unavailable",
    [REASON_UNKNOWN_IDENTITY] = "unknown-identity",
    [REASON_EXPIRED] = "expired",
    [REASON_NO_MAIL_FROM_DOMAIN] = "no-mail-from-domain",
    [REASON_VERIFIED] = "verified",
    [REASON_TEMPORARY_FAILURE_DEFERRED] = "temporary-failure-deferred",
    [REASON_MX_FAILURE_REJECT] = "mx-failure-reject",
    [REASON_MX_FAILURE_DEFAULT] = "mx-failure-default",
    [REASON_BAD_SENDER] = "bad-sender",
};

const char *const reason_explanations[REASON_COUNT] = {
    [REASON_NULL_SENDER] = "a null sender is never changed",
    [REASON_NOT_OUTBOUND] = "this is not outbound mail",
    [REASON_UNAVAILABLE] = "the store of identities is not available",
    [REASON_UNKNOWN_IDENTITY] = "no verified identity covers the sender",
    [REASON_EXPIRED] = "what is known of the identity is out of date",
    [REASON_NO_MAIL_FROM_DOMAIN] = "the identity has no custom MAIL FROM domain",
    [REASON_VERIFIED] = "the MX record of the custom MAIL FROM domain is in place",
    [REASON_TEMPORARY_FAILURE_DEFERRED] =
        "the MX record of the custom MAIL FROM domain is not found at present",
    [REASON_MX_FAILURE_REJECT] = "the MX record of the custom MAIL FROM domain is not found",
    [REASON_MX_FAILURE_DEFAULT] =
        "the MX record of the custom MAIL FROM domain is not found, so the default applies",
    [REASON_BAD_SENDER] = "the envelope sender cannot be moved to another domain unharmed",
};

/* The table of the README, row by row. */
static struct decision first_match(const struct decision_facts *facts,
                                   const struct decision_policy *policy, int64_t now)
{
    if (facts->null_sender)
        return (struct decision){VERDICT_PASS, REASON_NULL_SENDER};
    if (!facts->outbound)
        return (struct decision){VERDICT_PASS, REASON_NOT_OUTBOUND};
    if (facts->lookup == LOOKUP_UNAVAILABLE)
        return (struct decision){policy->on_unavailable, REASON_UNAVAILABLE};
    if (facts->lookup == LOOKUP_UNKNOWN)
        return (struct decision){policy->on_unknown_identity, REASON_UNKNOWN_IDENTITY};
    if (facts->expire_after != 0 && now > facts->expire_after)
        return (struct decision){policy->on_expired, REASON_EXPIRED};
    if (!facts->has_mail_from_domain)
        return (struct decision){VERDICT_DEFAULT, REASON_NO_MAIL_FROM_DOMAIN};
    if (facts->status == MAIL_FROM_SUCCESS)
        return (struct decision){VERDICT_CUSTOM, REASON_VERIFIED};
    if (facts->behavior == MAIL_FROM_USE_DEFAULT_VALUE)
        return (struct decision){VERDICT_DEFAULT, REASON_MX_FAILURE_DEFAULT};
    if (facts->status == MAIL_FROM_TEMPORARY_FAILURE && policy->defer_temporary_failure)
        return (struct decision){VERDICT_DEFER, REASON_TEMPORARY_FAILURE_DEFERRED};
    return (struct decision){VERDICT_REJECT, REASON_MX_FAILURE_REJECT};
}

struct decision decide(struct decision_facts facts, struct decision_policy policy, int64_t now)
{
    struct decision decision = first_match(&facts, &policy, now);

    if (decision.verdict == VERDICT_DEFAULT && !policy.has_default_domain)
        decision.verdict = VERDICT_PASS;
    if ((decision.verdict == VERDICT_DEFAULT || decision.verdict == VERDICT_CUSTOM) &&
        facts.sender_stays)
        decision.verdict = VERDICT_PASS;
    if ((decision.verdict == VERDICT_DEFAULT || decision.verdict == VERDICT_CUSTOM) &&
        !facts.sender_portable)
        return (struct decision){VERDICT_REJECT, REASON_BAD_SENDER};
    return decision;
}
