/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The milter's socket: is it there, and does somebody listen?
 */
#include "ctl/check.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CONNECT_TIMEOUT = 3000 };

static struct finding about(const char *subject)
{
    return (struct finding){.level = FINDING_ERROR, .check = "socket", .subject = subject};
}

/* Returns an errno, 0 if somebody accepts, or will. */
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
    if (poll(&wait, 1, CONNECT_TIMEOUT) != 1)
        return ETIMEDOUT;
    return getsockopt(client, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

static int try(int family, const struct sockaddr *address, socklen_t length)
{
    int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error;

    if (client < 0)
        return errno;
    error = connect_in_time(client, address, length);
    (void)close(client);
    return error;
}

static int try_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof address.sun_path)
        return ENAMETOOLONG;
    strcpy(address.sun_path, path);
    return try(AF_UNIX, (const struct sockaddr *)&address, sizeof address);
}

static int try_inet(const struct socket_name *name)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found;
    const char *host = name->host[0] == '\0' ? "127.0.0.1" : name->host;
    int error = ECONNREFUSED;

    if (getaddrinfo(host, name->port, &hints, &found) != 0)
        return EADDRNOTAVAIL;
    for (const struct addrinfo *at = found; at != NULL && error != 0; at = at->ai_next)
        error = try(at->ai_family, at->ai_addr, at->ai_addrlen);
    freeaddrinfo(found);
    return error;
}

static void describe(struct finding *finding, int error)
{
    if (error == 0) {
        finding->level = FINDING_OK;
        finding_found(finding, "somebody listens there");
        return;
    }
    finding_found(finding, "nobody can connect: %s", strerror(error));
    finding_advise(finding, error == ECONNREFUSED || error == ETIMEDOUT
                                ? "start mailfrom-milter, or see its log"
                                : "see the setting socket and the log of mailfrom-milter");
    if (error != EACCES)
        return;
    finding->level = FINDING_WARNING;
    finding_advise(finding, "that is so for you; run this as root to be sure");
}

static void check_unix(const char *path, struct finding *finding)
{
    struct stat status;

    if (lstat(path, &status) != 0 && errno == ENOENT) {
        finding_found(finding, "there is no such socket");
        finding_advise(finding, "start mailfrom-milter, or see its log");
        return;
    }
    if (stat(path, &status) == 0 && !S_ISSOCK(status.st_mode)) {
        finding_found(finding, "is not a socket");
        finding_advise(finding, "remove it, and restart mailfrom-milter");
        return;
    }
    describe(finding, try_unix(path));
}

static void warn_of_the_world(const struct check *check, const struct socket_name *name)
{
    struct finding finding = about(check->settings->milter.socket);

    if (socket_host_is_loopback(name->host))
        return;
    finding.level = FINDING_WARNING;
    finding_found(&finding, "other hosts may connect: %s%s",
                  name->host[0] == '\0' ? "all addresses of this one" : "it listens at ",
                  name->host);
    finding_advise(&finding, "unless the MTA is on another host, use 127.0.0.1 or a unix socket");
    findings_put(check->findings, &finding);
}

void check_socket(const struct check *check)
{
    struct finding finding = about(check->settings->milter.socket);
    struct socket_name name;

    if (!socket_name_read(&name, check->settings->milter.socket)) {
        finding_found(&finding, "is not a name of a socket");
    } else if (name.kind == SOCKET_DESCRIPTOR) {
        finding.level = FINDING_OK;
        finding_found(&finding, "passed by systemd; where it listens is not known here");
    } else if (name.kind == SOCKET_UNIX) {
        check_unix(name.path, &finding);
    } else {
        describe(&finding, try_inet(&name));
    }
    findings_put(check->findings, &finding);
    if (name.kind == SOCKET_INET)
        warn_of_the_world(check, &name);
}
