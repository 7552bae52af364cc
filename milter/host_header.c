/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/host_header.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { HOST_SIZE = 256 };

/* The host without port and brackets; false where it is none. */
static bool take_host(char out[HOST_SIZE], const char *host, bool is_v6)
{
    size_t length;
    const char *rest;

    if (is_v6)
        host++;
    length = strcspn(host, is_v6 ? "]" : ":");
    rest = host + length;
    if (length == 0 || length >= HOST_SIZE || (is_v6 && *rest++ != ']'))
        return false;
    if (*rest == ':')
        rest += 1 + strspn(rest + 1, "0123456789");
    memcpy(out, host, length);
    out[length] = '\0';
    return *rest == '\0';
}

bool host_header_is_safe(const char *host, const char *own_name)
{
    char name[HOST_SIZE];
    struct in6_addr ignored;
    bool is_v6 = host[0] == '[';

    if (!take_host(name, host, is_v6))
        return false;
    if (is_v6)
        return inet_pton(AF_INET6, name, &ignored) == 1;
    return inet_pton(AF_INET, name, &ignored) == 1 || strcasecmp(name, "localhost") == 0 ||
           strcasecmp(name, own_name) == 0;
}

bool host_header_is_of_proxy(const char *name)
{
    static const char *const exact[] = {
        "Forwarded", "Via", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP"};
    static const char prefix[] = "X-Forwarded";

    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
        if (strcasecmp(name, exact[i]) == 0)
            return true;
    }
    return strncasecmp(name, prefix, sizeof prefix - 1) == 0;
}
