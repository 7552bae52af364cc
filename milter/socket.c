/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/socket.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

enum { DESCRIPTORS_LOOKED_AT = 64 };

static struct sockaddr_storage listening;
static socklen_t listening_length;

/* The path of a unix socket, NULL for any other kind. */
static const char *unix_path(const char *socket)
{
    if (socket[0] == '/')
        return socket;
    if (strncmp(socket, "unix:", 5) == 0)
        return socket + 5;
    return strncmp(socket, "local:", 6) == 0 ? socket + 6 : NULL;
}

/* libmilter removes any socket at the path without asking whether somebody listens on it. */
static bool check_is_free(const char *path, struct failure *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    bool answered;
    int client;

    if (strlen(path) >= sizeof address.sun_path)
        return failure_set(why, EX_CONFIG, "socket %s: the path is longer than %zu octets", path,
                           sizeof address.sun_path - 1);
    strcpy(address.sun_path, path);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client < 0)
        return failure_set(why, EX_OSERR, "socket: %s", strerror(errno));
    answered = connect(client, (const struct sockaddr *)&address, sizeof address) == 0;
    (void)close(client);
    return !answered ||
           failure_set(why, EX_UNAVAILABLE,
                       "socket %s is in use: is another mailfrom-milter running?", path);
}

static bool set_permissions(const char *path, const struct settings *settings, struct failure *why)
{
    const char *name = settings->milter.socket_group;
    const struct group *group = *name == '\0' ? NULL : getgrnam(name);

    if (*name != '\0' && group == NULL)
        return failure_set(why, EX_CONFIG, "socket-group: there is no group \"%s\"", name);
    if (group != NULL && chown(path, (uid_t)-1, group->gr_gid) != 0)
        return failure_set(why, EX_NOPERM, "socket %s: giving it to the group %s: %s", path, name,
                           strerror(errno));
    if (chmod(path, (mode_t)settings->milter.socket_mode) != 0)
        return failure_set(why, EX_NOPERM, "socket %s: setting its mode: %s", path,
                           strerror(errno));
    return true;
}

static bool is_listening(int descriptor)
{
    socklen_t length = sizeof(int);
    int answer = 0;

    return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &answer, &length) == 0 && answer != 0;
}

/* libmilter keeps its descriptor to itself, and its address may be a host name: look for it. */
static void remember_address(void)
{
    for (int descriptor = 0; descriptor < DESCRIPTORS_LOOKED_AT; descriptor++) {
        listening_length = sizeof listening;
        if (is_listening(descriptor) &&
            getsockname(descriptor, (struct sockaddr *)&listening, &listening_length) == 0)
            return;
    }
    listening_length = 0;
}

bool socket_open(const struct settings *settings, struct failure *why)
{
    const char *path = unix_path(settings->milter.socket);
    mode_t mask;
    int result;

    if (path != NULL && !check_is_free(path, why))
        return false;
    if (smfi_setconn(settings->milter.socket) != MI_SUCCESS)
        return failure_set(why, EX_CONFIG, "socket %s: libmilter does not take it",
                           settings->milter.socket);
    /* Closed to all until group and mode are set. */
    mask = umask(0777);
    errno = 0;
    result = smfi_opensocket(true);
    (void)umask(mask);
    if (result != MI_SUCCESS)
        return failure_set(why, EX_UNAVAILABLE, "cannot open the socket %s: %s",
                           settings->milter.socket,
                           errno == 0 ? "libmilter gives no reason" : strerror(errno));
    remember_address();
    return path == NULL || set_permissions(path, settings, why);
}

void socket_nudge(void)
{
    int client = socket(listening.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (client < 0)
        return;
    (void)connect(client, (const struct sockaddr *)&listening, listening_length);
    (void)close(client);
}

void socket_remove(const struct settings *settings)
{
    const char *path = unix_path(settings->milter.socket);

    if (path != NULL)
        (void)unlink(path);
}
