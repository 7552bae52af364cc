/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

const char *socket_file_path(const char *socket)
{
    if (socket[0] == '/')
        return socket;
    if (strncmp(socket, "unix:", 5) == 0)
        return socket + 5;
    return strncmp(socket, "local:", 6) == 0 ? socket + 6 : NULL;
}

static bool find_group(gid_t *group, const char *name, struct failure *why)
{
    const struct group *entry = getgrnam(name);

    if (entry == NULL)
        return failure_set(why, EX_CONFIG, "socket-group: there is no group \"%s\"", name);
    *group = entry->gr_gid;
    return true;
}

static bool find_owner(uid_t *owner, const char *name, struct failure *why)
{
    const struct passwd *entry = getpwnam(name);

    if (entry == NULL)
        return failure_set(why, EX_CONFIG, "user: there is no user \"%s\"", name);
    *owner = entry->pw_uid;
    return true;
}

bool socket_file_find_rights(struct socket_file_rights *rights, int mode, const char *group,
                             const char *user, struct failure *why)
{
    *rights = (struct socket_file_rights){(uid_t)-1, (gid_t)-1, (mode_t)mode};
    return (*user == '\0' || find_owner(&rights->owner, user, why)) &&
           (*group == '\0' || find_group(&rights->group, group, why));
}

/* EAGAIN: whoever listens has a full backlog. EPROTOTYPE: a socket of another type, such as that of
 * syslog. */
static bool is_answered(int client, const struct sockaddr_un *address)
{
    return connect(client, (const struct sockaddr *)address, sizeof *address) == 0 ||
           errno == EAGAIN || errno == EPROTOTYPE;
}

bool socket_file_check_free(const char *path, struct failure *why)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    bool answered;
    int client;

    if (strlen(path) >= sizeof address.sun_path)
        return failure_set(why, EX_CONFIG, "socket %s: the path is longer than %zu octets", path,
                           sizeof address.sun_path - 1);
    strcpy(address.sun_path, path);
    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client < 0)
        return failure_set(why, EX_OSERR, "socket: %s", strerror(errno));
    answered = is_answered(client, &address);
    (void)close(client);
    return !answered ||
           failure_set(why, EX_UNAVAILABLE,
                       "socket %s is in use: is another mailfrom-milter running?", path);
}

mode_t socket_file_mask(const struct socket_file_rights *rights)
{
    return 0777 & ~rights->mode;
}

/* Another name would be that of a file from elsewhere. */
static bool is_new_socket(int file, uid_t maker)
{
    struct stat status;

    if (fstat(file, &status) != 0)
        return false;
    errno = EPERM;
    return S_ISSOCK(status.st_mode) && status.st_uid == maker && status.st_nlink == 1;
}

bool socket_file_give(struct owner *owner, const char *path,
                      const struct socket_file_rights *rights, struct failure *why)
{
    int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    uid_t maker = owner_user();
    bool worked;

    owner_leave(owner);
    worked = file >= 0 && is_new_socket(file, maker) &&
             fchownat(file, "", rights->owner, rights->group, AT_EMPTY_PATH) == 0;
    if (!worked)
        (void)failure_set(why, EX_NOPERM, "socket %s: giving it to its user and group: %s", path,
                          strerror(errno));
    if (file >= 0)
        (void)close(file);
    return worked;
}

void socket_file_remove(const char *path)
{
    struct failure unused;
    struct owner owner;

    if (!owner_enter_parent(&owner, path, &unused))
        return;
    (void)unlink(path);
    owner_leave(&owner);
}

/* A name that no one else has, in the directory of the path. */
static bool name_beside(struct sockaddr_un *address, const char *path, struct failure *why)
{
    const char *slash = strrchr(path, '/');
    int length = snprintf(address->sun_path, sizeof address->sun_path, "%.*s.check-%ld",
                          slash == NULL ? 0 : (int)(slash - path) + 1, path, (long)getpid());

    return (length > 0 && (size_t)length < sizeof address->sun_path &&
            strlen(path) < sizeof address->sun_path) ||
           failure_set(why, EX_CONFIG, "socket %s: the path is too long", path);
}

bool socket_file_check(const char *socket_text, int mode, const char *group, const char *user,
                       struct failure *why)
{
    const char *path = socket_file_path(socket_text);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct socket_file_rights rights;
    struct owner owner;
    int descriptor;
    bool good;

    if (path == NULL)
        return true;
    if (!socket_file_find_rights(&rights, mode, group, user, why) ||
        !name_beside(&address, path, why) || !owner_enter_parent(&owner, path, why))
        return false;
    descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    good =
        descriptor >= 0 && bind(descriptor, (const struct sockaddr *)&address, sizeof address) == 0;
    if (good) {
        good = socket_file_give(&owner, address.sun_path, &rights, why);
        socket_file_remove(address.sun_path);
    } else {
        (void)failure_set(why, EX_UNAVAILABLE, "socket %s cannot be created: %s", path,
                          strerror(errno));
        owner_leave(&owner);
    }
    if (descriptor >= 0)
        (void)close(descriptor);
    return good;
}
