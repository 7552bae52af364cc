/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/spf_match.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

enum match spf_broken(struct evaluation *evaluation, const char *domain, const char *text)
{
    (void)failure_set(&evaluation->verdict->why, EX_DATAERR, "%s: %s", domain, text);
    return MATCH_PERMERROR;
}

/* A name that cannot be asked for has no records, and nobody needs to be asked. */
bool spf_is_name(const char *name)
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

enum match spf_ask(struct evaluation *evaluation, const char *name, enum dns_type type,
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

    if (!spf_is_name(name))
        return MATCH_NO;
    match = spf_ask(evaluation, name, type, answer);
    if (match == MATCH_NO && ++evaluation->voids > SPF_VOIDS_MAX)
        return spf_broken(evaluation, name, "a third name without records, and SPF permits two");
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

enum match spf_match_address(struct evaluation *evaluation, const char *name,
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

enum match spf_match_mx(struct evaluation *evaluation, const char *name,
                        const struct spf_term *term)
{
    const struct dns_answer *answer;
    struct names names;
    enum match match = ask_counted(evaluation, name, DNS_MX, &answer);

    if (match != MATCH_YES)
        return match;
    if (answer->count > SPF_NAMES_MAX)
        return spf_broken(evaluation, name, "more than 10 MX records, and SPF permits 10");
    keep_names(&names, answer);
    match = MATCH_NO;
    for (size_t i = 0; i < names.count && match == MATCH_NO; i++)
        match = spf_match_address(evaluation, names.list[i], term);
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
enum match spf_match_ptr(struct evaluation *evaluation, const char *target)
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
        if (!spf_is_name(names.list[i]) || !is_or_is_under(names.list[i], target))
            continue;
        answer = inquire(evaluation->inquiry, names.list[i], address_type(evaluation));
        if (answer->result == DNS_FOUND && is_among(evaluation, answer, &exactly))
            return MATCH_YES;
    }
    return MATCH_NO;
}

enum match spf_match_network(const struct evaluation *evaluation, const struct spf_term *term)
{
    const struct spf_client *client = evaluation->client;

    if (term->kind == SPF_IP4 && client->family == AF_INET)
        return is_in_network(client->address, term->network, term->prefix4) ? MATCH_YES : MATCH_NO;
    if (term->kind == SPF_IP6 && client->family == AF_INET6)
        return is_in_network(client->address, term->network, term->prefix6) ? MATCH_YES : MATCH_NO;
    return MATCH_NO;
}

enum match spf_match_exists(struct evaluation *evaluation, const char *target)
{
    const struct dns_answer *answer;

    return ask_counted(evaluation, target, DNS_A, &answer);
}
