/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The DNS records that the MAIL FROM domain of a local identity needs: they follow from the
 * settings, and from where its mail leaves.
 */
#ifndef CTL_LOCAL_DNS_H
#define CTL_LOCAL_DNS_H

#include "common/settings.h"

#include <stdio.h>

enum { LOCAL_DNS_ADDRESSES_MAX = 64 };

/* Where its mail leaves from; none: taken to be the hosts that take the bounces. */
struct local_dns_addresses {
    struct network list[LOCAL_DNS_ADDRESSES_MAX];
    size_t count;
};

/* Adds "192.0.2.1" or "2001:db8::/64". Fails with EX_USAGE. */
bool local_dns_add(struct local_dns_addresses *addresses, const char *text, struct failure *why);

/* Writes them in the form of a zone file. Fails with EX_CONFIG if no MX is expected. */
bool local_dns_print(FILE *out, const char *domain, const struct settings *settings,
                     const struct local_dns_addresses *addresses, struct failure *why);

#endif
