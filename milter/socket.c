/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/socket.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
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

static bool find_group(const char *name, gid_t *group, struct failure *why)
{
    const struct group *entry = getgrnam(name);

    if (entry == NULL)
        return failure_set(why, EX_CONFIG, "socket-group: there is no group \"%s\"", name);
    *group = entry->gr_gid;
    return true;
}

/* The owner is the user that the program becomes: it must be able to knock (socket_nudge). */
static bool find_owner(const char *name, uid_t *owner, struct failure *why)
{
    const struct passwd *entry = getpwnam(name);

    if (entry == NULL)
        return failure_set(why, EX_CONFIG, "user: there is no user \"%s\"", name);
    *owner = entry->pw_uid;
    return true;
}

static bool set_permissions(const char *path, uid_t owner, gid_t group, mode_t mode,
                            struct failure *why)
{
    if (chown(path, owner, group) != 0)
        return failure_set(why, EX_NOPERM, "socket %s: giving it to its user and group: %s", path,
                           strerror(errno));
    if (chmod(path, mode) != 0)
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

static bool listen_closed_to_all(const char *socket, struct failure *why)
{
    mode_t mask = umask(0777);
    int result;

    errno = 0;
    result = smfi_opensocket(true);
    (void)umask(mask);
    if (result == MI_SUCCESS)
        return true;
    return failure_set(why, EX_UNAVAILABLE, "cannot open the socket %s: %s", socket,
                       errno == 0 ? "libmilter says why in the mail log" : strerror(errno));
}

bool socket_open(const struct settings *settings, struct failure *why)
{
    const char *socket = settings->milter.socket;
    const char *path = unix_path(socket);
    const char *group_name = settings->milter.socket_group;
    const char *user_name = settings->milter.user;
    uid_t owner = (uid_t)-1;
    gid_t group = (gid_t)-1;

    if (path != NULL && *user_name != '\0' && !find_owner(user_name, &owner, why))
        return false;
    if (path != NULL && *group_name != '\0' && !find_group(group_name, &group, why))
        return false;
    if (path != NULL && !check_is_free(path, why))
        return false;
    if (smfi_setconn(settings->milter.socket) != MI_SUCCESS)
        return failure_set(why, EX_CONFIG, "socket %s: libmilter does not take it", socket);
    if (!listen_closed_to_all(socket, why))
        return false;
    remember_address();
    if (path == NULL ||
        set_permissions(path, owner, group, (mode_t)settings->milter.socket_mode, why))
        return true;
    (void)unlink(path);
    return false;
}

int socket_family(void)
{
    return listening_length == 0 ? AF_UNSPEC : listening.ss_family;
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
