/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * An address to listen on, as the settings have it: "127.0.0.1:9895" or "[::1]:9895". Numbers only,
 * so that nothing is looked up. Pure.
 */
#ifndef COMMON_LISTEN_ADDRESS_H
#define COMMON_LISTEN_ADDRESS_H

#include "common/failure.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct listen_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } socket;
    socklen_t length;
};

/* Fails with EX_CONFIG. */
bool listen_address_parse(struct listen_address *address, const char *text, struct failure *why);

/* Can nobody but this machine connect to it? */
bool listen_address_is_loopback(const struct listen_address *address);

#endif
