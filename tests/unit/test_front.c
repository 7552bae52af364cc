/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The front as libmilter calls it: accept, poll, read and close are those of milter/front.c. The
 * peer writes as an MTA does.
 */
#include "milter/front.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { SILENT = 0xff080 | 0x10, FOR_EVER = 1000 * 1000, WANTED_SIZE = 400 * 1024 };

#define TEXT(text)      text, sizeof text - 1
#define NEGOTIATION     "\0\0\0\15O\0\0\0\6\0\0\1\377\0\37\377\377"
#define OLD_NEGOTIATION "\0\0\0\15O\0\0\0\2\0\0\1\377\0\0\0\0"
#define CONNECT_MACROS  "\0\0\0\2DC"
#define MAIL            "\0\0\0\5DMi\0\0\0\0\0\7M<a@b>\0"
#define RECIPIENT       "\0\0\0\2DR\0\0\0\4R<>\0"
#define HEADER_MACROS   "\0\0\0\2DL"
#define FROM            "\0\0\0\10LFrom\0a\0"
#define TO              "\0\0\0\6LTo\0a\0"
#define END             "\0\0\0\2DE\0\0\0\1E"
#define ABORT           "\0\0\0\1A"

static int listener;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int troubles[FRONT_NO_MEMORY + 1];
static char received[WANTED_SIZE];

static bool wants_from(const char *name)
{
    return strcasecmp(name, "From") == 0;
}

static void count_trouble(enum front_trouble trouble, const char *text)
{
    assert_non_null(text);
    troubles[trouble]++;
}

static const struct front_policy policy = {SILENT, wants_from, count_trouble};
static const struct front_limits patient = {100, FOR_EVER, FOR_EVER, FOR_EVER, FOR_EVER};

static int setup(void **state)
{
    (void)state;
    memset(troubles, 0, sizeof troubles);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    (void)snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "test_front-%ld",
                   (long)getpid());
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 100) != 0)
        return 1;
    front_use(listener, &policy, &patient);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return close(listener);
}

/* --- the two sides --- */

static int connect_peer(void)
{
    int peer = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_int_equal(connect(peer, (const struct sockaddr *)&address, sizeof address), 0);
    return peer;
}

static int accept_connection(void)
{
    return accept(listener, NULL, NULL);
}

static void say(int peer, const char *octets, size_t length)
{
    assert_int_equal(send(peer, octets, length, MSG_NOSIGNAL), length);
}

static bool is_readable(int connection, int milliseconds)
{
    struct pollfd one = {.fd = connection, .events = POLLIN};
    int count = poll(&one, 1, milliseconds);

    assert_in_range(count, 0, 1);
    assert_int_equal(one.revents, count == 1 ? POLLIN : 0);
    return count == 1;
}

/* As libmilter reads: five octets, then the rest of the packet, and never more than there is. */
static size_t read_packets(int connection, size_t already)
{
    while (is_readable(connection, 0)) {
        ssize_t count = read(connection, received + already, 5);

        if (count == 0)
            return already;
        assert_int_equal(count, 5);
        size_t rest =
            ((unsigned char)received[already + 1] << 16 |
             (unsigned char)received[already + 2] << 8 | (unsigned char)received[already + 3]) -
            1U;
        already += 5;
        while (rest > 0) {
            assert_true(is_readable(connection, 0));
            count = read(connection, received + already, rest);
            assert_true(count > 0);
            already += (size_t)count;
            rest -= (size_t)count;
        }
    }
    return already;
}

static void expect_octets(size_t count, const char *octets, size_t length)
{
    assert_int_equal(count, length);
    assert_memory_equal(received, octets, length);
}

static void expect_end(int connection)
{
    char octet;

    assert_true(is_readable(connection, FOR_EVER));
    assert_int_equal(read(connection, &octet, 1), 0);
}

/* --- what goes through --- */

static void wakes_at_the_end_of_a_message(void **state)
{
    int peer = connect_peer();
    int connection = accept_connection();

    (void)state;
    assert_false(is_readable(connection, 0));
    say(peer, TEXT(NEGOTIATION));
    expect_octets(read_packets(connection, 0), TEXT(NEGOTIATION));
    for (int i = 0; i < 3; i++) {
        say(peer, TEXT(CONNECT_MACROS MAIL RECIPIENT));
        assert_false(is_readable(connection, 0));
        say(peer, TEXT(HEADER_MACROS TO HEADER_MACROS FROM HEADER_MACROS TO));
        assert_false(is_readable(connection, 0));
        say(peer, TEXT(END));
        expect_octets(read_packets(connection, 0), TEXT(CONNECT_MACROS MAIL RECIPIENT FROM END));
        say(peer, TEXT(ABORT));
        assert_false(is_readable(connection, 0));
    }
    assert_true(front_is_in_effect());
    say(peer, TEXT(MAIL ABORT));
    expect_octets(read_packets(connection, 0), TEXT(MAIL ABORT));
    (void)close(peer);
    expect_end(connection);
    assert_int_equal(close(connection), 0);
    assert_int_equal(close(connection), -1);
}

static void is_the_same_however_the_octets_come(void **state)
{
    static const char all[] =
        NEGOTIATION MAIL HEADER_MACROS FROM HEADER_MACROS TO RECIPIENT END ABORT MAIL FROM TO END
        "\0\0\0\1Q";
    static const char wanted[] = NEGOTIATION MAIL FROM RECIPIENT END MAIL FROM END "\0\0\0\1Q";

    (void)state;
    for (size_t step = 1; step < sizeof all; step++) {
        int peer = connect_peer();
        int connection = accept_connection();
        size_t count = 0;

        for (size_t i = 0; i < sizeof all - 1; i += step) {
            size_t rest = sizeof all - 1 - i;
            say(peer, all + i, rest < step ? rest : step);
            count = read_packets(connection, count);
        }
        expect_octets(count, TEXT(wanted));
        (void)close(peer);
        (void)close(connection);
    }
}

static void an_mta_that_waits_is_read_packet_by_packet(void **state)
{
    int peer = connect_peer();
    int connection = accept_connection();

    (void)state;
    say(peer, TEXT(OLD_NEGOTIATION));
    expect_octets(read_packets(connection, 0), TEXT(OLD_NEGOTIATION));
    say(peer, TEXT(MAIL));
    expect_octets(read_packets(connection, 0), TEXT(MAIL));
    say(peer, TEXT(HEADER_MACROS TO));
    expect_octets(read_packets(connection, 0), TEXT(HEADER_MACROS TO));
    say(peer, TEXT("\0\0\0\5Babcd"));
    expect_octets(read_packets(connection, 0), TEXT("\0\0\0\5Babcd"));
    (void)close(peer);
    (void)close(connection);
}

/* More than a buffer has room for goes on before its end is there. */
static void a_long_message_keeps_its_order(void **state)
{
    static char field[60000 + 4] = "\0\0\352\140LFrom\0";
    int peer = connect_peer();
    int connection = accept_connection();
    size_t count;

    (void)state;
    memset(field + 10, 'x', sizeof field - 11);
    say(peer, TEXT(NEGOTIATION));
    (void)read_packets(connection, 0);
    say(peer, TEXT(MAIL));
    count = 0;
    for (int i = 0; i < 5; i++) {
        field[10] = (char)('0' + i);
        for (size_t sent = 0; sent < sizeof field; sent += 1000) {
            say(peer, field + sent, sizeof field - sent < 1000 ? sizeof field - sent : 1000);
            count = read_packets(connection, count);
        }
    }
    assert_true(count > 3 * sizeof field);
    say(peer, TEXT(END));
    count = read_packets(connection, count);
    assert_int_equal(count, sizeof MAIL - 1 + 5 * sizeof field + sizeof END - 1);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(received[sizeof MAIL - 1 + i * sizeof field + 10], '0' + (int)i);
    (void)close(peer);
    (void)close(connection);
}

static void leaves_other_descriptors_alone(void **state)
{
    int ends[2];
    char octet;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_false(is_readable(ends[0], 0));
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_true(is_readable(ends[0], 0));
    assert_int_equal(read(ends[0], &octet, 1), 1);
    assert_int_equal(octet, 'x');
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(read(ends[0], &octet, 1), 0);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[0]), -1);
    assert_int_equal(errno, EBADF);
}

static void no_connection_keeps_out_the_others(void **state)
{
    int peers[3], connections[3];
    struct pollfd all[4];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < 3; i++) {
        peers[i] = connect_peer();
        connections[i] = accept_connection();
        all[i] = (struct pollfd){.fd = connections[i], .events = POLLIN};
    }
    all[3] = (struct pollfd){.fd = ends[0], .events = POLLIN};
    say(peers[0], TEXT(NEGOTIATION));
    assert_true(is_readable(connections[0], 0)); /* now it is buffered */
    say(peers[1], TEXT(NEGOTIATION));
    say(peers[2], "\0\0\0", 3);
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(poll(all, 4, FOR_EVER), 3);
    assert_int_equal(all[0].revents, POLLIN);
    assert_int_equal(all[1].revents, POLLIN);
    assert_int_equal(all[2].revents, 0);
    assert_int_equal(all[3].revents, POLLIN);
    for (int i = 0; i < 3; i++) {
        (void)close(peers[i]);
        (void)close(connections[i]);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Writing is libmilter's own. */
static void can_be_written_to(void **state)
{
    int peer = connect_peer();
    int connection = accept_connection();
    struct pollfd one = {.fd = connection, .events = POLLOUT};
    char octet;

    (void)state;
    assert_int_equal(poll(&one, 1, FOR_EVER), 1);
    assert_int_equal(one.revents, POLLOUT);
    assert_int_equal(write(connection, "c", 1), 1);
    assert_int_equal(recv(peer, &octet, 1, 0), 1);
    (void)close(peer);
    (void)close(connection);
}

/* --- who is not listened to --- */

static void a_bad_packet_ends_its_connection(void **state)
{
    int peer = connect_peer();
    int connection = accept_connection();

    (void)state;
    say(peer, TEXT(NEGOTIATION));
    (void)read_packets(connection, 0);
    say(peer, TEXT(MAIL "\0\0\0\4DCj\0" END));
    expect_end(connection);
    assert_int_equal(troubles[FRONT_BAD_PACKET], 1);
    (void)close(peer);
    (void)close(connection);
}

static void who_is_slow_is_given_up(void **state)
{
    static const struct {
        struct front_limits limits;
        const char *octets;
        size_t length;
    } slow[] = {
        {{100, 1, FOR_EVER, FOR_EVER, FOR_EVER}, "", 0},
        {{100, 1, FOR_EVER, FOR_EVER, FOR_EVER}, "\0\0", 2},
        {{100, FOR_EVER, 1, FOR_EVER, FOR_EVER}, TEXT(NEGOTIATION MAIL "\0\0")},
        {{100, FOR_EVER, FOR_EVER, 1, FOR_EVER}, TEXT(NEGOTIATION MAIL)},
        {{100, FOR_EVER, FOR_EVER, 1, FOR_EVER}, TEXT(NEGOTIATION)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof slow / sizeof *slow; i++) {
        int peer = connect_peer();
        int connection = accept_connection();

        front_use(listener, &policy, &patient);
        if (slow[i].length > 0)
            say(peer, slow[i].octets, slow[i].length);
        (void)read_packets(connection, 0);
        assert_int_equal(troubles[FRONT_TOO_SLOW], i);
        front_use(listener, &policy, &slow[i].limits);
        while (!is_readable(connection, 1))
            continue;
        expect_end(connection);
        assert_int_equal(troubles[FRONT_TOO_SLOW], i + 1);
        (void)close(peer);
        (void)close(connection);
    }
}

static void the_one_that_is_silent_goes_for_a_new_one(void **state)
{
    static const struct front_limits two = {2, FOR_EVER, FOR_EVER, FOR_EVER, -1};
    int peers[4], connections[4];

    (void)state;
    front_use(listener, &policy, &two);
    for (int i = 0; i < 2; i++) {
        peers[i] = connect_peer();
        connections[i] = accept_connection();
        assert_true(connections[i] >= 0);
    }
    say(peers[0], TEXT(NEGOTIATION));
    (void)read_packets(connections[0], 0);
    /* The second one never negotiated. */
    peers[2] = connect_peer();
    connections[2] = accept_connection();
    assert_true(connections[2] >= 0);
    expect_end(connections[1]);
    (void)close(connections[1]);
    assert_false(is_readable(connections[0], 0));
    assert_int_equal(troubles[FRONT_TOO_MANY], 1);
    /* Who is in the middle of a message stays. */
    say(peers[0], TEXT(MAIL));
    assert_false(is_readable(connections[0], 0));
    say(peers[2], TEXT(NEGOTIATION MAIL));
    (void)read_packets(connections[2], 0);
    peers[3] = connect_peer();
    assert_int_equal(accept_connection(), -1);
    assert_int_equal(errno, ECONNABORTED);
    assert_int_equal(troubles[FRONT_TOO_MANY], 2);
    for (int i = 0; i < 4; i++)
        (void)close(peers[i]);
    (void)close(connections[0]);
    (void)close(connections[2]);
}

int main(void)
{
#define UNIT_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        UNIT_TEST(wakes_at_the_end_of_a_message),
        UNIT_TEST(is_the_same_however_the_octets_come),
        UNIT_TEST(an_mta_that_waits_is_read_packet_by_packet),
        UNIT_TEST(a_long_message_keeps_its_order),
        UNIT_TEST(leaves_other_descriptors_alone),
        UNIT_TEST(no_connection_keeps_out_the_others),
        UNIT_TEST(can_be_written_to),
        UNIT_TEST(a_bad_packet_ends_its_connection),
        UNIT_TEST(who_is_slow_is_given_up),
        UNIT_TEST(the_one_that_is_silent_goes_for_a_new_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
