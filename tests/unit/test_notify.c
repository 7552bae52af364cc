/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { HEARD_SIZE = 2000 };

/* The supervisor's end, and what came in last. */
static int supervisor;
static char heard[HEARD_SIZE];

static const char *hear(void)
{
    ssize_t length = recv(supervisor, heard, sizeof heard - 1, MSG_DONTWAIT);

    heard[length > 0 ? length : 0] = '\0';
    return heard;
}

/* A name of its own in the abstract namespace, or a path. */
static void listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s-%d", name, (int)getpid());

    assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
    (void)unlink(address.sun_path);
    if (address.sun_path[0] == '@')
        address.sun_path[0] = '\0';
    supervisor = socket(AF_UNIX, SOCK_DGRAM, 0);
    assert_int_equal(bind(supervisor, (const struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length)),
                     0);
}

static void listen_and_open(const char *name)
{
    listen_at(name);
    notify_open();
}

static int stop_listening(void **state)
{
    (void)state;
    (void)close(supervisor);
    return 0;
}

static void tells_each_stage(void **state)
{
    (void)state;
    listen_and_open("@mailfrom-test");
    notify_ready();
    assert_string_equal(hear(), "READY=1");
    notify_stopping();
    assert_string_equal(hear(), "STOPPING=1");
    assert_string_equal(hear(), "");
}

static void speaks_to_a_path_too(void **state)
{
    (void)state;
    char path[100];

    (void)snprintf(path, sizeof path, "/tmp/mailfrom-test-%d", (int)getpid());
    listen_and_open("/tmp/mailfrom-test");
    notify_ready();
    assert_string_equal(hear(), "READY=1");
    (void)unlink(path);
}

static void says_when_a_reload_began(void **state)
{
    (void)state;
    struct timespec before, after;
    int64_t told = 0;

    listen_and_open("@mailfrom-test");
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    notify_reloading();
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    assert_int_equal(sscanf(hear(), "RELOADING=1\nMONOTONIC_USEC=%" SCNd64, &told), 1);
    assert_in_range(told, (int64_t)before.tv_sec * 1000000 + before.tv_nsec / 1000,
                    (int64_t)after.tv_sec * 1000000 + after.tv_nsec / 1000);
}

static void tells_a_status_once(void **state)
{
    (void)state;
    listen_and_open("@mailfrom-test");
    notify_status("12 identities");
    assert_string_equal(hear(), "STATUS=12 identities");
    notify_status("12 identities");
    assert_string_equal(hear(), "");
    notify_status("13 identities");
    assert_string_equal(hear(), "STATUS=13 identities");
}

/* A newline would begin another assignment. */
static void keeps_a_status_to_one_line(void **state)
{
    (void)state;
    char text[2 * NOTIFY_STATUS_MAX];

    listen_and_open("@mailfrom-test");
    notify_status("a\nREADY=1\t\303\274");
    assert_string_equal(hear(), "STATUS=a?READY=1???");
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    notify_status(text);
    assert_int_equal(strlen(hear()), strlen("STATUS=") + NOTIFY_STATUS_MAX);
}

static void count_heard(const char *process, const char *interval, int expected)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    int count = 0;

    listen_at("@mailfrom-test");
    if (process != NULL)
        assert_int_equal(setenv("WATCHDOG_PID", process, 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", interval, 1), 0);
    notify_open();
    for (int i = 0; i < 10; i++) {
        notify_alive();
        count += strcmp(hear(), "WATCHDOG=1") == 0;
        (void)nanosleep(&pause, NULL);
    }
    assert_int_equal(count, expected);
    (void)close(supervisor);
}

static void feeds_the_watchdog_as_often_as_it_wants(void **state)
{
    (void)state;
    char process[20];

    (void)snprintf(process, sizeof process, "%d", (int)getpid());
    count_heard(process, "3000", 10);      /* the pause is longer than a third of it */
    count_heard(process, "3000000000", 1); /* once, at first */
    count_heard(NULL, "3000000000", 1);    /* nobody says whose it is */
}

static void leaves_the_watchdog_of_others_alone(void **state)
{
    (void)state;
    count_heard("1", "3000", 0);
    count_heard(NULL, "0", 0);
    count_heard(NULL, "-5", 0);
    count_heard(NULL, "never", 0);
}

static void leaves_nothing_for_children(void **state)
{
    (void)state;
    static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"};

    for (size_t i = 0; i < 3; i++)
        assert_int_equal(setenv(names[i], "1", 1), 0);
    notify_open();
    for (size_t i = 0; i < 3; i++)
        assert_null(getenv(names[i]));
    supervisor = -1;
}

/* Also a supervisor that reads nothing must not hold up a program. */
static void never_waits(void **state)
{
    (void)state;
    listen_and_open("@mailfrom-test");
    for (int i = 0; i < 100000; i++)
        notify_ready();
    assert_string_equal(hear(), "READY=1");
    (void)close(supervisor);
    notify_ready();
    supervisor = -1;
}

static void tells_nobody_where_nobody_listens(void **state)
{
    (void)state;
    static const char *const names[] = {
        "", "relative", "vsock:2:1234",
        "/0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        notify_open();
        notify_ready();
    }
    supervisor = -1;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(tells_each_stage, stop_listening),
        cmocka_unit_test_teardown(speaks_to_a_path_too, stop_listening),
        cmocka_unit_test_teardown(says_when_a_reload_began, stop_listening),
        cmocka_unit_test_teardown(tells_a_status_once, stop_listening),
        cmocka_unit_test_teardown(keeps_a_status_to_one_line, stop_listening),
        cmocka_unit_test(feeds_the_watchdog_as_often_as_it_wants),
        cmocka_unit_test(leaves_the_watchdog_of_others_alone),
        cmocka_unit_test_teardown(leaves_nothing_for_children, stop_listening),
        cmocka_unit_test_teardown(never_waits, stop_listening),
        cmocka_unit_test_teardown(tells_nobody_where_nobody_listens, stop_listening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
