/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/listen_address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { PORT_DIGITS = 5, PORT_MAX = 65535 };

static bool read_port(in_port_t *port, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long value = strtoul(text, NULL, 10);

    *port = htons((uint16_t)value);
    return digits >= 1 && digits <= PORT_DIGITS && text[digits] == '\0' && value >= 1 &&
           value <= PORT_MAX;
}

static bool read_address(struct listen_address *address, const char *text, size_t length,
                         in_port_t port)
{
    char host[INET6_ADDRSTRLEN + 2];
    bool is_v6 = text[0] == '[';
    size_t brackets = is_v6 ? 2 : 0;

    if (length >= sizeof host || (is_v6 && text[length - 1] != ']'))
        return false;
    memset(address, 0, sizeof *address);
    memcpy(host, text + is_v6, length - brackets);
    host[length - brackets] = '\0';
    if (is_v6) {
        address->socket.v6.sin6_family = AF_INET6;
        address->socket.v6.sin6_port = port;
        address->length = sizeof address->socket.v6;
        return inet_pton(AF_INET6, host, &address->socket.v6.sin6_addr) == 1;
    }
    address->socket.v4.sin_family = AF_INET;
    address->socket.v4.sin_port = port;
    address->length = sizeof address->socket.v4;
    return inet_pton(AF_INET, host, &address->socket.v4.sin_addr) == 1;
}

bool listen_address_parse(struct listen_address *address, const char *text, struct failure *why)
{
    const char *colon = strrchr(text, ':');
    in_port_t port;

    if (colon != NULL && colon - text >= 3 && read_port(&port, colon + 1) &&
        read_address(address, text, (size_t)(colon - text), port))
        return true;
    return failure_set(why, EX_CONFIG,
                       "\"%.100s\" is no address to listen on: an IP address and a port, as in "
                       "\"127.0.0.1:9895\" or \"[::1]:9895\"",
                       text);
}

bool listen_address_is_loopback(const struct listen_address *address)
{
    if (address->socket.any.sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&address->socket.v6.sin6_addr);
    return ntohl(address->socket.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}
