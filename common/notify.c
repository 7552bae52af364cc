/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/notify.h"
#include "common/monotonic.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct {
    int socket; /* -1: nobody listens */
    struct sockaddr_un address;
    socklen_t length;
    int64_t interval; /* of the watchdog, in microseconds; 0 for none */
    int64_t fed;
    char status[NOTIFY_STATUS_MAX + 1];
} supervisor = {.socket = -1};

/* Paths, and '@' for the abstract namespace. */
static void open_socket(const char *name)
{
    size_t length = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || length >= sizeof supervisor.address.sun_path)
        return;
    supervisor.address.sun_family = AF_UNIX;
    memcpy(supervisor.address.sun_path, name, length);
    if (name[0] == '@')
        supervisor.address.sun_path[0] = '\0';
    supervisor.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    supervisor.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int64_t number_of(const char *name)
{
    const char *text = getenv(name);

    return text == NULL ? 0 : strtoll(text, NULL, 10);
}

static void open_watchdog(void)
{
    int64_t process = number_of("WATCHDOG_PID");

    if (process == 0 || process == getpid())
        supervisor.interval = number_of("WATCHDOG_USEC");
}

void notify_open(void)
{
    const char *name = getenv("NOTIFY_SOCKET");

    if (supervisor.socket >= 0)
        (void)close(supervisor.socket);
    memset(&supervisor, 0, sizeof supervisor);
    supervisor.socket = -1;
    if (name != NULL)
        open_socket(name);
    open_watchdog();
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_PID");
    (void)unsetenv("WATCHDOG_USEC");
}

/* Not connected: the supervisor's socket may be made anew. It is never waited for. */
static void tell(const char *text)
{
    if (supervisor.socket >= 0)
        (void)sendto(supervisor.socket, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
                     (const struct sockaddr *)&supervisor.address, supervisor.length);
}

void notify_ready(void)
{
    tell("READY=1");
}

/* The time is what Type=notify-reload tells this reload from an earlier one by. */
void notify_reloading(void)
{
    char text[64];

    (void)snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
                   monotonic_microseconds());
    tell(text);
}

void notify_stopping(void)
{
    tell("STOPPING=1");
}

static void make_plain(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            *text = '?';
    }
}

void notify_status(const char *text)
{
    char line[sizeof "STATUS=" + NOTIFY_STATUS_MAX];

    (void)snprintf(line, sizeof line, "STATUS=%.*s", NOTIFY_STATUS_MAX, text);
    make_plain(line);
    if (strcmp(supervisor.status, line + 7) == 0)
        return;
    strcpy(supervisor.status, line + 7);
    tell(line);
}

void notify_alive(void)
{
    int64_t now = monotonic_microseconds();

    if (supervisor.interval <= 0 || now - supervisor.fed < supervisor.interval / 3)
        return;
    supervisor.fed = now;
    tell("WATCHDOG=1");
}
