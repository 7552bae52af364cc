/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/spf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "ctl/spf_match.h"

const char *const spf_result_words[SPF_RESULT_COUNT] = {
    [SPF_NONE] = "none",           [SPF_NEUTRAL] = "neutral",   [SPF_PASS] = "pass",
    [SPF_FAIL] = "fail",           [SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror",
    [SPF_PERMERROR] = "permerror",
};

static enum spf_result check_host(struct evaluation *evaluation, const char *domain);

static enum match match_include(struct evaluation *evaluation, const char *target)
{
    const char *authority = evaluation->client->authority;

    if (authority != NULL && strcasecmp(target, authority) == 0)
        return MATCH_YES;
    switch (check_host(evaluation, target)) {
    case SPF_PASS:
        return MATCH_YES;
    case SPF_FAIL:
    case SPF_SOFTFAIL:
    case SPF_NEUTRAL:
        return MATCH_NO;
    case SPF_TEMPERROR:
        return MATCH_TEMPERROR;
    case SPF_NONE:
        return spf_broken(evaluation, target, "is included, and has no SPF record");
    case SPF_PERMERROR:
        break;
    }
    return MATCH_PERMERROR;
}

static bool costs_a_lookup(enum spf_kind kind)
{
    return kind != SPF_ALL && kind != SPF_IP4 && kind != SPF_IP6 && kind != SPF_EXP &&
           kind != SPF_UNKNOWN;
}

/* Counts the lookup and finds the name that the term is about. Whose address is not known, for him
 * what depends on it does not match. */
static enum match find_target(struct evaluation *evaluation, const struct spf_term *term,
                              const char *domain, char target[SPF_NAME_MAX + 1])
{
    if (++evaluation->lookups > SPF_LOOKUPS_MAX)
        return spf_broken(evaluation, domain, "more than 10 DNS lookups, and SPF permits 10");
    if (evaluation->client->family == AF_UNSPEC &&
        (term->kind == SPF_PTR || spf_macro_needs_client(term->spec)))
        return MATCH_NO;
    evaluation->macros.domain = domain;
    if (term->spec[0] == '\0') {
        (void)snprintf(target, SPF_NAME_MAX + 1, "%s", domain);
        return MATCH_YES;
    }
    return spf_macro_expand(term->spec, &evaluation->macros, target) ? MATCH_YES : MATCH_NO;
}

static enum match match_name(struct evaluation *evaluation, const struct spf_term *term,
                             const char *domain)
{
    char target[SPF_NAME_MAX + 1];
    enum match match = find_target(evaluation, term, domain, target);

    if (match != MATCH_YES)
        return match;
    if (term->kind == SPF_INCLUDE)
        return match_include(evaluation, target);
    if (term->kind == SPF_A)
        return spf_match_address(evaluation, target, term);
    if (term->kind == SPF_MX)
        return spf_match_mx(evaluation, target, term);
    if (term->kind == SPF_PTR)
        return spf_match_ptr(evaluation, target);
    return spf_match_exists(evaluation, target);
}

static enum match match_term(struct evaluation *evaluation, const struct spf_term *term,
                             const char *domain)
{
    if (term->kind == SPF_ALL)
        return MATCH_YES;
    if (costs_a_lookup(term->kind))
        return match_name(evaluation, term, domain);
    return spf_match_network(evaluation, term);
}

static enum spf_result result_of(char qualifier)
{
    switch (qualifier) {
    case '-':
        return SPF_FAIL;
    case '~':
        return SPF_SOFTFAIL;
    case '?':
        return SPF_NEUTRAL;
    default:
        return SPF_PASS;
    }
}

static enum spf_result redirect(struct evaluation *evaluation, const struct spf_term *term,
                                const char *domain)
{
    const char *authority = evaluation->client->authority;
    char target[SPF_NAME_MAX + 1];
    enum match match = find_target(evaluation, term, domain, target);
    enum spf_result result;

    (void)snprintf(evaluation->verdict->term, SPF_TERM_SHOWN, "%s", term->shown);
    if (match == MATCH_NO)
        return SPF_NEUTRAL;
    if (match != MATCH_YES)
        return SPF_PERMERROR;
    if (authority != NULL && strcasecmp(target, authority) == 0)
        return SPF_PASS;
    result = check_host(evaluation, target);
    if (result != SPF_NONE)
        return result;
    (void)spf_broken(evaluation, target, "is what redirect= leads to, and has no SPF record");
    return SPF_PERMERROR;
}

/* record: its syntax has been checked. */
static enum spf_result evaluate(struct evaluation *evaluation, const char *record,
                                const char *domain)
{
    struct spf_term redirection = {.kind = SPF_UNKNOWN};
    struct spf_term term;
    struct failure ignored;

    while (spf_term_read(&term, &record, &ignored) == SPF_TERM) {
        if (term.kind == SPF_REDIRECT)
            redirection = term;
        if (term.kind >= SPF_REDIRECT)
            continue;
        switch (match_term(evaluation, &term, domain)) {
        case MATCH_NO:
            break;
        case MATCH_YES:
            (void)snprintf(evaluation->verdict->term, SPF_TERM_SHOWN, "%s", term.shown);
            return result_of(term.qualifier);
        case MATCH_TEMPERROR:
            return SPF_TEMPERROR;
        case MATCH_PERMERROR:
            return SPF_PERMERROR;
        }
    }
    evaluation->verdict->term[0] = '\0';
    return redirection.kind == SPF_REDIRECT ? redirect(evaluation, &redirection, domain)
                                            : SPF_NEUTRAL;
}

/* The record among the TXT records, a copy; *count: of those of SPF. */
static char *select_record(const struct dns_answer *answer, size_t *count)
{
    const char *found = NULL;

    *count = 0;
    for (size_t i = 0; i < answer->count; i++) {
        if (!spf_is_record(answer->records[i].text))
            continue;
        found = answer->records[i].text;
        ++*count;
    }
    return found == NULL ? NULL : strdup(found);
}

static enum spf_result check_record(struct evaluation *evaluation, const char *domain, char *record,
                                    size_t count)
{
    struct spf_verdict *verdict = evaluation->verdict;

    if (verdict->records == 0) { /* the first: that of the domain in question */
        verdict->records = count;
        (void)snprintf(verdict->record, sizeof verdict->record, "%s", record);
    }
    if (count > 1) {
        (void)spf_broken(evaluation, domain, "several SPF records, and one is permitted");
        return SPF_PERMERROR;
    }
    if (!spf_check_syntax(record, &verdict->why)) {
        (void)failure_prefix(&verdict->why, "%s", domain);
        return SPF_PERMERROR;
    }
    return evaluate(evaluation, record, domain);
}

/* Ends, for each way into it costs a lookup. */
static enum spf_result check_host(struct evaluation *evaluation, const char *domain)
{
    const struct dns_answer *answer;
    enum spf_result result;
    enum match match;
    size_t count;
    char *record;

    if (!spf_is_name(domain) || strchr(domain, '.') == NULL)
        return SPF_NONE;
    match = spf_ask(evaluation, domain, DNS_TXT, &answer);
    if (match != MATCH_YES)
        return match == MATCH_NO ? SPF_NONE : SPF_TEMPERROR;
    record = select_record(answer, &count);
    if (record == NULL)
        return SPF_NONE;
    result = check_record(evaluation, domain, record, count);
    free(record);
    return result;
}

/* As the macro %{i} has it. */
static void describe_client(struct spf_macros *macros, const struct spf_client *client)
{
    char *out = macros->client;

    macros->family = client->family == AF_INET6 ? "ip6" : "in-addr";
    if (client->family == AF_INET)
        (void)inet_ntop(AF_INET, client->address, out, SPF_CLIENT_TEXT_SIZE);
    for (size_t i = 0; client->family == AF_INET6 && i < sizeof client->address; i++)
        out += snprintf(out, (size_t)(macros->client + SPF_CLIENT_TEXT_SIZE - out), "%s%x.%x",
                        i == 0 ? "" : ".", client->address[i] >> 4, client->address[i] & 15);
}

bool spf_client_read(struct spf_client *client, const char *text)
{
    *client = (struct spf_client){.family = strchr(text, ':') == NULL ? AF_INET : AF_INET6};
    return inet_pton(client->family, text, client->address) == 1;
}

void spf_check(struct spf_verdict *verdict, const char *domain, const struct spf_client *client,
               struct inquiry *inquiry)
{
    char sender[SPF_NAME_MAX + 16];
    struct evaluation evaluation = {
        .inquiry = inquiry, .client = client, .macros = {.sender = sender}, .verdict = verdict};

    *verdict = (struct spf_verdict){.result = SPF_NONE};
    (void)snprintf(sender, sizeof sender, "postmaster@%s", domain);
    evaluation.macros.helo = domain;
    describe_client(&evaluation.macros, client);
    verdict->result = check_host(&evaluation, domain);
    verdict->lookups = evaluation.lookups;
}
