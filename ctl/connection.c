/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/connection.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_in_time(int client, const struct sockaddr *address, socklen_t length)
{
    struct pollfd wait = {.fd = client, .events = POLLOUT};
    int error = 0;
    socklen_t size = sizeof error;

    if (connect(client, address, length) == 0)
        return 0;
    if (errno == EAGAIN) /* of a unix socket: so many wait already that this one cannot */
        return ETIMEDOUT;
    if (errno != EINPROGRESS)
        return errno;
    if (poll(&wait, 1, CONNECTION_TIMEOUT) != 1)
        return ETIMEDOUT;
    return getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

static int try(int family, const struct sockaddr *address, socklen_t length, int *descriptor)
{
    int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error;

    if (client < 0)
        return errno;
    error = connect_in_time(client, address, length);
    if (error == 0)
        *descriptor = client;
    else
        (void)close(client);
    return error;
}

static int try_unix(const char *path, int *descriptor)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path)
        return ENAMETOOLONG;
    strcpy(address.sun_path, path);
    return try(AF_UNIX, (const struct sockaddr *)&address, sizeof address, descriptor);
}

static int try_inet(const struct socket_name *name, int *descriptor)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found;
    const char *host = name->host[0] == '\0' ? "127.0.0.1" : name->host;
    int error = ECONNREFUSED;

    if (getaddrinfo(host, name->port, &hints, &found) != 0)
        return EADDRNOTAVAIL;
    for (const struct addrinfo *at = found; at != NULL && error != 0; at = at->ai_next)
        error = try(at->ai_family, at->ai_addr, at->ai_addrlen, descriptor);
    freeaddrinfo(found);
    return error;
}

int connection_open(const struct socket_name *name, int *descriptor)
{
    switch (name->kind) {
    case SOCKET_UNIX:
        return try_unix(name->path, descriptor);
    case SOCKET_INET:
        return try_inet(name, descriptor);
    case SOCKET_DESCRIPTOR:
        break;
    }
    return EADDRNOTAVAIL;
}
