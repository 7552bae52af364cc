/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

static bool read_address(struct address *address, const char *text)
{
    return spf_client_read(&address->client, text) &&
           inet_ntop(address->client.family, address->client.address, address->text,
                     sizeof address->text) != NULL;
}

static bool is_known(const struct addresses *addresses, const struct address *address)
{
    for (size_t i = 0; i < addresses->count; i++) {
        if (strcmp(addresses->list[i].text, address->text) == 0)
            return true;
    }
    return false;
}

bool addresses_add(struct addresses *addresses, const char *text)
{
    struct address address;

    if (!read_address(&address, text))
        return false;
    if (is_known(addresses, &address))
        return true;
    if (addresses->count == ADDRESSES_MAX)
        return false;
    addresses->list[addresses->count++] = address;
    return true;
}

bool address_is_public(const struct address *address)
{
    const unsigned char *octets = address->client.address;

    if (address->client.family == AF_INET6)
        return (octets[0] & 0xe0) == 0x20; /* 2000::/3 is all that is handed out */
    return octets[0] != 0 && octets[0] != 10 && octets[0] != 127 && octets[0] < 224 &&
           !(octets[0] == 100 && (octets[1] & 0xc0) == 64) &&
           !(octets[0] == 169 && octets[1] == 254) &&
           !(octets[0] == 172 && (octets[1] & 0xf0) == 16) &&
           !(octets[0] == 192 && octets[1] == 168);
}

static void add_interface(struct addresses *addresses, const struct ifaddrs *interface)
{
    char text[NI_MAXHOST];
    struct address address;
    socklen_t length;

    if (interface->ifa_addr == NULL || (interface->ifa_flags & IFF_UP) == 0)
        return;
    if (interface->ifa_addr->sa_family == AF_INET)
        length = sizeof(struct sockaddr_in);
    else if (interface->ifa_addr->sa_family == AF_INET6)
        length = sizeof(struct sockaddr_in6);
    else
        return;
    if (getnameinfo(interface->ifa_addr, length, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0 &&
        read_address(&address, text) && address_is_public(&address))
        (void)addresses_add(addresses, text);
}

void addresses_add_own(struct addresses *addresses)
{
    struct ifaddrs *interfaces;

    if (getifaddrs(&interfaces) != 0)
        return;
    for (const struct ifaddrs *at = interfaces; at != NULL; at = at->ifa_next)
        add_interface(addresses, at);
    freeifaddrs(interfaces);
}
