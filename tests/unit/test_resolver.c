/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/resolver.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

/* A server that answers when it is told to. */
struct fixture {
    int socket;
    char server[32];
    struct dns_resolver *resolver;
    unsigned answers;
    enum dns_result result;
    unsigned again; /* questions that the next answers ask */
};

static void open_resolver(struct fixture *fixture, int64_t timeout)
{
    const char *const servers[] = {fixture->server};
    const struct dns_settings settings = {servers, 1, timeout, 0, NULL};
    struct failure why;

    assert_true(dns_open(&fixture->resolver, &settings, &why));
}

static int set_up(void **state)
{
    static struct fixture fixture;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;

    fixture = (struct fixture){.socket = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
    *state = &fixture;
    if (bind(fixture.socket, (const struct sockaddr *)&address, size) != 0 ||
        getsockname(fixture.socket, (struct sockaddr *)&address, &size) != 0)
        return -1;
    (void)snprintf(fixture.server, sizeof fixture.server, "127.0.0.1:%u", ntohs(address.sin_port));
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    dns_close(fixture->resolver);
    return close(fixture->socket);
}

/* Says NXDOMAIN to what is waiting. */
static unsigned serve(const struct fixture *fixture)
{
    unsigned char octets[512];
    struct sockaddr_in peer;
    socklen_t size = sizeof peer;
    unsigned count = 0;
    ssize_t length;

    while ((length = recvfrom(fixture->socket, octets, sizeof octets, 0, (struct sockaddr *)&peer,
                              &size)) > 0) {
        octets[2] = 0x84;
        octets[3] = 3;
        assert_int_equal(sendto(fixture->socket, octets, (size_t)length, 0,
                                (const struct sockaddr *)&peer, size),
                         length);
        count++;
    }
    return count;
}

static void count_answer(void *context, const struct dns_answer *answer)
{
    struct fixture *fixture = context;

    fixture->answers++;
    fixture->result = answer->result;
    if (fixture->again > 0) {
        fixture->again--;
        assert_true(dns_ask(fixture->resolver, "again.example", DNS_A, count_answer, fixture));
    }
}

static void ask(struct fixture *fixture, const char *name)
{
    assert_true(dns_ask(fixture->resolver, name, DNS_MX, count_answer, fixture));
}

static void calls_nobody_after_close(void **state)
{
    struct fixture *fixture = *state;

    open_resolver(fixture, 10000);
    for (int i = 0; i < 300; i++)
        ask(fixture, "a.example");
    for (int i = 0; i < 10; i++)
        dns_run(fixture->resolver, 0);
    ask(fixture, "unsent.example");
    assert_int_equal(dns_open_questions(fixture->resolver), 301);
    dns_close(fixture->resolver);
    fixture->resolver = NULL;
    assert_int_equal(fixture->answers, 0);
}

/* The attempts of questions that ended are still open then. */
static void closes_with_late_attempts(void **state)
{
    struct fixture *fixture = *state;

    open_resolver(fixture, 30);
    ask(fixture, "a.example");
    while (fixture->answers == 0)
        dns_run(fixture->resolver, 1000);
    assert_int_equal(fixture->result, DNS_TIMEOUT);
    assert_int_equal(dns_open_questions(fixture->resolver), 0);
}

static void answers_only_from_within_run(void **state)
{
    struct fixture *fixture = *state;

    open_resolver(fixture, 10000);
    ask(fixture, "..");
    assert_int_equal(fixture->answers, 0);
    assert_int_equal(dns_open_questions(fixture->resolver), 1);
    dns_run(fixture->resolver, 10000);
    assert_int_equal(fixture->answers, 1);
    assert_int_equal(fixture->result, DNS_MALFORMED);
    dns_run(fixture->resolver, 60000); /* at once */
    assert_int_equal(fixture->answers, 1);
}

static void takes_questions_from_an_answer(void **state)
{
    struct fixture *fixture = *state;

    open_resolver(fixture, 10000);
    fixture->again = 600; /* more than a channel gets */
    ask(fixture, "a.example");
    while (dns_open_questions(fixture->resolver) > 0) {
        dns_run(fixture->resolver, 1);
        (void)serve(fixture);
    }
    assert_int_equal(fixture->answers, 601);
    assert_int_equal(fixture->result, DNS_NXDOMAIN);
}

/* Every attempt of a question is answered, the late ones after it ended. */
static void answers_once(void **state)
{
    struct fixture *fixture = *state;

    open_resolver(fixture, 3000);
    ask(fixture, "a.example");
    dns_run(fixture->resolver, 0);
    usleep(1100 * 1000);
    dns_run(fixture->resolver, 0);
    dns_run(fixture->resolver, 0);
    assert_int_equal(serve(fixture), 2);
    for (int i = 0; i < 5; i++)
        dns_run(fixture->resolver, 10);
    assert_int_equal(fixture->answers, 1);
    assert_int_equal(fixture->result, DNS_NXDOMAIN);
}

static void fails_for_what_is_no_server(void **state)
{
    const char *const servers[] = {"192.0.2.1", "nowhere",   "192.0.2.1",
                                   "192.0.2.1", "192.0.2.1", "192.0.2.1"};
    struct dns_settings settings = {servers, 2, 1000, 0, NULL};
    struct dns_resolver *resolver;
    struct failure why;

    (void)state;
    assert_false(dns_open(&resolver, &settings, &why));
    assert_int_equal(why.exit_code, EX_CONFIG);
    assert_string_equal(why.text, "\"nowhere\" is no nameserver");
    settings.server_count = 6;
    assert_false(dns_open(&resolver, &settings, &why));
    assert_int_equal(why.exit_code, EX_CONFIG);
    assert_null(resolver);
    dns_close(NULL);
}

static void knows_the_servers_of_the_system(void **state)
{
    struct fixture *fixture = *state;
    const struct dns_settings settings = {NULL, 0, 1, 0, NULL};
    struct failure why;
    const struct dns_answer *answer;

    assert_true(dns_open(&fixture->resolver, &settings, &why));
    answer = dns_lookup(fixture->resolver, "a.invalid", DNS_MX);
    assert_non_null(strchr(answer->servers, ':'));
}

/* --- the nameservers of the system change --- */

static char conf_path[] = "/tmp/test_resolver-XXXXXX";

static void write_conf(const char *text)
{
    FILE *out = fopen(conf_path, "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

static void write_server(const struct fixture *fixture)
{
    char text[64];

    (void)snprintf(text, sizeof text, "nameserver %s\n", fixture->server);
    write_conf(text);
}

static void open_system(struct fixture *fixture)
{
    const struct dns_settings settings = {NULL, 0, 10000, 0, conf_path};
    struct failure why;

    assert_true(dns_open(&fixture->resolver, &settings, &why));
}

static void answer_one(struct fixture *fixture)
{
    unsigned before = fixture->answers;

    ask(fixture, "a.example");
    for (int i = 0; i < 1000 && fixture->answers == before; i++) {
        dns_run(fixture->resolver, 10);
        (void)serve(fixture);
    }
    assert_int_equal(fixture->answers, before + 1);
    assert_int_equal(fixture->result, DNS_NXDOMAIN);
}

/* After the time in which it may not be seen yet. */
static void expect_news(struct fixture *fixture, const char *servers)
{
    char text[DNS_NEWS_SIZE], expected[DNS_NEWS_SIZE];

    usleep(1100 * 1000);
    (void)dns_wait(fixture->resolver);
    assert_int_equal(dns_take_news(fixture->resolver, text), servers != NULL);
    (void)snprintf(expected, sizeof expected, "%s has the nameservers %s", conf_path, servers);
    if (servers != NULL)
        assert_string_equal(text, expected);
    assert_false(dns_take_news(fixture->resolver, text));
}

static void follows_the_nameservers_of_the_system(void **state)
{
    struct fixture *fixture = *state;
    char text[DNS_NEWS_SIZE];

    write_conf(""); /* as at boot */
    open_system(fixture);
    assert_false(dns_take_news(fixture->resolver, text));
    write_server(fixture);
    expect_news(fixture, fixture->server);
    answer_one(fixture);
    write_server(fixture);
    expect_news(fixture, NULL);
    write_conf("# nothing\n");
    expect_news(fixture, NULL);
    answer_one(fixture);
    assert_int_equal(unlink(conf_path), 0);
    expect_news(fixture, NULL);
    answer_one(fixture);
    write_conf("nameserver fe80::1\nnameserver 192.0.2.1\n");
    expect_news(fixture, "192.0.2.1:53; not \"fe80::1\", which is no nameserver");
}

static void asks_others_when_what_is_open_has_ended(void **state)
{
    struct fixture *fixture = *state;

    write_server(fixture);
    open_system(fixture);
    ask(fixture, "a.example");
    dns_run(fixture->resolver, 0);
    write_conf("nameserver 192.0.2.1\n");
    expect_news(fixture, NULL);
    assert_true(dns_wait(fixture->resolver) > 0);
    while (fixture->answers == 0) {
        (void)serve(fixture);
        dns_run(fixture->resolver, 10);
    }
    assert_int_equal(fixture->result, DNS_NXDOMAIN);
    assert_int_equal(dns_wait(fixture->resolver), 0);
    expect_news(fixture, "192.0.2.1:53");
}

static int make_conf(void **state)
{
    (void)strcpy(conf_path + strlen(conf_path) - 6, "XXXXXX");
    return close(mkstemp(conf_path)) == 0 ? set_up(state) : -1;
}

static int remove_conf(void **state)
{
    return unlink(conf_path) == 0 ? tear_down(state) : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(calls_nobody_after_close, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closes_with_late_attempts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_only_from_within_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_questions_from_an_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fails_for_what_is_no_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(knows_the_servers_of_the_system, set_up, tear_down),
        cmocka_unit_test_setup_teardown(follows_the_nameservers_of_the_system, make_conf,
                                        remove_conf),
        cmocka_unit_test_setup_teardown(asks_others_when_what_is_open_has_ended, make_conf,
                                        remove_conf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
