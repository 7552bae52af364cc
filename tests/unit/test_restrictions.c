/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/restrictions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void a_list_is_closed_if_only_known_clients_come_before_reject(void **state)
{
    static const struct {
        const char *list;
        bool closed;
    } examples[] = {
        {"", false},
        {"permit_mynetworks", false},
        {"permit_mynetworks, reject_unauth_destination", false},
        {"permit_mynetworks permit_sasl_authenticated,reject", true},
        {"reject", true},
        {"defer", true},
        {"defer_unauth_destination", false},
        {"reject_rbl_client a.example, reject_unknown_client_hostname, sleep 5, reject", true},
        {"permit, reject", false},
        {"permit_auth_destination, reject", false},
        {"check_client_access hash:/etc/postfix/clients, reject", false},
        {"some_class, reject", false},
        {"warn_if_reject reject", false},
        {"warn_if_reject reject, reject", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        assert_int_equal(restrictions_are_closed(examples[i].list), examples[i].closed);
}

static bool is_check(void *context, const struct postfix_map *map)
{
    return strcmp(map->name, context) == 0;
}

static void a_restriction_is_found_with_what_permits_before_it(void **state)
{
    static const struct {
        const char *list;
        const char *permit; /* NULL: not found */
    } examples[] = {
        {"check_recipient_access socketmap:unix:s:check", ""},
        {"reject_x, check_recipient_access\tsocketmap:unix:s:check, permit", ""},
        {"permit_a, permit_b, check_recipient_access socketmap:unix:s:check", "permit_a"},
        {"check_recipient_access pipemap:{regexp:{{/^b/ x}}, socketmap:unix:s:check}", ""},
        {"check_recipient_access socketmap:unix:s:other", NULL},
        {"check_sender_access socketmap:unix:s:check", NULL},
        {"check_recipient_access hash:x, socketmap:unix:s:check", NULL},
        {"socketmap:unix:s:check", NULL},
        {"", NULL},
    };
    struct restriction found;

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        bool there = restrictions_find(examples[i].list, "check_recipient_access", is_check,
                                       (char[]){"check"}, &found);
        assert_int_equal(there, examples[i].permit != NULL);
        if (there)
            assert_string_equal(found.permit, examples[i].permit);
    }
}

static void lists_are_equal_whatever_their_spaces_are(void **state)
{
    static const char list[] = "check_sender_access inline:{<>=OK}, reject";

    (void)state;
    assert_true(restrictions_equal(list, list));
    assert_true(restrictions_equal(list, " check_sender_access\tinline:{ <> = OK } ,, reject "));
    assert_false(restrictions_equal(list, "check_sender_access inline:{<>=OK}"));
    assert_false(restrictions_equal("check_sender_access inline:{<>=OK}", list));
    assert_false(restrictions_equal(list, "check_sender_access inline:{x=OK}, reject"));
    assert_false(restrictions_equal(list, ""));
    assert_true(restrictions_equal("", ","));
}

static void a_list_has_whole_words(void **state)
{
    (void)state;
    assert_true(restrictions_have("a, b", "b"));
    assert_false(restrictions_have("a, bb", "b"));
    assert_false(restrictions_have("", "b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_is_closed_if_only_known_clients_come_before_reject),
        cmocka_unit_test(a_restriction_is_found_with_what_permits_before_it),
        cmocka_unit_test(lists_are_equal_whatever_their_spaces_are),
        cmocka_unit_test(a_list_has_whole_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
