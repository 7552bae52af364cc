/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Which socket is knocked at to stop libmilter, where others listen in the same process. libmilter
 * opens one socket in the life of a process, so each case runs in a child.
 */
#include "milter/milter.h"
#include "milter/socket.h"
#include "tests/unit/scratch.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { KNOCK_MILLISECONDS = 10000 };

static struct scratch scratch;

static int listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    return bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
                   listen(listener, 1) == 0
               ? listener
               : -1;
}

static int listen_on_file(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", scratch.directory, name);
    return bind(listener, (struct sockaddr *)&address, sizeof address) == 0 &&
                   listen(listener, 1) == 0
               ? listener
               : -1;
}

static bool open_socket(char *socket, int mode)
{
    static char nothing[] = "";
    static struct settings settings;
    struct failure why;

    settings.milter.socket = socket;
    settings.milter.socket_mode = mode;
    settings.milter.socket_group = nothing;
    settings.milter.user = nothing;
    if (milter_register(&why) && socket_open(&settings, &why))
        return true;
    (void)fprintf(stderr, "%s\n", why.text);
    return false;
}

static bool is_knocked_at(int listener)
{
    struct pollfd poller = {.fd = listener, .events = POLLIN};

    socket_nudge();
    return poll(&poller, 1, KNOCK_MILLISECONDS) == 1;
}

/* --- the cases; each returns 0 if it holds --- */

static int unix_beside_one_that_listens(void *unused)
{
    char socket[SCRATCH_PATH_SIZE];

    (void)unused;
    (void)snprintf(socket, sizeof socket, "unix:%s/milter", scratch.directory);
    if (listen_on_loopback() < 0 || !open_socket(socket, 0660))
        return 1;
    return socket_family() == AF_UNIX ? 0 : 2;
}

static int descriptor_behind_another(void *unused)
{
    int other = listen_on_loopback();
    int ours = listen_on_file("ours");
    char socket[20];

    (void)unused;
    (void)snprintf(socket, sizeof socket, "fd:%d", ours);
    if (other < 0 || ours < other || !open_socket(socket, 0660))
        return 1;
    if (socket_family() != AF_UNIX)
        return 2;
    return is_knocked_at(ours) ? 0 : 3;
}

static int descriptor_before_another(void *unused)
{
    int ours = listen_on_file("ours");
    int other = listen_on_loopback();
    char socket[20];

    (void)unused;
    (void)snprintf(socket, sizeof socket, "fd:%d", ours);
    if (ours < 0 || other < ours || !open_socket(socket, 0660))
        return 1;
    return socket_family() == AF_UNIX && is_knocked_at(ours) ? 0 : 2;
}

static int mode_of_the_file(void *unused)
{
    char socket[SCRATCH_PATH_SIZE];
    struct stat status;

    (void)unused;
    (void)snprintf(socket, sizeof socket, "%s/milter", scratch.directory);
    if (!open_socket(socket, 0640) || stat(socket, &status) != 0)
        return 1;
    return (status.st_mode & 07777) == 0640 ? 0 : 2;
}

static void libmilters_socket_is_told_from_others(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int (*work)(void *unused);
    } cases[] = {
        {"unix beside one that listens", unix_beside_one_that_listens},
        {"fd:N behind another", descriptor_behind_another},
        {"fd:N before another", descriptor_before_another},
        {"mode of the file", mode_of_the_file},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int status;

        scratch_make(&scratch);
        status = scratch_run_child(cases[i].work, NULL);
        scratch_remove(&scratch);
        if (status != 0)
            fail_msg("%s: %d", cases[i].name, WEXITSTATUS(status));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(libmilters_socket_is_told_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
