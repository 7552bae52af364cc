/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The address of a nameserver, as settings and messages write it. Pure.
 */
#ifndef DNS_SERVER_H
#define DNS_SERVER_H

#include "common/failure.h"

#include <netinet/in.h>
#include <stdint.h>

enum { SERVER_TEXT_SIZE = 48, SERVER_PORT = 53 };

struct server {
    int family; /* AF_INET or AF_INET6 */
    union {
        struct in_addr v4;
        struct in6_addr v6;
    } address;
    uint16_t port;
    char text[SERVER_TEXT_SIZE]; /* "192.0.2.1:53", "[2001:db8::1]:53" */
};

/* "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353". EX_CONFIG otherwise. */
bool server_parse(struct server *server, const char *text, struct failure *why);

/* Writes server->text from the rest. */
void server_format(struct server *server);

#endif
