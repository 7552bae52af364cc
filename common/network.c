/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include <arpa/inet.h>

/* ::ffff:0:0/96, where IPv4 addresses lie. */
static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
enum { MAPPED_PREFIX = 96 };

/* *bits: how long the address is, 32 or 128. */
static bool read_address(unsigned char out[16], unsigned *bits, const char *text)
{
    memcpy(out, mapped, sizeof mapped);
    *bits = 32;
    if (inet_pton(AF_INET, text, out + sizeof mapped) == 1)
        return true;
    *bits = 128;
    return inet_pton(AF_INET6, text, out) == 1;
}

static bool read_prefix(unsigned *prefix, unsigned bits, const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value > bits)
        return false;
    *prefix = (unsigned)value + 128 - bits;
    return true;
}

static bool bit(const unsigned char address[16], unsigned i)
{
    return (address[i / 8] >> (7 - i % 8)) & 1;
}

static bool has_host_bits(const struct network *network)
{
    for (unsigned i = network->prefix; i < 128; i++) {
        if (bit(network->address, i))
            return true;
    }
    return false;
}

bool network_parse(struct network *network, const char *text, struct failure *why)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchr(text, '/');
    size_t length = slash == NULL ? strlen(text) : (size_t)(slash - text);
    unsigned bits;

    if (length >= sizeof address)
        return failure_set(why, EX_CONFIG, "\"%.100s\" is not an IP network", text);
    memcpy(address, text, length);
    address[length] = '\0';
    network->prefix = 128;
    if (!read_address(network->address, &bits, address) ||
        (slash != NULL && !read_prefix(&network->prefix, bits, slash + 1)))
        return failure_set(why, EX_CONFIG, "\"%.100s\" is not an IP network", text);
    if (has_host_bits(network))
        return failure_set(why, EX_CONFIG, "\"%.100s\" has bits set after its prefix", text);
    return true;
}

static bool is_mapped(const unsigned char address[16])
{
    return memcmp(address, mapped, sizeof mapped) == 0;
}

void network_format(const struct network *network, char out[NETWORK_TEXT_SIZE])
{
    char address[INET6_ADDRSTRLEN] = "";
    bool is_ipv4 = network->prefix >= MAPPED_PREFIX && is_mapped(network->address);

    if (is_ipv4)
        (void)inet_ntop(AF_INET, network->address + sizeof mapped, address, sizeof address);
    else
        (void)inet_ntop(AF_INET6, network->address, address, sizeof address);
    (void)snprintf(out, NETWORK_TEXT_SIZE, "%s/%u", address,
                   is_ipv4 ? network->prefix - MAPPED_PREFIX : network->prefix);
}

static bool contains(const struct network *network, const unsigned char address[16])
{
    unsigned whole = network->prefix / 8;

    /* ::/0 is all of IPv6, and nothing of IPv4. */
    if (is_mapped(address) && network->prefix < MAPPED_PREFIX)
        return false;
    if (memcmp(network->address, address, whole) != 0)
        return false;
    for (unsigned i = whole * 8; i < network->prefix; i++) {
        if (bit(network->address, i) != bit(address, i))
            return false;
    }
    return true;
}

bool network_contains(const struct network networks[], size_t count, const char *client)
{
    unsigned char address[16];
    unsigned bits;

    if (client != NULL && strncasecmp(client, "IPv6:", 5) == 0)
        client += 5;
    if (client == NULL || !read_address(address, &bits, client))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (contains(&networks[i], address))
            return true;
    }
    return false;
}
