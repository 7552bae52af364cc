/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/dmarc.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static void copy_domain(char out[IDENTITY_DOMAIN_MAX + 1], const char *domain)
{
    (void)snprintf(out, IDENTITY_DOMAIN_MAX + 1, "%s", domain);
}

/* The one record among the TXT records; NULL, and *several, if there is another number. */
static const char *select_record(const struct dns_answer *answer, bool *several)
{
    const char *found = NULL;

    *several = false;
    for (size_t i = 0; i < answer->count; i++) {
        if (!dmarc_is_record(answer->records[i].text))
            continue;
        *several = found != NULL;
        if (*several)
            return NULL;
        found = answer->records[i].text;
    }
    return found;
}

static enum dmarc_finding read_answer(const struct dns_answer *answer, const char *name,
                                      struct dmarc_record *record, bool *several,
                                      struct failure *why)
{
    const char *text = select_record(answer, several);

    if (*several) {
        (void)failure_set(why, EX_DATAERR, "several DMARC records at %s", name);
        return DMARC_BROKEN;
    }
    if (text == NULL)
        return DMARC_MISSING;
    if (dmarc_record_read(record, text, why))
        return DMARC_FOUND;
    (void)failure_prefix(why, "DMARC record at %s", name);
    return DMARC_BROKEN;
}

static enum dmarc_finding ask(struct inquiry *inquiry, const char *domain,
                              struct dmarc_record *record, bool *several, struct failure *why)
{
    char name[sizeof "_dmarc." + IDENTITY_DOMAIN_MAX];
    const struct dns_answer *answer;

    (void)snprintf(name, sizeof name, "_dmarc.%s", domain);
    if (strlen(name) > IDENTITY_DOMAIN_MAX)
        return DMARC_MISSING;
    answer = inquire(inquiry, name, DNS_TXT);
    if (answer->result == DNS_FOUND)
        return read_answer(answer, name, record, several, why);
    if (answer->result == DNS_NO_DATA || answer->result == DNS_NXDOMAIN)
        return DMARC_MISSING;
    (void)failure_set(why, EX_TEMPFAIL, "%s: %s (%s)", name, dns_result_words[answer->result],
                      answer->servers);
    return DMARC_UNCLEAR;
}

static unsigned count_labels(const char *domain)
{
    unsigned count = 1;

    for (; *domain != '\0'; domain++)
        count += *domain == '.';
    return count;
}

/* The domain to ask after this one; NULL when a single label would be left. A long name loses all
 * but its last seven labels in the first step. */
static const char *next_domain(const char *domain)
{
    unsigned labels = count_labels(domain);

    if (labels <= 2)
        return NULL;
    do {
        domain = strchr(domain, '.') + 1;
    } while (--labels >= DMARC_WALK_MAX);
    return domain;
}

/* The domain one label below a public suffix, on the way to from. */
static const char *below(const char *from, const char *suffix)
{
    const char *start = from + (strlen(from) - strlen(suffix));

    if (start == from)
        return from;
    start--;
    while (start > from && start[-1] != '.')
        start--;
    return start;
}

/* One record on the way up: that of the From domain itself counts, else that of the organisation.
 * Returns false if the walk ends here. */
static bool note(struct dmarc *dmarc, const char *from, const char *domain,
                 const struct dmarc_record *record)
{
    bool own = domain == from;

    if (record->psd == 'y' && !own && dmarc->finding == DMARC_FOUND) {
        copy_domain(dmarc->organisation, below(from, domain));
        return false;
    }
    if (dmarc->finding != DMARC_FOUND || strcmp(dmarc->at, from) != 0) {
        dmarc->record = *record;
        dmarc->policy = own ? record->policy : record->subdomain_policy;
        copy_domain(dmarc->at, domain);
    }
    dmarc->finding = DMARC_FOUND;
    copy_domain(dmarc->organisation, record->psd == 'y' ? below(from, domain) : domain);
    return record->psd == 'u';
}

void dmarc_find(struct dmarc *dmarc, const char *from, struct inquiry *inquiry)
{
    struct dmarc_record record;
    struct failure why;

    *dmarc = (struct dmarc){.finding = DMARC_MISSING};
    for (const char *domain = from; domain != NULL; domain = next_domain(domain)) {
        bool several = false;
        enum dmarc_finding finding = ask(inquiry, domain, &record, &several, &why);
        if (finding == DMARC_FOUND && !note(dmarc, from, domain, &record))
            return;
        if (finding == DMARC_UNCLEAR && dmarc->finding != DMARC_FOUND) {
            dmarc->finding = finding;
            dmarc->why = why;
            return;
        }
        if (finding == DMARC_BROKEN && dmarc->finding == DMARC_MISSING) {
            dmarc->finding = finding;
            dmarc->several = several;
            dmarc->why = why;
        }
    }
}

static bool is_within(const char *domain, const char *organisation)
{
    return strcmp(domain, organisation) == 0 || identity_is_subdomain(domain, organisation);
}

bool dmarc_aligns(const struct dmarc *dmarc, const char *from, const char *mail_from)
{
    if (dmarc->record.strict_spf)
        return strcmp(from, mail_from) == 0;
    return is_within(from, dmarc->organisation) && is_within(mail_from, dmarc->organisation);
}
