/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* rest: what stands behind the address. */
static bool parse_port(const char *rest, uint16_t *port)
{
    size_t digits = strspn(rest + (rest[0] == ':'), "0123456789");
    unsigned long number;

    *port = SERVER_PORT;
    if (rest[0] == '\0')
        return true;
    if (rest[0] != ':' || digits == 0 || digits > 5 || rest[1 + digits] != '\0')
        return false;
    number = strtoul(rest + 1, NULL, 10);
    *port = (uint16_t)number;
    return number > 0 && number <= UINT16_MAX;
}

/* Takes "%eth0" off the address. */
static bool split_interface(char *address, char interface[IF_NAMESIZE])
{
    char *percent = strchr(address, '%');

    if (percent == NULL)
        return true;
    *percent = '\0';
    (void)snprintf(interface, IF_NAMESIZE, "%s", percent + 1);
    return percent[1] != '\0' && strlen(percent + 1) < IF_NAMESIZE;
}

/* A link-local address has an interface, and no other one has. */
static bool parse_address(struct server *server, const char *text, size_t length)
{
    char address[INET6_ADDRSTRLEN + IF_NAMESIZE] = "";
    bool is_link_local;

    if (length >= sizeof address)
        return false;
    memcpy(address, text, length);
    server->family = strchr(address, ':') != NULL ? AF_INET6 : AF_INET;
    if (!split_interface(address, server->interface) ||
        inet_pton(server->family, address, &server->address) != 1)
        return false;
    is_link_local = server->family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&server->address.v6);
    return is_link_local == (server->interface[0] != '\0');
}

/* An IPv6 address has a port only behind brackets. */
static bool parse(struct server *server, const char *text)
{
    bool brackets = text[0] == '[';
    bool has_port = strchr(text, ':') == strrchr(text, ':');
    size_t length = strcspn(text + brackets, brackets ? "]" : has_port ? ":" : "");
    const char *rest = text + brackets + length;

    if (!parse_address(server, text + brackets, length))
        return false;
    if (!brackets)
        return parse_port(rest, &server->port);
    return server->family == AF_INET6 && rest[0] == ']' && parse_port(rest + 1, &server->port);
}

static void format(struct server *server)
{
    bool brackets = server->family == AF_INET6;
    char address[INET6_ADDRSTRLEN] = "?";

    (void)inet_ntop(server->family, &server->address, address, sizeof address);
    (void)snprintf(server->text, sizeof server->text, "%s%.39s%s%s%s:%u", brackets ? "[" : "",
                   address, server->interface[0] != '\0' ? "%" : "", server->interface,
                   brackets ? "]" : "", server->port);
}

bool server_parse(struct server *server, const char *text, struct failure *why)
{
    *server = (struct server){.text = ""};
    if (!parse(server, text))
        return failure_set(why, EX_CONFIG, "\"%.100s\" is no nameserver", text);
    format(server);
    return true;
}

socklen_t server_address(const struct server *server, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;

    *address = (struct sockaddr_storage){.ss_family = (sa_family_t)server->family};
    if (server->family == AF_INET) {
        v4->sin_port = htons(server->port);
        v4->sin_addr = server->address.v4;
        return sizeof *v4;
    }
    v6->sin6_port = htons(server->port);
    v6->sin6_addr = server->address.v6;
    v6->sin6_scope_id = if_nametoindex(server->interface);
    return sizeof *v6;
}
