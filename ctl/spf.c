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

#include "ctl/spf_macro.h"

const char *const spf_result_words[SPF_RESULT_COUNT] = {
    [SPF_NONE] = "none",           [SPF_NEUTRAL] = "neutral",   [SPF_PASS] = "pass",
    [SPF_FAIL] = "fail",           [SPF_SOFTFAIL] = "softfail", [SPF_TEMPERROR] = "temperror",
    [SPF_PERMERROR] = "permerror",
};

enum match { MATCH_NO, MATCH_YES, MATCH_TEMPERROR, MATCH_PERMERROR };

struct evaluation {
    struct inquiry *inquiry;
    const struct spf_client *client;
    struct spf_macros macros;
    unsigned lookups;
    unsigned voids;
    struct spf_verdict *verdict;
};

static enum spf_result check_host(struct evaluation *evaluation, const char *domain);

static enum match broken(struct evaluation *evaluation, const char *domain, const char *text)
{
    (void)failure_set(&evaluation->verdict->why, EX_DATAERR, "%s: %s", domain, text);
    return MATCH_PERMERROR;
}

/* A name that cannot be asked for has no records, and nobody needs to be asked. */
static bool is_name(const char *name)
{
    size_t label = 0;

    for (; *name != '\0'; name++) {
        if (*name <= ' ' || *name >= 0x7f || *name == '\\')
            return false;
        label = *name == '.' ? 0 : label + 1;
        if (label > 63 || (*name == '.' && (name[1] == '.' || name[1] == '\0')))
            return false;
    }
    return label > 0;
}

static enum match ask(struct evaluation *evaluation, const char *name, enum dns_type type,
                      const struct dns_answer **answer)
{
    *answer = inquire(evaluation->inquiry, name, type);
    switch ((*answer)->result) {
    case DNS_FOUND:
        return MATCH_YES;
    case DNS_NO_DATA:
    case DNS_NXDOMAIN:
        return MATCH_NO;
    case DNS_SERVFAIL:
    case DNS_REFUSED:
    case DNS_TIMEOUT:
    case DNS_UNREACHABLE:
    case DNS_MALFORMED:
        break;
    }
    (void)failure_set(&evaluation->verdict->why, EX_TEMPFAIL, "%s: %s (%s)", name,
                      dns_result_words[(*answer)->result], (*answer)->servers);
    return MATCH_TEMPERROR;
}

/* The same for what a mechanism asks, of which not many may be in vain. */
static enum match ask_counted(struct evaluation *evaluation, const char *name, enum dns_type type,
                              const struct dns_answer **answer)
{
    enum match match;

    if (!is_name(name))
        return MATCH_NO;
    match = ask(evaluation, name, type, answer);
    if (match == MATCH_NO && ++evaluation->voids > SPF_VOIDS_MAX)
        return broken(evaluation, name, "a third name without records, and SPF permits two");
    return match;
}

static bool is_in_network(const unsigned char *address, const unsigned char *network,
                          unsigned prefix)
{
    unsigned octets = prefix / 8;
    unsigned bits = prefix % 8;

    if (memcmp(address, network, octets) != 0)
        return false;
    return bits == 0 || ((address[octets] ^ network[octets]) >> (8 - bits)) == 0;
}

/* One of these addresses, or in a network of that size around it? */
static bool is_among(const struct evaluation *evaluation, const struct dns_answer *answer,
                     const struct spf_term *term)
{
    const struct spf_client *client = evaluation->client;
    unsigned prefix = client->family == AF_INET ? term->prefix4 : term->prefix6;
    unsigned char address[16];

    for (size_t i = 0; i < answer->count; i++) {
        if (client->family != AF_UNSPEC &&
            inet_pton(client->family, answer->records[i].text, address) == 1 &&
            is_in_network(client->address, address, prefix))
            return true;
    }
    return false;
}

static enum dns_type address_type(const struct evaluation *evaluation)
{
    return evaluation->client->family == AF_INET6 ? DNS_AAAA : DNS_A;
}

static enum match match_address(struct evaluation *evaluation, const char *name,
                                const struct spf_term *term)
{
    const struct dns_answer *answer;
    enum match match = ask_counted(evaluation, name, address_type(evaluation), &answer);

    if (match != MATCH_YES)
        return match;
    return is_among(evaluation, answer, term) ? MATCH_YES : MATCH_NO;
}

/* The names of an answer, which the next question would overwrite. */
struct names {
    char list[SPF_NAMES_MAX][SPF_NAME_MAX + 1];
    size_t count;
};

static void keep_names(struct names *names, const struct dns_answer *answer)
{
    names->count = 0;
    for (size_t i = 0; i < answer->count && names->count < SPF_NAMES_MAX; i++) {
        if (strlen(answer->records[i].text) <= SPF_NAME_MAX)
            (void)snprintf(names->list[names->count++], SPF_NAME_MAX + 1, "%s",
                           answer->records[i].text);
    }
}

static enum match match_mx(struct evaluation *evaluation, const char *name,
                           const struct spf_term *term)
{
    const struct dns_answer *answer;
    struct names names;
    enum match match = ask_counted(evaluation, name, DNS_MX, &answer);

    if (match != MATCH_YES)
        return match;
    if (answer->count > SPF_NAMES_MAX)
        return broken(evaluation, name, "more than 10 MX records, and SPF permits 10");
    keep_names(&names, answer);
    match = MATCH_NO;
    for (size_t i = 0; i < names.count && match == MATCH_NO; i++)
        match = match_address(evaluation, names.list[i], term);
    return match;
}

static bool is_or_is_under(const char *name, const char *parent)
{
    size_t length = strlen(name);
    size_t tail = strlen(parent);

    return length >= tail && strcasecmp(name + length - tail, parent) == 0 &&
           (length == tail || name[length - tail - 1] == '.');
}

/* Errors of the DNS mean nothing here: RFC 7208, 5.5. */
static enum match match_ptr(struct evaluation *evaluation, const char *target)
{
    static const struct spf_term exactly = {.prefix4 = 32, .prefix6 = 128};
    const struct dns_answer *answer;
    char reverse[SPF_NAME_MAX + 1];
    struct names names;

    if (!spf_macro_expand("%{ir}.%{v}.arpa", &evaluation->macros, reverse))
        return MATCH_NO;
    answer = inquire(evaluation->inquiry, reverse, DNS_PTR);
    if (answer->result != DNS_FOUND)
        return MATCH_NO;
    keep_names(&names, answer);
    for (size_t i = 0; i < names.count; i++) {
        if (!is_name(names.list[i]) || !is_or_is_under(names.list[i], target))
            continue;
        answer = inquire(evaluation->inquiry, names.list[i], address_type(evaluation));
        if (answer->result == DNS_FOUND && is_among(evaluation, answer, &exactly))
            return MATCH_YES;
    }
    return MATCH_NO;
}

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
        return broken(evaluation, target, "is included, and has no SPF record");
    case SPF_PERMERROR:
        break;
    }
    return MATCH_PERMERROR;
}

static enum match match_exists(struct evaluation *evaluation, const char *target)
{
    const struct dns_answer *answer;

    return ask_counted(evaluation, target, DNS_A, &answer);
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
        return broken(evaluation, domain, "more than 10 DNS lookups, and SPF permits 10");
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
        return match_address(evaluation, target, term);
    if (term->kind == SPF_MX)
        return match_mx(evaluation, target, term);
    if (term->kind == SPF_PTR)
        return match_ptr(evaluation, target);
    return match_exists(evaluation, target);
}

static enum match match_term(struct evaluation *evaluation, const struct spf_term *term,
                             const char *domain)
{
    const struct spf_client *client = evaluation->client;

    if (term->kind == SPF_ALL)
        return MATCH_YES;
    if (costs_a_lookup(term->kind))
        return match_name(evaluation, term, domain);
    if (term->kind == SPF_IP4 && client->family == AF_INET)
        return is_in_network(client->address, term->network, term->prefix4) ? MATCH_YES : MATCH_NO;
    if (term->kind == SPF_IP6 && client->family == AF_INET6)
        return is_in_network(client->address, term->network, term->prefix6) ? MATCH_YES : MATCH_NO;
    return MATCH_NO;
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
    (void)broken(evaluation, target, "is what redirect= leads to, and has no SPF record");
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
        (void)broken(evaluation, domain, "several SPF records, and one is permitted");
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

    if (!is_name(domain) || strchr(domain, '.') == NULL)
        return SPF_NONE;
    match = ask(evaluation, domain, DNS_TXT, &answer);
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
