/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The addresses that mail leaves from, as the world sees them: given, or those of the machine's
 * interfaces.
 */
#ifndef CTL_ADDRESS_H
#define CTL_ADDRESS_H

#include "ctl/spf.h"

#include <netinet/in.h>

enum { ADDRESSES_MAX = 32 };

struct address {
    struct spf_client client;
    char text[INET6_ADDRSTRLEN];
};

struct addresses {
    struct address list[ADDRESSES_MAX];
    size_t count;
};

/* False for what is no address, or for too many of them. */
bool addresses_add(struct addresses *addresses, const char *text);

/* Adds those of the interfaces that are up and that the world could know. */
void addresses_add_own(struct addresses *addresses);

/* Is it none of loopback, link-local, private (RFC 1918, 6598, 4193)? Pure. */
bool address_is_public(const struct address *address);

#endif
