/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The milter's socket: is it there, does somebody listen, and does it do what it says?
 */
#include "ctl/check.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/connection.h"

static struct finding about(const char *subject)
{
    return (struct finding){.level = FINDING_ERROR, .check = "socket", .subject = subject};
}

static void describe(struct finding *finding, int error)
{
    finding_found(finding, "nobody can connect: %s", strerror(error));
    finding_advise(finding, error == ECONNREFUSED || error == ETIMEDOUT
                                ? "start mailfrom-milter, or see its log"
                                : "see the setting socket and the log of mailfrom-milter");
    if (error != EACCES)
        return;
    finding->level = FINDING_WARNING;
    finding_advise(finding, "that is so for you; run this as root to be sure");
}

/* Is there something that one could connect to? */
static bool is_there(const char *path, struct finding *finding)
{
    struct stat status;

    if (lstat(path, &status) != 0 && errno == ENOENT) {
        finding_found(finding, "there is no such socket");
        finding_advise(finding, "start mailfrom-milter, or see its log");
        return false;
    }
    if (stat(path, &status) == 0 && !S_ISSOCK(status.st_mode)) {
        finding_found(finding, "is not a socket");
        finding_advise(finding, "remove it, and restart mailfrom-milter");
        return false;
    }
    return true;
}

bool check_connection(const struct socket_name *name, int *descriptor, struct finding *finding)
{
    int error;

    if (name->kind == SOCKET_UNIX && !is_there(name->path, finding))
        return false;
    error = connection_open(name, descriptor);
    if (error != 0)
        describe(finding, error);
    return error == 0;
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

static void tell_mode(const struct check *check)
{
    struct finding finding = {.level = FINDING_WARNING, .check = "settings", .subject = "settings"};

    if (check->settings->milter.mode != MODE_MONITOR)
        return;
    finding_found(&finding,
                  "mode is \"monitor\", so mail passes as it is, and is judged in the log "
                  "only");
    finding_expected(&finding, "mode = \"enforce\"");
    finding_advise(&finding, "set it once the log shows what you want");
    findings_put(check->findings, &finding);
}

void check_socket(const struct check *check)
{
    struct finding finding = about(check->settings->milter.socket);
    struct socket_name name;
    int descriptor;

    if (!socket_name_read(&name, check->settings->milter.socket)) {
        finding_found(&finding, "is not a name of a socket");
    } else if (name.kind == SOCKET_DESCRIPTOR) {
        finding.level = FINDING_OK;
        finding_found(&finding, "passed by systemd; where it listens is not known here");
    } else if (check_connection(&name, &descriptor, &finding)) {
        finding.level = FINDING_OK;
        finding_found(&finding, "somebody listens there");
        (void)close(descriptor);
    }
    findings_put(check->findings, &finding);
    tell_mode(check);
    if (name.kind == SOCKET_INET)
        warn_of_the_world(check, &name);
}
