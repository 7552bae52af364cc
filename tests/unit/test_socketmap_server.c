/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Clients of a server over a unix socket. Times are in the limits of each test: short where they
 * have to run out, very long where they must not. What does not come within PATIENCE_SECONDS is a
 * failure; nothing else here depends on how fast the machine is.
 */
#include "common/log.h"
#include "common/sandbox.h"
#include "milter/socketmap_server.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

enum { PATIENCE_SECONDS = 60, NEVER = 1000 * 1000 * 1000, SOON = 50, TEXT_LENGTH = 1000 };

static struct scratch scratch;
static char path[SCRATCH_PATH_SIZE]; /* of the socket, in it */

static const struct socketmap_limits lenient = {
    .connections = 100,
    .request_time = NEVER,
    .reply_time = NEVER,
    .idle_time = NEVER,
    .accept_pause = SOON,
};

/* It keeps a limit of descriptors of its own, and closes what was accepted beyond that; and its own
 * system calls are not in the filter. tests/unit/under-valgrind sets the variable. */
static bool is_under_valgrind(void)
{
    return getenv("UNDER_VALGRIND") != NULL;
}

/* --- the server --- */

static void describe_mask(struct socketmap_reply *reply)
{
    sigset_t set;

    (void)pthread_sigmask(SIG_BLOCK, NULL, &set);
    reply->status = SOCKETMAP_OK;
    (void)snprintf(reply->text, sizeof reply->text, "TERM %d HUP %d PIPE %d BUS %d SEGV %d URG %d",
                   sigismember(&set, SIGTERM), sigismember(&set, SIGHUP),
                   sigismember(&set, SIGPIPE), sigismember(&set, SIGBUS),
                   sigismember(&set, SIGSEGV), sigismember(&set, SIGURG));
}

/* echo: the key. long: a reply of TEXT_LENGTH. All others are not found. */
static void answer(const char *map, size_t map_length, const char *key, size_t key_length,
                   struct socketmap_reply *reply)
{
    if (map_length == 4 && memcmp(map, "echo", 4) == 0) {
        reply->status = SOCKETMAP_OK;
        (void)snprintf(reply->text, sizeof reply->text, "%.*s", (int)key_length, key);
    } else if (map_length == 4 && memcmp(map, "long", 4) == 0) {
        reply->status = SOCKETMAP_OK;
        memset(reply->text, 'x', TEXT_LENGTH);
        reply->text[TEXT_LENGTH] = '\0';
    } else if (map_length == 6 && memcmp(map, "length", 6) == 0) {
        reply->status = SOCKETMAP_OK;
        (void)snprintf(reply->text, sizeof reply->text, "%zu", key_length);
    } else if (map_length == 4 && memcmp(map, "mask", 4) == 0) {
        describe_mask(reply);
    } else if (map_length != 4 || memcmp(map, "fail", 4) != 0) {
        reply->status = SOCKETMAP_NOTFOUND;
    } /* fail: leaves the reply as it is */
}

static const struct socketmap_handlers handlers = {answer};

static void start_at(const char *socket, const struct socketmap_limits *limits)
{
    struct failure why;

    if (!socketmap_server_bind(socket, 0600, "", "", &why) ||
        !socketmap_server_start(&handlers, limits, &why))
        fail_msg("%s", why.text);
}

static int set_up(void **state)
{
    (void)state;
    (void)alarm(2 * PATIENCE_SECONDS);
    scratch_make(&scratch);
    (void)snprintf(path, sizeof path, "%s/socket", scratch.directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    socketmap_server_stop();
    scratch_remove(&scratch);
    (void)alarm(0);
    return 0;
}

static struct socketmap_counts counts(void)
{
    struct socketmap_counts now;

    socketmap_server_read_counts(&now);
    return now;
}

/* --- clients --- */

static int new_client(void)
{
    static const struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(client >= 0);
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    return client;
}

static bool is_connected(int client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    strcpy(address.sun_path, path);
    return connect(client, (struct sockaddr *)&address, sizeof address) == 0;
}

static int connected(void)
{
    int client = new_client();

    assert_true(is_connected(client));
    return client;
}

static void say(int client, const char *octets, size_t length)
{
    assert_int_equal(send(client, octets, length, MSG_NOSIGNAL), length);
}

static void expect(int client, const char *octets, size_t length)
{
    char read[2 * TEXT_LENGTH];

    assert_true(length <= sizeof read);
    assert_int_equal(recv(client, read, length, MSG_WAITALL), length);
    assert_memory_equal(read, octets, length);
}

/* Hung up on, with or without an error. */
static void expect_end(int client)
{
    char octet;
    ssize_t count = recv(client, &octet, 1, 0);

    if (count != 0 && (count > 0 || errno != ECONNRESET))
        fail_msg("the connection is open: %zd, %s", count, count < 0 ? strerror(errno) : "");
}

static bool is_answered(int client)
{
    char read[10];

    return send(client, "9:echo info,", 12, MSG_NOSIGNAL) == 12 &&
           recv(client, read, sizeof read, MSG_WAITALL) == sizeof read &&
           memcmp(read, "7:OK info,", sizeof read) == 0;
}

static void ask(int client)
{
    assert_true(is_answered(client));
}

/* Requests that are numbered, all in one write. */
static void ask_many(int client, int count)
{
    enum { SIZE = sizeof "11:echo 000000," - 1 };
    char *requests = malloc((size_t)count * SIZE + 1);

    assert_non_null(requests);
    for (int i = 0; i < count; i++)
        (void)snprintf(requests + (size_t)i * SIZE, SIZE + 1, "11:echo %06d,", i);
    say(client, requests, (size_t)count * SIZE);
    free(requests);
}

static void expect_many(int client, int count)
{
    for (int i = 0; i < count; i++) {
        char reply[40];

        (void)snprintf(reply, sizeof reply, "9:OK %06d,", i);
        expect(client, reply, strlen(reply));
    }
}

static void pause_milliseconds(long milliseconds)
{
    const struct timespec pause = {.tv_nsec = milliseconds * 1000000};

    (void)nanosleep(&pause, NULL);
}

/* --- requests and replies --- */

static void each_request_gets_its_reply(void **state)
{
    static const struct {
        const char *request;
        size_t request_length;
        const char *reply;
    } rows[] = {
#define ROW(request, reply) {request, sizeof request - 1, reply}
        ROW("19:echo a@shop.example,", "17:OK a@shop.example,"),
        ROW("5:echo ,", "3:OK ,"),
        ROW("12:other a@shop,", "9:NOTFOUND ,"),
        ROW("4:echo,", "3:OK ,"),
        ROW("2: x,", "9:NOTFOUND ,"),
        ROW("10:length a\0b,", "4:OK 3,"),
        ROW("9:fail info,", "5:TEMP ,"),
    };
    struct socketmap_counts before = counts();
    int client;

    (void)state;
    start_at(path, &lenient);
    client = connected();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        say(client, rows[i].request, rows[i].request_length);
        expect(client, rows[i].reply, strlen(rows[i].reply));
    }
    close(client);
    socketmap_server_stop(); /* which has counted everything by then */
    assert_int_equal(counts().requests - before.requests, sizeof rows / sizeof *rows);
    assert_int_equal(counts().connections - before.connections, 1);
}

/* The other client's reply says that the server has seen what came before. */
static void a_request_may_come_in_parts(void **state)
{
    static const char request[] = "19:echo a@shop.example,";
    static const char reply[] = "17:OK a@shop.example,";
    int client, other;

    (void)state;
    start_at(path, &lenient);
    client = connected();
    other = connected();
    for (size_t split = 1; split < sizeof request - 1; split++) {
        say(client, request, split);
        ask(other);
        say(client, request + split, sizeof request - 1 - split);
        expect(client, reply, sizeof reply - 1);
    }
    for (size_t i = 0; i < sizeof request - 1; i++) {
        say(client, request + i, 1);
        ask(other);
    }
    expect(client, reply, sizeof reply - 1);
    close(client);
    close(other);
}

static void the_longest_request_is_answered(void **state)
{
    static char request[SOCKETMAP_WHOLE_MAX];
    int client;

    (void)state;
    memcpy(request, "10000:length ", 13);
    memset(request + 13, 'k', sizeof request - 14);
    request[sizeof request - 1] = ',';
    start_at(path, &lenient);
    client = connected();
    for (int i = 0; i < 8; i++)
        say(client, request, sizeof request);
    for (int i = 0; i < 8; i++)
        expect(client, "7:OK 9993,", 10);
    close(client);
}

static void many_requests_may_come_at_once(void **state)
{
    enum { COUNT = 3000 };
    int client, other;

    (void)state;
    start_at(path, &lenient);
    client = connected();
    other = connected();
    ask_many(client, COUNT);
    ask(other);
    expect_many(client, COUNT);
    ask(client);
    close(client);
    close(other);
}

static void what_was_asked_before_hanging_up_is_answered(void **state)
{
    enum { COUNT = 100 };
    int client;

    (void)state;
    start_at(path, &lenient);
    client = connected();
    ask_many(client, COUNT);
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    expect_many(client, COUNT);
    expect_end(client);
    close(client);
}

static void malformed_ends_its_own_connection_only(void **state)
{
    static const char *const rows[] = {"0:,", "GET / HTTP/1.0\r\n\r\n", "3:m k;", "10001:"};
    struct socketmap_counts before = counts();
    int other;

    (void)state;
    start_at(path, &lenient);
    other = connected();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int client = connected();

        say(client, "9:echo info,", 12);
        say(client, rows[i], strlen(rows[i]));
        expect(client, "7:OK info,", 10);
        expect_end(client);
        close(client);
        ask(other);
    }
    assert_int_equal(counts().bad_peers - before.bad_peers, sizeof rows / sizeof *rows);
    assert_int_equal(counts().overdue, before.overdue);
    close(other);
}

/* --- clients that keep others waiting --- */

static void a_stalled_request_is_given_up(void **state)
{
    struct socketmap_limits limits = lenient;
    struct socketmap_counts before = counts();
    int stalled, honest;

    (void)state;
    limits.request_time = SOON;
    start_at(path, &limits);
    stalled = connected();
    honest = connected();
    say(stalled, "9:echo", 6);
    ask(honest);
    expect_end(stalled);
    ask(honest);
    assert_int_equal(counts().overdue - before.overdue, 1);
    close(stalled);
    close(honest);
}

/* An octet now and then gives it no more time. */
static void a_dripping_request_is_given_up(void **state)
{
    struct socketmap_limits limits = lenient;
    bool is_open = true;
    int client;

    (void)state;
    limits.request_time = SOON;
    start_at(path, &limits);
    client = connected();
    say(client, "9999:", 5);
    for (int i = 0; is_open && i < 9000; i++) {
        pause_milliseconds(5);
        is_open = send(client, "k", 1, MSG_NOSIGNAL) == 1;
    }
    assert_false(is_open);
    close(client);
}

static void an_idle_connection_is_closed_at_last(void **state)
{
    struct socketmap_limits limits = lenient;
    int client;

    (void)state;
    limits.idle_time = SOON;
    start_at(path, &limits);
    client = connected();
    expect_end(client);
    close(client);
}

static const char long_request[] = "5:long ,";

/* Sends requests of long replies for as long as the server takes them. Returns how many, and how
 * many octets of the last one are not sent. */
static int flood(int client, size_t *rest)
{
    enum { FAR_TOO_MANY = 1000 * 1000 };
    struct pollfd writable = {.fd = client, .events = POLLOUT};
    int count = 0;

    for (*rest = 0; count < FAR_TOO_MANY; *rest = 0) {
        for (*rest = 8; *rest > 0;) {
            ssize_t sent =
                send(client, long_request + 8 - *rest, *rest, MSG_NOSIGNAL | MSG_DONTWAIT);

            if (sent > 0)
                *rest -= (size_t)sent;
            else if (errno != EAGAIN || poll(&writable, 1, 300) == 0)
                return count;
        }
        count++;
    }
    fail_msg("the server takes whatever comes");
    return count;
}

static void expect_long_replies(int client, int count)
{
    char expected[TEXT_LENGTH + 9] = "1003:OK ";

    memset(expected + 8, 'x', TEXT_LENGTH);
    expected[sizeof expected - 1] = ',';
    for (int i = 0; i < count; i++)
        expect(client, expected, sizeof expected);
}

static void who_reads_late_gets_all_replies(void **state)
{
    int client, honest, count;
    size_t rest;

    (void)state;
    start_at(path, &lenient);
    client = connected();
    honest = connected();
    count = flood(client, &rest);
    ask(honest);
    expect_long_replies(client, count);
    if (rest > 0) {
        say(client, long_request + 8 - rest, rest);
        expect_long_replies(client, 1);
    }
    ask(client);
    close(client);
    close(honest);
}

/* Its buffers are small, and take a part of what is written. */
static int listen_on_tcp(struct sockaddr_in *address)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0), smallest = 1;
    socklen_t length = sizeof *address;

    *address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest) == 0 &&
        bind(listener, (struct sockaddr *)address, length) == 0 && listen(listener, 10) == 0 &&
        getsockname(listener, (struct sockaddr *)address, &length) == 0)
        return listener;
    return -1;
}

static void replies_may_go_in_parts(void **state)
{
    struct sockaddr_in address;
    enum { COUNT = 200 };
    int client = socket(AF_INET, SOCK_STREAM, 0), smallest = 1;
    char name[20];

    (void)state;
    (void)snprintf(name, sizeof name, "fd:%d", listen_on_tcp(&address));
    start_at(name, &lenient);
    assert_int_equal(setsockopt(client, SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    for (int i = 0; i < COUNT; i++)
        say(client, "5:long ,", 8);
    expect_long_replies(client, COUNT);
    close(client);
}

static void who_does_not_read_is_given_up(void **state)
{
    struct socketmap_limits limits = lenient;
    struct socketmap_counts before = counts();
    int client, honest;
    size_t rest;

    (void)state;
    limits.reply_time = SOON;
    start_at(path, &limits);
    client = connected();
    honest = connected();
    (void)flood(client, &rest);
    while (counts().overdue == before.overdue)
        ask(honest);
    assert_int_equal(counts().closed - before.closed, 1);
    close(client);
    close(honest);
}

/* --- many clients --- */

static void one_too_many_closes_the_longest_idle(void **state)
{
    struct socketmap_limits limits = lenient;
    struct socketmap_counts before = counts();
    int clients[4];

    (void)state;
    limits.connections = 3;
    start_at(path, &limits);
    for (int i = 0; i < 3; i++)
        ask(clients[i] = connected());
    ask(clients[0]);
    assert_int_equal(counts().crowded_out, before.crowded_out);
    ask(clients[3] = connected());
    expect_end(clients[1]);
    ask(clients[0]);
    ask(clients[2]);
    ask(clients[3]);
    assert_int_equal(counts().crowded_out - before.crowded_out, 1);
    for (int i = 0; i < 4; i++)
        close(clients[i]);
}

static void it_is_an_idle_one_even_if_others_stall(void **state)
{
    struct socketmap_limits limits = lenient;
    int stalled, idle, client;

    (void)state;
    limits.connections = 2;
    start_at(path, &limits);
    stalled = connected();
    say(stalled, "9:echo info,9:echo in", 21);
    expect(stalled, "7:OK info,", 10);
    ask(idle = connected());
    ask(client = connected());
    expect_end(idle);
    say(stalled, "fo,", 3);
    expect(stalled, "7:OK info,", 10);
    close(stalled);
    close(idle);
    close(client);
}

static void where_none_is_idle_it_is_the_one_that_stalled_first(void **state)
{
    struct socketmap_limits limits = lenient;
    int clients[4];

    (void)state;
    limits.connections = 3;
    start_at(path, &limits);
    for (int i = 0; i < 3; i++)
        clients[i] = connected();
    /* One after the other: the reply says that the server has seen the beginning, too. */
    for (int i = 0; i < 3; i++) {
        say(clients[i], "9:echo info,9:echo in", 21);
        expect(clients[i], "7:OK info,", 10);
    }
    ask(clients[3] = connected());
    expect_end(clients[0]);
    for (int i = 1; i < 3; i++) {
        say(clients[i], "fo,", 3);
        expect(clients[i], "7:OK info,", 10);
    }
    for (int i = 0; i < 4; i++)
        close(clients[i]);
}

/* --- out of descriptors --- */

static struct rlimit descriptors;

static void allow_no_more_descriptors(void)
{
    struct rlimit none;
    int lowest = dup(STDERR_FILENO);

    assert_true(lowest >= 0);
    close(lowest);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
    none = descriptors;
    none.rlim_cur = (rlim_t)lowest;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static int tear_down_limit(void **state)
{
    (void)setrlimit(RLIMIT_NOFILE, &descriptors);
    return tear_down(state);
}

/* The one that waits must not wake the server in each round. */
static void without_descriptors_it_does_not_try_again_at_once(void **state)
{
    struct socketmap_limits limits = lenient;
    struct socketmap_counts before = counts();
    int client, waiting;

    (void)state;
    limits.accept_pause = NEVER;
    start_at(path, &limits);
    client = connected();
    waiting = new_client();
    ask(client);
    allow_no_more_descriptors();
    assert_true(is_connected(waiting));
    for (int i = 0; i < 1000 || counts().accept_pauses == before.accept_pauses; i++)
        ask(client);
    assert_int_equal(counts().accept_pauses - before.accept_pauses, 1);
    close(client);
    close(waiting);
}

static void who_waits_for_a_descriptor_is_served_later(void **state)
{
    struct socketmap_counts before = counts();
    int client, waiting;

    (void)state;
    if (is_under_valgrind())
        skip();
    start_at(path, &lenient);
    client = connected();
    waiting = new_client();
    ask(client);
    allow_no_more_descriptors();
    assert_true(is_connected(waiting));
    while (counts().accept_pauses - before.accept_pauses < 2)
        ask(client);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
    ask(waiting);
    close(client);
    close(waiting);
}

static void most_descriptors_are_left_to_the_mail_path(void **state)
{
    struct socketmap_counts before = counts();
    struct rlimit few;
    int clients[11];

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &descriptors), 0);
    few = descriptors;
    few.rlim_cur = 43;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    start_at(path, &lenient);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
    for (int i = 0; i < 10; i++)
        ask(clients[i] = connected());
    assert_int_equal(counts().crowded_out, before.crowded_out);
    ask(clients[10] = connected());
    expect_end(clients[0]);
    for (int i = 0; i < 11; i++)
        close(clients[i]);
}

/* --- start and stop --- */

static void without_a_socket_there_is_no_server(void **state)
{
    struct failure why;

    (void)state;
    assert_true(socketmap_server_bind("", 0600, "", "", &why));
    assert_true(socketmap_server_start(&handlers, &lenient, &why));
    socketmap_server_stop();
}

static void clients_wait_from_bind_to_start(void **state)
{
    struct failure why;
    int client;

    (void)state;
    assert_true(socketmap_server_bind(path, 0600, "", "", &why));
    client = connected();
    say(client, "9:echo info,", 12);
    assert_true(socketmap_server_start(&handlers, &lenient, &why));
    expect(client, "7:OK info,", 10);
    close(client);
}

static void a_stop_closes_all_and_removes_the_file(void **state)
{
    int idle, stalled;

    (void)state;
    for (int i = 0; i < 3; i++) {
        start_at(path, &lenient);
        ask(idle = connected());
        ask(stalled = connected());
        say(stalled, "9:", 2);
        socketmap_server_stop();
        expect_end(idle);
        expect_end(stalled);
        assert_int_not_equal(access(path, F_OK), 0);
        assert_int_equal(counts().closed, counts().connections);
        close(idle);
        close(stalled);
    }
}

static int be_killed_while_serving(void *unused)
{
    struct failure why;

    (void)unused;
    if (socketmap_server_bind(path, 0600, "", "", &why) &&
        socketmap_server_start(&handlers, &lenient, &why))
        (void)kill(getpid(), SIGKILL);
    return 1;
}

static void a_stale_socket_is_replaced(void **state)
{
    int client;

    (void)state;
    assert_true(WIFSIGNALED(scratch_run_child(be_killed_while_serving, NULL)));
    assert_int_equal(access(path, F_OK), 0);
    start_at(path, &lenient);
    ask(client = connected());
    close(client);
}

static int bind_in_child(void *unused)
{
    struct failure why;

    (void)unused;
    return !socketmap_server_bind(path, 0600, "", "", &why) && strstr(why.text, "is in use") ? 0
                                                                                             : 1;
}

static void a_socket_in_use_is_left_alone(void **state)
{
    int client;

    (void)state;
    start_at(path, &lenient);
    assert_int_equal(scratch_run_child(bind_in_child, NULL), 0);
    ask(client = connected());
    close(client);
}

static void a_socket_of_systemd_is_served_and_stays(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int systemd = socket(AF_UNIX, SOCK_STREAM, 0), client;
    char name[20];

    (void)state;
    strcpy(address.sun_path, path);
    assert_int_equal(bind(systemd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(systemd, 10), 0);
    (void)snprintf(name, sizeof name, "fd:%d", systemd);
    start_at(name, &lenient);
    ask(client = connected());
    socketmap_server_stop();
    assert_int_equal(access(path, F_OK), 0);
    close(client);
}

/* --- what it does in the program --- */

static void signals_of_the_program_are_not_for_its_thread(void **state)
{
    static const char reply[] = "41:OK TERM 1 HUP 1 PIPE 1 BUS 0 SEGV 0 URG 0,";
    sigset_t set;
    int client;

    (void)state;
    (void)sigfillset(&set);
    (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    start_at(path, &lenient);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &set);
    assert_int_equal(sigismember(&set, SIGTERM), 0);
    client = connected();
    say(client, "6:mask x,", 9);
    expect(client, reply, sizeof reply - 1);
    close(client);
}

/* A system call that the filter refuses fails with ENOSYS, and a client is not answered. */
static int serve_in_sandbox(void *unused)
{
    struct failure why;
    int client, stalled;

    (void)unused;
    if (!socketmap_server_bind(path, 0600, "", "", &why) || !sandbox_enter_milter(AF_UNIX, &why) ||
        !socketmap_server_start(&handlers, &lenient, &why))
        return 1;
    client = new_client();
    stalled = new_client();
    if (!is_connected(client) || !is_connected(stalled) || !is_answered(client))
        return 2;
    if (send(stalled, "0:,", 3, MSG_NOSIGNAL) != 3 || recv(stalled, &client, 1, 0) != 0)
        return 3;
    socketmap_server_stop();
    return access(path, F_OK) == 0 ? 4 : 0;
}

/* Its family is not that of the milter's socket, which the filter is made for. */
static int serve_another_family_in_sandbox(void *unused)
{
    struct sockaddr_in address;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    struct failure why;
    char name[20];

    (void)unused;
    (void)snprintf(name, sizeof name, "fd:%d", listen_on_tcp(&address));
    if (!socketmap_server_bind(name, 0600, "", "", &why) || !sandbox_enter_milter(AF_UNIX, &why) ||
        !socketmap_server_start(&handlers, &lenient, &why))
        return 1;
    if (connect(client, (struct sockaddr *)&address, sizeof address) != 0 || !is_answered(client))
        return 2;
    return 0;
}

static void it_works_within_the_filter_of_system_calls(void **state)
{
    (void)state;
    if (is_under_valgrind())
        skip();
    assert_int_equal(scratch_run_child(serve_in_sandbox, NULL), 0);
    assert_int_equal(scratch_run_child(serve_another_family_in_sandbox, NULL), 0);
}

int main(void)
{
#define TEST(test)          cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define TEST_OF_LIMIT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down_limit)
    static const struct CMUnitTest tests[] = {
        TEST(each_request_gets_its_reply),
        TEST(a_request_may_come_in_parts),
        TEST(the_longest_request_is_answered),
        TEST(many_requests_may_come_at_once),
        TEST(what_was_asked_before_hanging_up_is_answered),
        TEST(malformed_ends_its_own_connection_only),
        TEST(a_stalled_request_is_given_up),
        TEST(a_dripping_request_is_given_up),
        TEST(an_idle_connection_is_closed_at_last),
        TEST(who_reads_late_gets_all_replies),
        TEST(replies_may_go_in_parts),
        TEST(who_does_not_read_is_given_up),
        TEST(one_too_many_closes_the_longest_idle),
        TEST(it_is_an_idle_one_even_if_others_stall),
        TEST(where_none_is_idle_it_is_the_one_that_stalled_first),
        TEST_OF_LIMIT(without_descriptors_it_does_not_try_again_at_once),
        TEST_OF_LIMIT(who_waits_for_a_descriptor_is_served_later),
        TEST_OF_LIMIT(most_descriptors_are_left_to_the_mail_path),
        TEST(without_a_socket_there_is_no_server),
        TEST(clients_wait_from_bind_to_start),
        TEST(a_stop_closes_all_and_removes_the_file),
        TEST(a_stale_socket_is_replaced),
        TEST(a_socket_in_use_is_left_alone),
        TEST(a_socket_of_systemd_is_served_and_stays),
        TEST(signals_of_the_program_are_not_for_its_thread),
        TEST(it_works_within_the_filter_of_system_calls),
    };

    log_open("test_socketmap_server", LOG_TO_NOBODY);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
