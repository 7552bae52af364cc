/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Without return paths: mail leaves with MAIL FROM domains whose bounces come to this gateway. Does
 * an MTA here take them, or are they lost?
 */
#include "ctl/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "ctl/domain_list.h"
#include "ctl/postfix_class.h"
#include "ctl/sendmail.h"

/* What this gateway's identities have. */
struct mail_froms {
    const struct settings *settings;
    enum check_gateway imported; /* whose imported identities are */
    struct domain_list domains;
    struct domain_list unclear; /* nobody knows whether they are this gateway's */
};

static void put(const struct check *check, enum finding_level level, struct finding *finding)
{
    finding->level = level;
    finding->check = "return-path";
    findings_put(check->findings, finding);
}

/* --- which domains --- */

static bool note_record(void *context, const char *key, const struct mail_from *record)
{
    struct mail_froms *mail_froms = context;

    (void)key;
    if (record->domain[0] == '\0' || record->source == MAIL_FROM_SES ||
        !settings_rewrite(mail_froms->settings, record))
        return true;
    switch (record->source == MAIL_FROM_LOCAL ? GATEWAY_OWN : mail_froms->imported) {
    case GATEWAY_SES:
        break;
    case GATEWAY_OWN:
        domain_list_add(&mail_froms->domains, record->domain);
        break;
    case GATEWAY_UNKNOWN:
        domain_list_add(&mail_froms->unclear, record->domain);
        break;
    }
    return true;
}

static bool is_of_ses(const struct dns_answer *answer)
{
    static const char domain[] = ".amazonses.com";

    for (size_t i = 0; i < answer->count; i++) {
        const char *host = answer->records[i].text;
        size_t length = strlen(host);
        if (length > sizeof domain - 1 &&
            strcasecmp(host + length - (sizeof domain - 1), domain) == 0)
            return true;
    }
    return false;
}

/* An imported record may be of SES, which then has the bounces. */
static void settle_unclear(struct mail_froms *mail_froms, struct inquiry *inquiry)
{
    const struct domain_list *unclear = &mail_froms->unclear;

    for (size_t i = 0; i < unclear->count; i++) {
        if (!is_of_ses(inquire(inquiry, unclear->names[i], DNS_MX)))
            domain_list_add(&mail_froms->domains, unclear->names[i]);
    }
}

/* --- who takes them --- */

enum mta { MTA_NONE, MTA_UNABLE, MTA_ASKED };

struct takers {
    enum mta postfix, sendmail;
    bool taken[DOMAIN_LIST_MAX];
    bool unclear[DOMAIN_LIST_MAX];
    struct failure why; /* for what is unclear */
};

static void note(struct takers *takers, size_t i, enum match match)
{
    takers->taken[i] = takers->taken[i] || match == MATCH_YES;
    takers->unclear[i] = takers->unclear[i] || match == MATCH_UNKNOWN;
}

static void ask_postfix(struct takers *takers, const struct check *check,
                        const struct domain_list *domains)
{
    struct postfix_classes classes;
    struct postfix postfix;
    struct failure why;

    if (postfix_read(&postfix, check->postfix_config, &why)) {
        takers->postfix = MTA_ASKED;
        postfix_classes_init(&classes, &postfix, NULL);
        for (size_t i = 0; i < domains->count; i++) {
            for (int class = 0; class < POSTFIX_CLASS_COUNT && !takers->taken[i]; class ++)
                note(takers, i,
                     postfix_class_has(&classes, (enum postfix_class) class, domains->names[i]));
        }
        if (classes.why.text[0] != '\0')
            takers->why = classes.why;
        postfix_classes_reset(&classes);
    } else if (why.exit_code != EX_UNAVAILABLE) {
        takers->postfix = MTA_UNABLE;
        takers->why = why;
    }
    postfix_reset(&postfix);
}

static void ask_sendmail(struct takers *takers, const struct check *check,
                         const struct domain_list *domains)
{
    FILE *file = fopen(check->sendmail_cf, "re");

    if (file == NULL && errno == ENOENT)
        return;
    takers->sendmail = file == NULL ? MTA_UNABLE : MTA_ASKED;
    if (file == NULL) {
        (void)failure_set(&takers->why, EX_NOINPUT, "%s: %s", check->sendmail_cf, strerror(errno));
        return;
    }
    for (size_t i = 0; i < domains->count; i++)
        note(takers, i, sendmail_takes(file, domains->names[i]));
    (void)fclose(file);
}

/* --- what is told --- */

static void tell_lost(const struct check *check, const struct domain_list *domains, size_t lost,
                      const char *example)
{
    struct finding finding = {.subject = "bounces"};

    if (domains->count == 1)
        finding_found(&finding,
                      "no MTA here takes mail for the MAIL FROM domain %s, so its bounces "
                      "are lost",
                      example);
    else
        finding_found(&finding,
                      "no MTA here takes mail for %zu of %s%zu MAIL FROM domains, such as %s, so "
                      "their bounces are lost",
                      lost, domains->is_cut ? "the first " : "", domains->count, example);
    finding_advise(&finding, "set up section return-path; see RETURN PATHS in mailfrom-milter(8)");
    put(check, FINDING_WARNING, &finding);
}

static void tell(const struct check *check, const struct domain_list *domains,
                 const struct takers *takers)
{
    struct finding finding = {.subject = "bounces"};
    const char *example = NULL;
    bool is_unclear = takers->postfix == MTA_UNABLE || takers->sendmail == MTA_UNABLE;
    size_t lost = 0;

    for (size_t i = 0; i < domains->count; i++) {
        bool is_lost = !takers->taken[i] && !takers->unclear[i];
        if (is_lost && example == NULL)
            example = domains->names[i];
        lost += is_lost;
        is_unclear = is_unclear || (!takers->taken[i] && takers->unclear[i]);
    }
    if (takers->postfix == MTA_NONE && takers->sendmail == MTA_NONE) {
        finding_found(&finding, "no MTA is here to ask, so it is not checked whether bounces are "
                                "taken");
        put(check, FINDING_OK, &finding);
    } else if (is_unclear && takers->postfix != MTA_ASKED && takers->sendmail != MTA_ASKED) {
        finding_found(&finding, "it is not checked whether they are taken: %s", takers->why.text);
        put(check, FINDING_WARNING, &finding);
    } else if (lost > 0 && takers->postfix != MTA_UNABLE && takers->sendmail != MTA_UNABLE) {
        tell_lost(check, domains, lost, example);
    } else if (is_unclear) {
        finding_found(&finding, "whether all of them are taken is not known for certain: %s",
                      takers->why.text[0] == '\0' ? "a class of Sendmail cannot be read"
                                                  : takers->why.text);
        put(check, FINDING_WARNING, &finding);
    } else {
        finding_found(&finding, "the MTA takes mail for the MAIL FROM domains");
        put(check, FINDING_OK, &finding);
    }
}

void check_bounces(const struct check *check)
{
    static const struct mail_from imported = {.source = MAIL_FROM_FILE};
    struct mail_froms mail_froms = {.settings = check->settings,
                                    .imported = check_expect(check->settings, &imported).gateway};
    struct domain_list *domains = &mail_froms.domains;
    struct takers takers = {.postfix = MTA_NONE};
    struct failure why; /* check_store has told it */

    if (check->settings->return_path.secrets_file[0] != '\0' ||
        !store_each(check->store, note_record, &mail_froms, &why))
        return;
    settle_unclear(&mail_froms, check->inquiry);
    if (domains->count == 0)
        return;
    if (check->settings->default_mail_from_domain[0] != '\0')
        domain_list_add(domains, check->settings->default_mail_from_domain);
    ask_postfix(&takers, check, domains);
    ask_sendmail(&takers, check, domains);
    tell(check, domains, &takers);
}
