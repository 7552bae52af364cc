/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * IP networks, as the setting outbound-networks lists them. Pure.
 */
#ifndef COMMON_NETWORK_H
#define COMMON_NETWORK_H

#include "common/failure.h"

#include <stddef.h>

struct network {
    unsigned char address[16]; /* IPv6; IPv4 as ::ffff:a.b.c.d */
    unsigned prefix;           /* bits, 0 to 128 */
};

/* "192.0.2.0/24", "2001:db8::/32", "192.0.2.1"; host bits must be zero. EX_CONFIG otherwise. */
bool network_parse(struct network *network, const char *text, struct failure *why);

enum { NETWORK_TEXT_SIZE = 64 };

/* The same, written out. */
void network_format(const struct network *network, char out[NETWORK_TEXT_SIZE]);

/* client: an address as an MTA writes it: "192.0.2.1", "2001:db8::1", "IPv6:2001:db8::1". False for
 * NULL and for anything else. */
bool network_contains(const struct network networks[], size_t count, const char *client);

#endif
