/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The address of a nameserver, as settings and messages write it. Pure.
 */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include "common/failure.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>

enum { SERVER_TEXT_SIZE = 72, SERVER_PORT = 53 };

struct server {
    int family; /* AF_INET or AF_INET6 */
    union {
        struct in_addr v4;
        struct in6_addr v6;
    } address;
    char interface[IF_NAMESIZE]; /* of a link-local address, which means nothing without; else "" */
    uint16_t port;
    char text[SERVER_TEXT_SIZE]; /* "192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%eth0]:53" */
};

/* "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353", "fe80::1%eth0". EX_CONFIG
 * otherwise. The interface need not be there yet. */
bool server_parse(struct server *server, const char *text, struct failure *why);

/* Where to connect to. Not pure: the number of the interface is what it is now; 0 if there is no
 * such interface. Returns the length. */
socklen_t server_address(const struct server *server, struct sockaddr_storage *address);

#endif
