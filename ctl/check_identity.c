/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * One identity: the rules of SES, which hold here too, and its records in the DNS.
 */
#include "ctl/check.h"

#include <stdio.h>
#include <string.h>

#include "ctl/account.h"
#include "ctl/section.h"

static void put(const struct check *check, enum finding_level level, const char *word,
                struct finding *finding)
{
    finding->level = level;
    finding->check = word;
    findings_put(check->findings, finding);
}

static bool expect_ses(struct check_expectation *expectation, const struct settings_ses *section)
{
    char region[ENDPOINT_REGION_MAX + 1];

    if (!account_region(section, region))
        return false;
    expectation->gateway = GATEWAY_SES;
    (void)snprintf(expectation->mx, sizeof expectation->mx, "feedback-smtp.%s.amazonses.com",
                   region);
    return true;
}

/* A record from a file may be of SES or of this gateway: what the settings know decides. */
static void expect_for_file(struct check_expectation *expectation, const struct settings *settings)
{
    if (settings->ses_count == 1 && expect_ses(expectation, &settings->ses[0]))
        return;
    if (settings->local.expected_mx.count > 0)
        expectation->gateway = GATEWAY_OWN;
}

struct check_expectation check_expect(const struct settings *settings,
                                      const struct mail_from *record)
{
    struct check_expectation expectation = {.gateway = GATEWAY_UNKNOWN};
    const struct settings_ses *section;
    struct failure ignored;

    switch (record->source) {
    case MAIL_FROM_LOCAL:
        expectation.gateway = GATEWAY_OWN;
        break;
    case MAIL_FROM_SES:
        expectation.gateway = GATEWAY_SES;
        if (section_choose(&section, settings, record, NULL, &ignored))
            (void)expect_ses(&expectation, section);
        break;
    case MAIL_FROM_FILE:
        expect_for_file(&expectation, settings);
        break;
    }
    return expectation;
}

static void tell_state(const struct check *check, const char *key, const struct mail_from *record)
{
    struct finding finding = {.subject = key};

    if (!record->verified) {
        finding_found(&finding, "is not verified, so the milter passes over it");
        finding_advise(&finding, "verify it in SES");
        put(check, FINDING_WARNING, "identity", &finding);
    }
    if (record->last_error[0] == '\0')
        return;
    finding = (struct finding){.subject = key};
    finding_found(&finding, "the last refresh failed: %s", record->last_error);
    put(check, FINDING_WARNING, "identity", &finding);
}

static void check_subdomain(const struct check *check, const char *key,
                            const struct mail_from *record)
{
    struct finding finding = {.subject = key};
    struct identity identity;
    struct failure why;

    if (identity_parse(&identity, key, strlen(key), &why) &&
        mail_from_check_domain(&identity, record->domain, &why))
        return;
    finding_found(&finding, "%s", why.text);
    finding_expected(&finding, "a subdomain of the identity's own domain");
    put(check, FINDING_ERROR, "rules", &finding);
}

/* SES: mail from addresses of the MAIL FROM domain, or to them, has no place there. */
static void check_is_not_used(const struct check *check, const char *key,
                              const struct mail_from *record)
{
    struct finding finding = {.subject = key};
    struct mail_from other;
    struct failure ignored;

    if (store_get(check->store, record->domain, &other, &ignored) != STORE_FOUND)
        return;
    finding_found(&finding, "its MAIL FROM domain %s is an identity too", record->domain);
    finding_expected(&finding, "a domain that nobody sends from or receives at");
    finding_advise(&finding, "choose another MAIL FROM domain, or remove that identity");
    put(check, FINDING_WARNING, "rules", &finding);
}

void check_identity(const struct check *check, const char *key, const struct mail_from *record)
{
    struct check_expectation expectation = check_expect(check->settings, record);
    struct finding finding = {.subject = key};

    tell_state(check, key, record);
    if (record->domain[0] == '\0') {
        finding_found(&finding, "has no custom MAIL FROM domain");
        finding_advise(&finding, "see mailfromctl put");
        put(check, FINDING_WARNING, "identity", &finding);
        return;
    }
    check_subdomain(check, key, record);
    check_is_not_used(check, key, record);
    if (!inquiry_is_over(check->inquiry))
        check_mx(check, key, record, &expectation);
    if (!inquiry_is_over(check->inquiry))
        check_spf(check, key, record, &expectation);
    if (!inquiry_is_over(check->inquiry))
        check_dmarc(check, key, record);
}
