/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/domain_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void each_once_while_there_is_room(void **state)
{
    struct domain_list list = {.count = 0};
    char name[32];

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < DOMAIN_LIST_MAX; i++) {
            (void)snprintf(name, sizeof name, "i%d.example", i);
            domain_list_add(&list, name);
        }
        assert_int_equal(list.count, DOMAIN_LIST_MAX);
        assert_false(list.is_cut);
    }
    domain_list_add(&list, "more.example");
    assert_true(list.is_cut);
    domain_list_add(&list, "i0.example");
    assert_true(list.is_cut);
    assert_int_equal(list.count, DOMAIN_LIST_MAX);
    assert_string_equal(list.names[0], "i0.example");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_once_while_there_is_room)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
