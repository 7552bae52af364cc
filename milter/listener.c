/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/listener.h"
#include "milter/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* The kernel takes no more than net.core.somaxconn. */
enum { BACKLOG = 1024, PORT_MAX = 65535, HOST_SIZE = 256, PORT_SIZE = 6 };

static const struct listener none = {.descriptor = -1};

static bool create(struct listener *listener, int family)
{
    listener->descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return listener->descriptor >= 0;
}

static bool refuse(struct failure *why, const char *socket)
{
    return failure_set(why, EX_UNAVAILABLE, "cannot listen on %s: %s", socket, strerror(errno));
}

/* --- unix sockets --- */

/* No one answers there. Any other file than a socket stays. */
static bool remove_stale(const char *path, struct failure *why)
{
    struct stat status;

    if (lstat(path, &status) != 0)
        return errno == ENOENT || refuse(why, path);
    if (!S_ISSOCK(status.st_mode))
        return failure_set(why, EX_CONFIG, "socket %s: there is a file that is not a socket", path);
    return unlink(path) == 0 || refuse(why, path);
}

static bool bind_file(struct listener *listener, const struct socket_file_rights *rights)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    mode_t mask_before = umask(socket_file_mask(rights));
    bool bound;

    strcpy(address.sun_path, listener->path);
    bound = bind(listener->descriptor, (const struct sockaddr *)&address, sizeof address) == 0;
    (void)umask(mask_before);
    return bound;
}

/* In the place of a stale one. */
static bool make_file(struct listener *listener, const char *path,
                      const struct socket_file_rights *rights, struct failure *why)
{
    if (!remove_stale(path, why))
        return false;
    if (!create(listener, AF_UNIX))
        return refuse(why, path);
    strcpy(listener->path, path);
    if (bind_file(listener, rights))
        return true;
    listener->path[0] = '\0';
    return refuse(why, path);
}

static bool open_file(struct listener *listener, const char *path,
                      const struct socket_file_rights *rights, struct failure *why)
{
    struct owner owner;

    if (!socket_file_check_free(path, why) || !owner_enter_parent(&owner, path, why))
        return false;
    if (!make_file(listener, path, rights, why)) {
        owner_leave(&owner);
        return false;
    }
    /* No one can connect before it listens, so its owner is set in time. */
    if (!socket_file_give(&owner, path, rights, why))
        return false;
    return listen(listener->descriptor, BACKLOG) == 0 || refuse(why, path);
}

/* --- the network --- */

static bool bind_address(struct listener *listener, const struct addrinfo *address)
{
    static const int on = 1;
    int descriptor;

    if (!create(listener, address->ai_family))
        return false;
    descriptor = listener->descriptor;
    /* Connections inherit TCP_NODELAY: the client waits for each reply, which is one write. */
    return setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
           (address->ai_family != AF_INET6 ||
            setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
           bind(descriptor, address->ai_addr, address->ai_addrlen) == 0 &&
           listen(descriptor, BACKLOG) == 0;
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long value = strtoul(text, NULL, 10);

    return digits > 0 && text[digits] == '\0' && value >= 1 && value <= PORT_MAX;
}

static bool copy(char *out, size_t size, const char *text, size_t length)
{
    if (length >= size)
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

/* The host may have brackets around it, as IPv6 addresses do. */
static bool divide(const char *text, char port[PORT_SIZE], char host[HOST_SIZE])
{
    size_t length = strcspn(text, "@");
    const char *rest = text[length] == '@' ? text + length + 1 : "";
    size_t rest_length = strlen(rest);

    if (rest_length >= 2 && rest[0] == '[' && rest[rest_length - 1] == ']') {
        rest++;
        rest_length -= 2;
    }
    return copy(port, PORT_SIZE, text, length) && is_port(port) &&
           copy(host, HOST_SIZE, rest, rest_length);
}

/* Binds the first address of a name that can be bound. errno is that of the last attempt. */
static bool bind_one(struct listener *listener, const struct addrinfo *addresses)
{
    for (const struct addrinfo *address = addresses; address != NULL; address = address->ai_next) {
        int error;

        if (bind_address(listener, address))
            return true;
        error = errno;
        listener_close(listener);
        errno = error;
    }
    return false;
}

static bool open_inet(struct listener *listener, const char *socket, int family,
                      struct failure *why)
{
    struct addrinfo hints = {
        .ai_family = family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *addresses;
    char port[PORT_SIZE], host[HOST_SIZE];
    bool worked;
    int result;

    if (!divide(strchr(socket, ':') + 1, port, host))
        return failure_set(why, EX_CONFIG, "socket %s: inet: and inet6: need a port, or port@host",
                           socket);
    result = getaddrinfo(host[0] == '\0' ? NULL : host, port, &hints, &addresses);
    if (result != 0)
        return failure_set(why, EX_UNAVAILABLE, "cannot listen on %s: %s", socket,
                           gai_strerror(result));
    worked = bind_one(listener, addresses) || refuse(why, socket);
    freeaddrinfo(addresses);
    return worked;
}

/* --- from systemd --- */

static bool take_descriptor(struct listener *listener, const char *socket, struct failure *why)
{
    int descriptor = atoi(socket + strlen("fd:"));
    socklen_t length = sizeof(int);
    int listens = 0;

    if (getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) != 0 || !listens)
        return failure_set(
            why, EX_CONFIG,
            "socket %s: this descriptor is not a listening socket; systemd has to pass it", socket);
    listener->descriptor = descriptor;
    return (fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 &&
            fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0) ||
           refuse(why, socket);
}

/* --- any of them --- */

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool open_any(struct listener *listener, const char *socket, int mode, const char *group,
                     const char *user, struct failure *why)
{
    const char *path = socket_file_path(socket);
    struct socket_file_rights rights;

    if (path != NULL)
        return socket_file_find_rights(&rights, mode, group, user, why) &&
               open_file(listener, path, &rights, why);
    if (begins(socket, "inet:"))
        return open_inet(listener, socket, AF_INET, why);
    if (begins(socket, "inet6:"))
        return open_inet(listener, socket, AF_INET6, why);
    if (begins(socket, "fd:"))
        return take_descriptor(listener, socket, why);
    return failure_set(why, EX_CONFIG, "socket %s: neither unix:, inet:, inet6: nor fd:", socket);
}

bool listener_open(struct listener *listener, const char *socket, int mode, const char *group,
                   const char *user, struct failure *why)
{
    *listener = none;
    if (open_any(listener, socket, mode, group, user, why))
        return true;
    listener_close(listener);
    return false;
}

void listener_close(struct listener *listener)
{
    /* In this order, so that it is not the socket of a successor that is removed. */
    if (listener->path[0] != '\0')
        socket_file_remove(listener->path);
    if (listener->descriptor >= 0)
        (void)close(listener->descriptor);
    *listener = none;
}
