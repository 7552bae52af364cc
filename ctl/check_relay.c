/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A gateway in front of SES: the next hop is the SMTP endpoint of SES, and whose senders move to a
 * MAIL FROM domain all the same?
 */
#include "ctl/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/postfix.h"

enum { RELAY_SIZE = 200 };

/* email-smtp.eu-west-1.amazonaws.com, email-smtp-fips.., and those of VPC endpoints. */
static bool is_of_ses(const char *text)
{
    const char *host = strstr(text, "email-smtp");

    return host != NULL && strstr(host, ".amazonaws.com") != NULL;
}

static bool find_in_postfix(const struct check *check, char relay[RELAY_SIZE])
{
    static const char *const parameters[] = {"relayhost", "sender_dependent_relayhost_maps",
                                             "default_transport",
                                             "sender_dependent_default_transport_maps"};
    struct postfix postfix;
    struct failure ignored; /* check_postfix has told it */
    bool found = false;

    if (postfix_read(&postfix, check->postfix_config, &ignored)) {
        for (size_t i = 0; !found && i < sizeof parameters / sizeof *parameters; i++) {
            const char *value = postfix_value(&postfix, NULL, parameters[i]);
            found = is_of_ses(value);
            if (found)
                (void)snprintf(relay, RELAY_SIZE, "%s of Postfix is %s", parameters[i], value);
        }
    }
    postfix_reset(&postfix);
    return found;
}

/* The macro S of sendmail.cf is SMART_HOST. */
static bool find_in_sendmail(const struct check *check, char relay[RELAY_SIZE])
{
    FILE *file = fopen(check->sendmail_cf, "re");
    char *line = NULL;
    size_t size = 0;
    bool found = false;

    while (file != NULL && !found && getline(&line, &size, file) >= 0) {
        found = strncmp(line, "DS", 2) == 0 && is_of_ses(line);
        if (found)
            (void)snprintf(relay, RELAY_SIZE, "SMART_HOST of Sendmail is %.*s",
                           (int)strcspn(line + 2, "\n"), line + 2);
    }
    free(line);
    if (file != NULL)
        (void)fclose(file);
    return found;
}

static void tell(const struct check *check, const char *relay, const char *section)
{
    struct finding finding = {.level = FINDING_WARNING, .check = "settings", .subject = "settings"};

    finding_found(
        &finding,
        "%s, and rewrite is true %s: SES sends its notifications to the sender that it is "
        "given, and answers notices of this MTA to it with 501",
        relay, section);
    finding_expected(&finding, "rewrite = false");
    finding_advise(&finding, "SES replaces the sender itself");
    findings_put(check->findings, &finding);
}

static bool has_any(const struct store_tally *tally, enum mail_from_source source)
{
    uint64_t count = 0;

    for (size_t i = 0; i < STORE_TALLY_STATUS_COUNT; i++)
        count += tally->records[source][i];
    return count > 0;
}

void check_relay(const struct check *check)
{
    const struct settings *settings = check->settings;
    struct store_tally tally = {0};
    struct failure ignored; /* check_store has told it */
    char relay[RELAY_SIZE];
    char section[100];

    if (!find_in_postfix(check, relay) && !find_in_sendmail(check, relay))
        return;
    for (size_t i = 0; i < settings->ses_count; i++) {
        const char *title = settings->ses[i].title;
        (void)snprintf(section, sizeof section, "in section ses%s%s%s", *title == '\0' ? "" : " \"",
                       title, *title == '\0' ? "" : "\"");
        if (settings->ses[i].rewrite)
            tell(check, relay, section);
    }
    if (check->store == NULL || !store_tally(check->store, check->now / 1000, &tally, &ignored))
        return;
    if (settings->local.rewrite && has_any(&tally, MAIL_FROM_LOCAL))
        tell(check, relay, "in section local");
    if (settings->rewrite && has_any(&tally, MAIL_FROM_FILE))
        tell(check, relay, "for imported identities");
}
