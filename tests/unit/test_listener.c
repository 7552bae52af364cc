/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/listener.h"
#include "milter/socket_file.h"
#include "tests/unit/scratch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>

static struct scratch scratch;
static char path[SCRATCH_PATH_SIZE]; /* in it */

static int set_up(void **state)
{
    (void)state;
    scratch_make(&scratch);
    (void)snprintf(path, sizeof path, "%s/socket", scratch.directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static void open_or_fail(struct listener *listener, const char *socket)
{
    struct failure why;

    if (!listener_open(listener, socket, 0660, "", "", &why))
        fail_msg("%s: %s", socket, why.text);
}

static void expect_refusal(const char *socket, const char *group, const char *user, int exit_code,
                           const char *part)
{
    struct listener listener;
    struct failure why = {.text = ""};

    if (listener_open(&listener, socket, 0660, group, user, &why))
        fail_msg("%s is taken", socket);
    assert_int_equal(listener.descriptor, -1);
    if (why.exit_code != exit_code || strstr(why.text, part) == NULL)
        fail_msg("%s: %d, %s", socket, why.exit_code, why.text);
}

static bool is_there(void)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

static int connect_to_file(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    assert_true(client >= 0);
    strcpy(address.sun_path, path);
    if (connect(client, (struct sockaddr *)&address, sizeof address) == 0)
        return client;
    close(client);
    return -1;
}

/* --- unix sockets --- */

static void file_has_its_mode_and_is_removed(void **state)
{
    static const char *const prefixes[] = {"unix:", "local:", ""};
    static const mode_t modes[] = {0600, 0660, 0666};
    char socket[SCRATCH_PATH_SIZE + 10];
    mode_t mask = umask(077);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct listener listener;
        struct failure why;
        struct stat status;

        (void)snprintf(socket, sizeof socket, "%s%s", prefixes[i], path);
        if (!listener_open(&listener, socket, (int)modes[i], "", "", &why))
            fail_msg("%s", why.text);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 07777, modes[i]);
        assert_int_equal(fcntl(listener.descriptor, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
        assert_int_equal(fcntl(listener.descriptor, F_GETFD), FD_CLOEXEC);
        close(connect_to_file());
        listener_close(&listener);
        assert_false(is_there());
        assert_int_equal(connect_to_file(), -1);
    }
    assert_int_equal(umask(mask), 077);
}

static void file_belongs_to_user_and_group(void **state)
{
    struct listener listener;
    struct failure why;
    struct stat status;

    (void)state;
    if (geteuid() != 0)
        skip();
    if (!listener_open(&listener, path, 0660, "mail", "daemon", &why))
        fail_msg("%s", why.text);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_uid, getpwnam("daemon")->pw_uid);
    assert_int_equal(status.st_gid, getgrnam("mail")->gr_gid);
    listener_close(&listener);
}

/* The user who owns the directory has put something else in its place after the bind. */
static void only_the_new_socket_is_given_away(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct socket_file_rights rights;
    struct owner owner;
    struct failure why;
    struct stat status;
    char victim[SCRATCH_PATH_SIZE + 16];
    int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_true(socket_file_find_rights(&rights, 0660, "mail", "daemon", &why));
    (void)snprintf(victim, sizeof victim, "%s.victim", path);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%.100s", victim);
    assert_int_equal(bind(other, (const struct sockaddr *)&address, sizeof address), 0);

    for (int i = 0; i < 2; i++) {
        assert_int_equal(i == 0 ? link(victim, path) : symlink(victim, path), 0);
        assert_true(owner_enter_parent(&owner, path, &why));
        assert_false(socket_file_give(&owner, path, &rights, &why));
        assert_int_equal(why.exit_code, EX_NOPERM);
        assert_int_equal(stat(victim, &status), 0);
        assert_int_equal(status.st_uid, 0);
        assert_int_equal(status.st_gid, 0);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(close(other), 0);
    assert_int_equal(unlink(victim), 0);
}

/* Nor does root have more rights there than who owns it. */
static void the_owner_of_the_directory_makes_the_socket(void **state)
{
    char *slash = strrchr(path, '/');
    struct listener listener;
    struct failure why;
    struct stat status;

    (void)state;
    if (geteuid() != 0)
        skip();
    *slash = '\0';
    assert_int_equal(chown(path, getpwnam("daemon")->pw_uid, 0), 0);
    assert_int_equal(chmod(path, 0700), 0);
    *slash = '/';
    if (!listener_open(&listener, path, 0660, "mail", "daemon", &why))
        fail_msg("%s", why.text);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_uid, getpwnam("daemon")->pw_uid);
    assert_int_equal(status.st_gid, getgrnam("mail")->gr_gid);
    listener_close(&listener);
    assert_false(is_there());

    *slash = '\0'; /* root could */
    assert_int_equal(chmod(path, 0500), 0);
    *slash = '/';
    assert_false(listener_open(&listener, path, 0660, "mail", "daemon", &why));
    assert_non_null(strstr(why.text, "Permission denied"));
}

static void stale_file_is_replaced(void **state)
{
    struct listener listener;

    (void)state;
    open_or_fail(&listener, path);
    close(listener.descriptor); /* as if killed */
    assert_true(is_there());
    open_or_fail(&listener, path);
    close(connect_to_file());
    listener_close(&listener);
}

static void socket_in_use_is_refused(void **state)
{
    struct listener listener;

    (void)state;
    open_or_fail(&listener, path);
    expect_refusal(path, "", "", EX_UNAVAILABLE, "is in use");
    assert_true(is_there());
    close(connect_to_file());
    listener_close(&listener);
}

static void a_full_backlog_is_in_use(void **state)
{
    struct listener listener;
    int clients[3];

    (void)state;
    open_or_fail(&listener, path);
    assert_int_equal(listen(listener.descriptor, 0), 0);
    for (size_t i = 0; i < 3; i++)
        clients[i] = connect_to_file();
    assert_int_equal(clients[2], -1);
    expect_refusal(path, "", "", EX_UNAVAILABLE, "is in use");
    close(clients[0]);
    listener_close(&listener);
}

static void what_is_not_a_stream_socket_stays(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int datagrams = socket(AF_UNIX, SOCK_DGRAM, 0);

    (void)state;
    strcpy(address.sun_path, path);
    assert_int_equal(bind(datagrams, (struct sockaddr *)&address, sizeof address), 0);
    expect_refusal(path, "", "", EX_UNAVAILABLE, "is in use");
    assert_true(is_there());
    close(datagrams);
    assert_int_equal(unlink(path), 0);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    expect_refusal(path, "", "", EX_CONFIG, "not a socket");
    assert_true(is_there());
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("nothing", path), 0);
    expect_refusal(path, "", "", EX_CONFIG, "not a socket");
    assert_true(is_there());
}

static void paths_and_names_that_cannot_be(void **state)
{
    char long_path[200];

    (void)state;
    expect_refusal("unix:/nonexistent/socket", "", "", EX_UNAVAILABLE, "No such file");
    expect_refusal(path, "no-such-group", "", EX_CONFIG, "there is no group");
    expect_refusal(path, "", "no-such-user", EX_CONFIG, "there is no user");
    assert_false(is_there());
    memset(long_path, 'x', sizeof long_path);
    long_path[0] = '/';
    long_path[sizeof long_path - 1] = '\0';
    expect_refusal(long_path, "", "", EX_CONFIG, "longer than 107");
}

/* --- the network --- */

static unsigned free_port(int family)
{
    struct sockaddr_in6 address = {.sin6_family = (sa_family_t)family};
    socklen_t length = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof address;
    int probe = socket(family, SOCK_STREAM, 0);
    unsigned port = 0;

    if (bind(probe, (struct sockaddr *)&address, length) == 0 &&
        getsockname(probe, (struct sockaddr *)&address, &length) == 0)
        port = ntohs(address.sin6_port); /* in the same place in both */
    close(probe);
    return port;
}

static void expect_address(const char *kind, const char *host, int family, const char *expected)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    char socket[200], text[INET6_ADDRSTRLEN];
    unsigned port = free_port(family);
    struct listener listener;
    const void *octets = family == AF_INET
                             ? (const void *)&((struct sockaddr_in *)&address)->sin_addr
                             : (const void *)&((struct sockaddr_in6 *)&address)->sin6_addr;

    (void)snprintf(socket, sizeof socket, "%s%u%s", kind, port, host);
    open_or_fail(&listener, socket);
    assert_int_equal(getsockname(listener.descriptor, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(address.ss_family, family);
    assert_int_equal(ntohs(((struct sockaddr_in *)&address)->sin_port), port);
    assert_string_equal(inet_ntop(family, octets, text, sizeof text), expected);
    expect_refusal(socket, "", "", EX_UNAVAILABLE, "Address already in use");
    listener_close(&listener);
}

static void addresses_of_the_network(void **state)
{
    (void)state;
    expect_address("inet:", "@127.0.0.1", AF_INET, "127.0.0.1");
    expect_address("inet:", "@127.0.0.2", AF_INET, "127.0.0.2");
    expect_address("inet:", "@[127.0.0.1]", AF_INET, "127.0.0.1");
    expect_address("inet:", "@localhost", AF_INET, "127.0.0.1");
    expect_address("inet:", "", AF_INET, "127.0.0.1");
    expect_address("inet:", "@", AF_INET, "127.0.0.1");
}

static void addresses_of_ipv6(void **state)
{
    (void)state;
    if (free_port(AF_INET6) == 0)
        skip();
    expect_address("inet6:", "@::1", AF_INET6, "::1");
    expect_address("inet6:", "@[::1]", AF_INET6, "::1");
    expect_address("inet6:", "", AF_INET6, "::1");
}

static void addresses_that_cannot_be(void **state)
{
    static const char *const malformed[] = {
        "inet:",
        "inet:@127.0.0.1",
        "inet:0@127.0.0.1",
        "inet:65536@127.0.0.1",
        "inet:1x@[::1]",
        "inet:smtp@127.0.0.1",
        "inet: 25@localhost",
        "inet:-1@localhost",
        "inet6:99999999",
        "inet:127.0.0.1:9895",
        "tcp:9895",
        "9895",
        "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
        expect_refusal(malformed[i], "", "", EX_CONFIG, "socket");
    expect_refusal("inet:9895@::1", "", "", EX_UNAVAILABLE, "cannot listen on");
    expect_refusal("inet6:9895@127.0.0.1", "", "", EX_UNAVAILABLE, "cannot listen on");
}

/* --- from systemd --- */

static void descriptors_are_taken_and_their_file_stays(void **state)
{
    struct listener systemd, listener;
    char socket[20];

    (void)state;
    open_or_fail(&systemd, path);
    assert_int_equal(fcntl(systemd.descriptor, F_SETFL, 0), 0);
    assert_int_equal(fcntl(systemd.descriptor, F_SETFD, 0), 0);
    (void)snprintf(socket, sizeof socket, "fd:%d", dup(systemd.descriptor));
    open_or_fail(&listener, socket);
    assert_int_equal(listener.descriptor, atoi(socket + 3));
    assert_int_equal(fcntl(listener.descriptor, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    assert_int_equal(fcntl(listener.descriptor, F_GETFD), FD_CLOEXEC);
    listener_close(&listener);
    assert_true(is_there());
    listener_close(&systemd);
}

static void descriptors_that_do_not_listen(void **state)
{
    char text[20];
    int client = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    (void)snprintf(text, sizeof text, "fd:%d", client);
    expect_refusal(text, "", "", EX_CONFIG, text);
    assert_int_equal(close(client), 0); /* it was not closed */
    expect_refusal("fd:1023", "", "", EX_CONFIG, "fd:1023");
    expect_refusal("fd:0", "", "", EX_CONFIG, "fd:0");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(file_has_its_mode_and_is_removed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(file_belongs_to_user_and_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_the_new_socket_is_given_away, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_owner_of_the_directory_makes_the_socket, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(stale_file_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(socket_in_use_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_backlog_is_in_use, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_a_stream_socket_stays, set_up, tear_down),
        cmocka_unit_test_setup_teardown(paths_and_names_that_cannot_be, set_up, tear_down),
        cmocka_unit_test(addresses_of_the_network),
        cmocka_unit_test(addresses_of_ipv6),
        cmocka_unit_test(addresses_that_cannot_be),
        cmocka_unit_test_setup_teardown(descriptors_are_taken_and_their_file_stays, set_up,
                                        tear_down),
        cmocka_unit_test(descriptors_that_do_not_listen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
