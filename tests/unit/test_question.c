/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/question.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* The servers asked, in their order, as digits; without EDNS behind a minus, where that is wanted.
 */
static const char *ask(struct question *question, bool with_edns)
{
    static char order[64];
    size_t count = 0;
    unsigned server;
    bool edns;

    while (question_is_open(question) && question_next(question, &server, &edns)) {
        if (with_edns && !edns)
            order[count++] = '-';
        order[count++] = (char)('0' + server);
    }
    assert_false(question_next(question, &server, &edns));
    order[count] = '\0';
    return order;
}

static const char *ask_all(struct question *question)
{
    return ask(question, false);
}

static void asks_the_silent_at_last_without_edns(void **state)
{
    struct question question;

    (void)state;
    question_init(&question, "a.example", DNS_MX, 2, 0);
    assert_string_equal(ask(&question, true), "0101-0-1");
    question_init(&question, "a.example", DNS_MX, 2, 0);
    question.plain = 1U << 1;
    assert_string_equal(ask(&question, true), "0-10-1-01");
}

static void asks_who_does_not_like_edns_once_without(void **state)
{
    struct question question;
    unsigned server, from;
    bool edns;

    (void)state;
    question_init(&question, "a.example", DNS_MX, 2, 0);
    assert_true(question_next(&question, &server, &edns) && server == 0 && edns);
    question_fail_edns(&question, 0);
    assert_true(question_next(&question, &server, &edns) && server == 0 && !edns);
    question_fail_edns(&question, 0);
    assert_string_equal(ask(&question, true), "11-1");
    assert_int_equal(question_give_up(&question, &from), DNS_REFUSED);
    assert_int_equal(from, 1);
}

static void asks_each_server_three_times(void **state)
{
    struct question question;

    (void)state;
    question_init(&question, "a.example", DNS_MX, 3, 0);
    assert_string_equal(ask_all(&question), "012012012");
    question_init(&question, "a.example", DNS_MX, 3, 2);
    assert_string_equal(ask_all(&question), "201201201");
}

static void asks_nobody_again_who_answered(void **state)
{
    static const enum dns_result answers[] = {DNS_SERVFAIL, DNS_REFUSED, DNS_MALFORMED};
    static const enum dns_result none[] = {DNS_TIMEOUT, DNS_UNREACHABLE};
    struct question question;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        question_init(&question, "a.example", DNS_MX, 2, 0);
        question_fail(&question, 0, answers[i]);
        assert_string_equal(ask_all(&question), "111");
    }
    for (size_t i = 0; i < 2; i++) {
        question_init(&question, "a.example", DNS_MX, 2, 0);
        question_fail(&question, 0, none[i]);
        assert_string_equal(ask_all(&question), "010101");
    }
}

static void asks_for_lower_case(void **state)
{
    struct question question;

    (void)state;
    question_init(&question, "A.Example", DNS_MX, 1, 0);
    assert_string_equal(question.name, "a.example");
}

static void asks_nobody_for_what_is_no_name(void **state)
{
    struct question question;
    unsigned from = 1;

    (void)state;
    question_init(&question, "a..example", DNS_MX, 2, 0);
    assert_string_equal(ask_all(&question), "");
    assert_int_equal(question_give_up(&question, &from), DNS_MALFORMED);
    assert_int_equal(from, 0);
}

static void begins_anew_with_an_alias(void **state)
{
    struct question question;

    (void)state;
    question_init(&question, "a.example", DNS_MX, 2, 0);
    question_fail(&question, 1, DNS_SERVFAIL);
    (void)ask_all(&question);
    question_follow(&question, "B.example", 2, 1);
    assert_string_equal(question.name, "b.example");
    assert_int_equal(question.aliases, 2);
    assert_string_equal(ask_all(&question), "101010");
}

static void blames_the_server_for_an_alias_that_is_no_name(void **state)
{
    struct question question;
    unsigned from = 0;

    (void)state;
    question_init(&question, "a.example", DNS_MX, 2, 0);
    question_follow(&question, "a\\.b", 1, 1);
    assert_string_equal(ask_all(&question), "");
    assert_int_equal(question_give_up(&question, &from), DNS_MALFORMED);
    assert_int_equal(from, 1U << 1);
}

/* reasons: of the servers 0, 1, 2; DNS_FOUND for one that was not asked. */
static const struct {
    enum dns_result reasons[3];
    enum dns_result result;
    unsigned from;
} rows[] = {
    {{DNS_TIMEOUT, DNS_TIMEOUT, DNS_TIMEOUT}, DNS_TIMEOUT, 7},
    {{DNS_TIMEOUT, DNS_FOUND, DNS_FOUND}, DNS_TIMEOUT, 1},
    {{DNS_FOUND, DNS_FOUND, DNS_FOUND}, DNS_TIMEOUT, 7},
    {{DNS_UNREACHABLE, DNS_UNREACHABLE, DNS_UNREACHABLE}, DNS_UNREACHABLE, 7},
    {{DNS_UNREACHABLE, DNS_TIMEOUT, DNS_UNREACHABLE}, DNS_TIMEOUT, 2},
    {{DNS_UNREACHABLE, DNS_TIMEOUT, DNS_SERVFAIL}, DNS_SERVFAIL, 4},
    {{DNS_SERVFAIL, DNS_REFUSED, DNS_SERVFAIL}, DNS_SERVFAIL, 5},
    {{DNS_MALFORMED, DNS_REFUSED, DNS_TIMEOUT}, DNS_REFUSED, 2},
    {{DNS_MALFORMED, DNS_TIMEOUT, DNS_TIMEOUT}, DNS_MALFORMED, 1},
};

static void tells_of_those_that_said_most(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct question question;
        unsigned from = 0;
        question_init(&question, "a.example", DNS_MX, 3, 0);
        for (unsigned server = 0; server < 3; server++) {
            unsigned asked = server;
            bool edns;
            if (rows[i].reasons[server] == DNS_FOUND)
                continue;
            question.first = server; /* so that it is this one's turn */
            question.turns = 0;
            assert_true(question_next(&question, &asked, &edns));
            assert_int_equal(asked, server);
            question_fail(&question, server, rows[i].reasons[server]);
        }
        assert_int_equal(question_give_up(&question, &from), rows[i].result);
        assert_int_equal(from, rows[i].from);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_each_server_three_times),
        cmocka_unit_test(asks_the_silent_at_last_without_edns),
        cmocka_unit_test(asks_who_does_not_like_edns_once_without),
        cmocka_unit_test(asks_nobody_again_who_answered),
        cmocka_unit_test(asks_for_lower_case),
        cmocka_unit_test(asks_nobody_for_what_is_no_name),
        cmocka_unit_test(begins_anew_with_an_alias),
        cmocka_unit_test(blames_the_server_for_an_alias_that_is_no_name),
        cmocka_unit_test(tells_of_those_that_said_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
