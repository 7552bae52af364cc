/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/local_dns.h"

#include <string.h>
#include <sysexits.h>

enum {
    TERM_SIZE = NETWORK_TEXT_SIZE + 8,
    SPF_SIZE = 32 + LOCAL_DNS_ADDRESSES_MAX * TERM_SIZE,
    STRING_MAX = 255 /* of a TXT record; RFC 7208, 3.3: they are joined */
};

bool local_dns_add(struct local_dns_addresses *addresses, const char *text, struct failure *why)
{
    if (addresses->count == LOCAL_DNS_ADDRESSES_MAX)
        return failure_set(why, EX_USAGE, "more than %d addresses: name a network",
                           LOCAL_DNS_ADDRESSES_MAX);
    if (!network_parse(&addresses->list[addresses->count], text, why)) {
        why->exit_code = EX_USAGE;
        return failure_prefix(why, "--address");
    }
    addresses->count++;
    return true;
}

/* " ip4:192.0.2.1"; a whole address needs no length. */
static void write_term(char term[TERM_SIZE], const struct network *network)
{
    char text[NETWORK_TEXT_SIZE];

    network_format(network, text);
    if (network->prefix == 128)
        *strchr(text, '/') = '\0';
    (void)snprintf(term, TERM_SIZE, " %s:%s", strchr(text, ':') != NULL ? "ip6" : "ip4", text);
}

/* ~all, as `mailfromctl check' advises and AWS documents: with -all, receivers refuse forwarded
 * mail before they look at DKIM and DMARC. */
static void write_spf(char spf[SPF_SIZE], const struct local_dns_addresses *addresses)
{
    size_t used = (size_t)snprintf(spf, SPF_SIZE, "v=spf1%s", addresses->count == 0 ? " mx" : "");

    for (size_t i = 0; i < addresses->count; i++) {
        char term[TERM_SIZE];
        write_term(term, &addresses->list[i]);
        used += (size_t)snprintf(spf + used, SPF_SIZE - used, "%s", term);
    }
    (void)snprintf(spf + used, SPF_SIZE - used, " ~all");
}

static void print_spf(FILE *out, const char *domain, const struct local_dns_addresses *addresses)
{
    char spf[SPF_SIZE];
    size_t length;

    write_spf(spf, addresses);
    length = strlen(spf);
    (void)fprintf(out, "%s. IN TXT", domain);
    for (size_t i = 0; i < length; i += STRING_MAX)
        (void)fprintf(out, " \"%.*s\"", STRING_MAX, spf + i);
    (void)putc('\n', out);
}

bool local_dns_print(FILE *out, const char *domain, const struct settings *settings,
                     const struct local_dns_addresses *addresses, struct failure *why)
{
    const struct settings_list *expected = &settings->local.expected_mx;
    size_t count = settings->local.match == MX_EXACTLY_ONE ? 1 : expected->count;

    if (expected->count == 0)
        return failure_set(
            why, EX_CONFIG,
            "which host takes the bounces of %s is not known: name it in expected-mx "
            "of the section local",
            domain);
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "%s. IN MX 10 %s.\n", domain, expected->items[i]);
    if (addresses->count == 0)
        (void)fputs("; Taken to be so: mail leaves from where the bounces arrive. If not, give\n"
                    "; each address that it leaves from with --address IP.\n",
                    out);
    print_spf(out, domain, addresses);
    return true;
}
