/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/socket.h"
#include "milter/socket_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

/* The setting allows fd:1023 at most. */
enum { DESCRIPTORS_LOOKED_AT = 1024 };

static int listener = -1;
static struct sockaddr_storage listening;
static socklen_t listening_length;

/* --- which socket is libmilter's --- */

static bool is_listening(int descriptor)
{
    socklen_t length = sizeof(int);
    int answer = 0;

    return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &answer, &length) == 0 && answer != 0;
}

static void note_listeners(bool listeners[DESCRIPTORS_LOOKED_AT])
{
    for (int descriptor = 0; descriptor < DESCRIPTORS_LOOKED_AT; descriptor++)
        listeners[descriptor] = is_listening(descriptor);
}

/* libmilter keeps its descriptor to itself, and its address may be a host name. So it is the one
 * that the setting names, or the one that listens now and did not before. */
static int find_descriptor(const char *socket, const bool listened_before[DESCRIPTORS_LOOKED_AT])
{
    if (strncmp(socket, "fd:", 3) == 0)
        return atoi(socket + 3);
    for (int descriptor = 0; descriptor < DESCRIPTORS_LOOKED_AT; descriptor++) {
        if (!listened_before[descriptor] && is_listening(descriptor))
            return descriptor;
    }
    return -1;
}

static void remember_address(int descriptor)
{
    listening_length = sizeof listening;
    if (getsockname(descriptor, (struct sockaddr *)&listening, &listening_length) != 0)
        listening_length = 0;
}

/* --- open, nudge, remove --- */

static bool listen_with_mask(const char *socket, mode_t mask, struct failure *why)
{
    mode_t mask_before = umask(mask);
    int result;

    errno = 0;
    result = smfi_opensocket(true);
    (void)umask(mask_before);
    if (result == MI_SUCCESS)
        return true;
    return failure_set(why, EX_UNAVAILABLE, "cannot open the socket %s: %s", socket,
                       errno == 0 ? "libmilter says why in the mail log" : strerror(errno));
}

static bool open_anywhere(const char *socket, mode_t mask, struct failure *why)
{
    bool listeners[DESCRIPTORS_LOOKED_AT];

    note_listeners(listeners);
    if (!listen_with_mask(socket, mask, why))
        return false;
    listener = find_descriptor(socket, listeners);
    remember_address(listener);
    return true;
}

/* The owner is the user that the program becomes: it must be able to knock (socket_nudge).
 * libmilter removes any socket at the path without asking whether someone listens on it. */
static bool open_file(const struct settings *settings, const char *path, struct failure *why)
{
    struct socket_file_rights rights;
    struct owner owner;

    if (!socket_file_find_rights(&rights, settings->milter.socket_mode,
                                 settings->milter.socket_group, settings->milter.user, why) ||
        !socket_file_check_free(path, why) || !owner_enter_parent(&owner, path, why))
        return false;
    if (!open_anywhere(settings->milter.socket, socket_file_mask(&rights), why)) {
        owner_leave(&owner);
        return false;
    }
    if (socket_file_give(&owner, path, &rights, why))
        return true;
    socket_file_remove(path);
    return false;
}

bool socket_open(const struct settings *settings, struct failure *why)
{
    const char *socket = settings->milter.socket;
    const char *path = socket_file_path(socket);

    if (smfi_setconn(settings->milter.socket) != MI_SUCCESS)
        return failure_set(why, EX_CONFIG, "socket %s: libmilter does not take it", socket);
    return path != NULL ? open_file(settings, path, why) : open_anywhere(socket, 0777, why);
}

int socket_family(void)
{
    return listening_length == 0 ? AF_UNSPEC : listening.ss_family;
}

int socket_listener(void)
{
    return listener;
}

int socket_connect(void)
{
    const struct timeval patience = {.tv_sec = 10};
    int client = socket(listening.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (client < 0)
        return -1;
    if (setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(client, (const struct sockaddr *)&listening, listening_length) == 0)
        return client;
    (void)close(client);
    return -1;
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
    const char *path = socket_file_path(settings->milter.socket);

    if (path != NULL)
        socket_file_remove(path);
}
