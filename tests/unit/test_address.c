/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static bool is_public(const char *text)
{
    struct addresses addresses = {.count = 0};

    assert_true(addresses_add(&addresses, text));
    return address_is_public(&addresses.list[0]);
}

static void what_the_world_can_know_is_public(void **state)
{
    static const char *const open[] = {"192.0.2.1",   "172.15.0.1",  "172.32.0.1", "100.63.0.1",
                                       "100.128.0.1", "192.167.0.1", "2001:db8::1"};
    static const char *const closed[] = {"127.0.0.1",   "10.1.2.3",    "172.16.0.1", "172.31.255.1",
                                         "192.168.1.1", "169.254.1.1", "100.64.0.1", "100.127.0.1",
                                         "224.0.0.1",   "0.0.0.0",     "::1",        "fe80::1",
                                         "fd00::1",     "ff02::1"};

    (void)state;
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        assert_true(is_public(open[i]));
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        assert_false(is_public(closed[i]));
}

static void addresses_are_taken_once_and_only_so_many(void **state)
{
    struct addresses addresses = {.count = 0};
    char text[32];

    (void)state;
    assert_false(addresses_add(&addresses, "192.0.2"));
    assert_false(addresses_add(&addresses, "192.0.2.0/24"));
    assert_false(addresses_add(&addresses, "mx.example"));
    assert_true(addresses_add(&addresses, "2001:DB8:0::1"));
    assert_true(addresses_add(&addresses, "2001:db8::1"));
    assert_int_equal(addresses.count, 1);
    assert_string_equal(addresses.list[0].text, "2001:db8::1");
    for (unsigned i = 1; i < ADDRESSES_MAX; i++) {
        (void)snprintf(text, sizeof text, "192.0.2.%u", i);
        assert_true(addresses_add(&addresses, text));
    }
    assert_false(addresses_add(&addresses, "192.0.2.250"));
    assert_true(addresses_add(&addresses, "192.0.2.1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_world_can_know_is_public),
        cmocka_unit_test(addresses_are_taken_once_and_only_so_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
