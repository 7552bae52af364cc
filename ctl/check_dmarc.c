/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Would SPF align for DMARC, with the custom MAIL FROM domain and with the default one?
 */
#include "ctl/check.h"

#include <string.h>

#include "ctl/dmarc.h"
#include "ctl/near_miss.h"

static const char *domain_of(const char *key)
{
    const char *at = strrchr(key, '@');

    return at == NULL ? key : at + 1;
}

static void put(const struct check *check, enum finding_level level, struct finding *finding)
{
    finding->level = level;
    findings_put(check->findings, finding);
}

static void tell_none(const struct check *check, const struct dmarc *dmarc, const char *from,
                      struct finding *finding)
{
    char what[NEAR_MISS_SIZE];
    char advice[NEAR_MISS_SIZE];

    if (dmarc->finding != DMARC_MISSING) {
        finding_found(finding, "DMARC of %s: %s", from, dmarc->why.text);
        if (dmarc->finding == DMARC_BROKEN)
            finding_advise(finding, "%s: receivers pass over it",
                           dmarc->several ? "remove all but one" : "mend it");
    } else if (near_miss_find_dmarc(check->inquiry, from, what, advice)) {
        finding_found(finding, "%s has no DMARC record, but %s", from, what);
        finding_advise(finding, "%s", advice);
    } else {
        finding_found(finding, "%s has no DMARC record, nor has a parent", from);
        finding_advise(finding, "publish \"v=DMARC1; p=none\" at _dmarc.%s to begin with", from);
    }
    put(check, FINDING_WARNING, finding);
}

/* The policy is that of a parent, and the domain was to have its own. */
static void tell_own(const struct check *check, const struct dmarc *dmarc, const char *from,
                     struct finding *finding)
{
    char what[NEAR_MISS_SIZE];
    char advice[NEAR_MISS_SIZE];

    if (strcmp(dmarc->at, from) == 0 || !near_miss_find_dmarc(check->inquiry, from, what, advice))
        return;
    finding_found(finding, "%s has no DMARC record of its own, but %s", from, what);
    finding_advise(finding, "%s", advice);
    put(check, FINDING_WARNING, finding);
}

static void tell_alignment(const struct check *check, const struct dmarc *dmarc, const char *from,
                           const char *mail_from, struct finding *finding)
{
    const char *policy = dmarc_policy_words[dmarc->policy];

    if (dmarc_aligns(dmarc, from, mail_from)) {
        finding_found(finding, "DMARC of %s is p=%s by %s, and SPF of %s aligns (relaxed)", from,
                      policy, dmarc->at, mail_from);
        put(check, FINDING_OK, finding);
    } else if (dmarc->record.strict_spf) {
        finding_found(finding, "DMARC of %s is p=%s by %s with aspf=s: SPF of %s cannot align",
                      from, policy, dmarc->at, mail_from);
        finding_expected(finding, "aspf=r");
        finding_advise(finding, "or see that DKIM aligns");
        put(check, FINDING_WARNING, finding);
    } else {
        finding_found(finding,
                      "DMARC of %s is p=%s by %s: SPF of %s does not align, for the "
                      "organisation is %s",
                      from, policy, dmarc->at, mail_from, dmarc->organisation);
        put(check, FINDING_WARNING, finding);
    }
}

/* What mail leaves with while the MX is missing. */
static void tell_fallback(const struct check *check, const struct dmarc *dmarc, const char *from,
                          const struct mail_from *record, struct finding *finding)
{
    const char *fallback = check->settings->default_mail_from_domain;

    if (*fallback == '\0' || record->behavior != MAIL_FROM_USE_DEFAULT_VALUE ||
        dmarc->policy == DMARC_POLICY_NONE || dmarc_aligns(dmarc, from, fallback))
        return;
    finding_found(finding,
                  "while the MX is missing, mail leaves with %s, whose SPF does not align "
                  "with %s, p=%s",
                  fallback, from, dmarc_policy_words[dmarc->policy]);
    finding_advise(finding, "see that DKIM aligns, or set RejectMessage");
    put(check, FINDING_WARNING, finding);
}

void check_dmarc(const struct check *check, const char *key, const struct mail_from *record)
{
    struct finding finding = {.check = "dmarc", .subject = key};
    struct finding fallback = {.check = "fallback", .subject = key};
    const char *from = domain_of(key);
    struct dmarc dmarc;

    dmarc_find(&dmarc, from, check->inquiry);
    if (dmarc.finding != DMARC_FOUND) {
        tell_none(check, &dmarc, from, &finding);
        return;
    }
    tell_own(check, &dmarc, from, &finding);
    finding = (struct finding){.check = "dmarc", .subject = key};
    tell_alignment(check, &dmarc, from, record->domain, &finding);
    tell_fallback(check, &dmarc, from, record, &fallback);
}
