/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What the settings name has to be in the DNS too: the default MAIL FROM domain, which mail leaves
 * with when that of its identity is not in place, and the hosts that take the bounces.
 */
#include "ctl/check.h"

#include <stdio.h>

void check_default(const struct check *check)
{
    static const char key[] = "default-mail-from-domain";
    struct mail_from record = {.source = MAIL_FROM_FILE};
    struct check_expectation expectation = {
        .gateway = check->settings->local.expected_mx.count > 0 ? GATEWAY_OWN : GATEWAY_UNKNOWN};

    if (*check->settings->default_mail_from_domain == '\0')
        return;
    (void)snprintf(record.domain, sizeof record.domain, "%s",
                   check->settings->default_mail_from_domain);
    check_mx_of_default(check, key, record.domain);
    if (!inquiry_is_over(check->inquiry))
        check_spf(check, key, &record, &expectation);
}

/* Has the host an address of that type? *unclear: an answer says nothing of it. */
static bool has_address(const struct check *check, const char *host, enum dns_type type,
                        bool *unclear)
{
    const struct dns_answer *answer = inquire(check->inquiry, host, type);

    *unclear = *unclear || (answer->result != DNS_FOUND && answer->result != DNS_NO_DATA &&
                            answer->result != DNS_NXDOMAIN);
    return answer->result == DNS_FOUND;
}

void check_expected_mx(const struct check *check)
{
    const struct settings_list *hosts = &check->settings->local.expected_mx;

    for (size_t i = 0; i < hosts->count; i++) {
        const char *host = hosts->items[i];
        struct finding finding = {.level = FINDING_ERROR, .check = "mx", .subject = "expected-mx"};
        bool unclear = false;

        if (has_address(check, host, DNS_A, &unclear) ||
            has_address(check, host, DNS_AAAA, &unclear)) {
            finding.level = FINDING_OK;
            finding_found(&finding, "%s has an address", host);
        } else if (unclear) {
            finding.level = FINDING_WARNING;
            finding_found(&finding, "whether %s has an address cannot be looked up", host);
        } else {
            finding_found(&finding, "%s has no address, so no bounce arrives there", host);
            finding_advise(&finding, "publish an A or AAAA record for it, or mend its name in the "
                                     "settings");
        }
        findings_put(check->findings, &finding);
    }
}
