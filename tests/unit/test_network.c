/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static void reads_networks_and_writes_them_out(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *written; /* NULL: refused */
    } rows[] = {
        {"192.0.2.0/24", "192.0.2.0/24"},
        {"192.0.2.1", "192.0.2.1/32"},
        {"192.0.2.1/32", "192.0.2.1/32"},
        {"192.0.2.128/25", "192.0.2.128/25"},
        {"0.0.0.0/0", "0.0.0.0/0"},
        {"10.0.0.0/8", "10.0.0.0/8"},
        {"2001:db8::/32", "2001:db8::/32"},
        {"2001:DB8::1", "2001:db8::1/128"},
        {"::/0", "::/0"},
        {"::1/128", "::1/128"},
        {"::ffff:192.0.2.0/120", "192.0.2.0/24"},
        {"::ffff:0.0.0.0/96", "0.0.0.0/0"},
        {"192.0.2.1/24", NULL},
        {"192.0.2.1/31", NULL},
        {"192.0.2.0/33", NULL},
        {"128.0.0.0/0", NULL},
        {"2001:db8::1/32", NULL},
        {"2001:db8::/129", NULL},
        {"::1/127", NULL},
        {"192.0.2.0/", NULL},
        {"192.0.2.0/ 24", NULL},
        {"192.0.2.0/+24", NULL},
        {"192.0.2.0/-1", NULL},
        {"192.0.2.0/24x", NULL},
        {"192.0.2.0/24/24", NULL},
        {"192.0.2.0/255.255.255.0", NULL},
        {"192.0.2.0/18446744073709551640", NULL},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {" 192.0.2.1", NULL},
        {"192.0.2.1 ", NULL},
        {"2001:db8:::1", NULL},
        {"[::1]", NULL},
        {"IPv6:::1", NULL},
        {"localhost", NULL},
        {"/8", NULL},
        {"", NULL},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/8", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct network network;
        struct failure why = {.text = ""};
        char out[NETWORK_TEXT_SIZE];
        bool worked = network_parse(&network, rows[i].text, &why);
        if (worked != (rows[i].written != NULL))
            fail_msg("\"%s\": %s", rows[i].text, worked ? "taken" : why.text);
        if (worked) {
            network_format(&network, out);
            assert_string_equal(out, rows[i].written);
        } else {
            assert_int_equal(why.exit_code, EX_CONFIG);
            assert_non_null(strstr(why.text, rows[i].text));
        }
    }
}

static void writes_the_longest_address(void **state)
{
    (void)state;
    struct network network;
    struct failure why;
    char out[NETWORK_TEXT_SIZE];

    assert_true(network_parse(&network, "1111:2222:3333:4444:5555:6666:7777:8888/128", &why));
    network_format(&network, out);
    assert_string_equal(out, "1111:2222:3333:4444:5555:6666:7777:8888/128");
    assert_true(network_parse(&network, "1111:2222:3333:4444:5555:6666:111.112.113.114", &why));
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    struct network network;
    struct failure why;

    assert_false(network_parse(&network, "192.0.2.1/24", &why));
    assert_string_equal(why.text, "\"192.0.2.1/24\" has bits set after its prefix");
    assert_false(network_parse(&network, "x", &why));
    assert_string_equal(why.text, "\"x\" is not an IP network");
}

static void holds_clients_as_mtas_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *network;
        const char *client;
        bool holds;
    } rows[] = {
        {"192.0.2.0/24", "192.0.2.0", true},
        {"192.0.2.0/24", "192.0.2.255", true},
        {"192.0.2.0/24", "192.0.3.0", false},
        {"192.0.2.0/24", "192.0.1.255", false},
        {"192.0.2.0/25", "192.0.2.127", true},
        {"192.0.2.0/25", "192.0.2.128", false},
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.0", false},
        {"0.0.0.0/0", "255.255.255.255", true},
        {"0.0.0.0/0", "::1", false},
        {"192.0.2.0/24", "::ffff:192.0.2.7", true},
        {"192.0.2.0/24", "IPv6:::ffff:192.0.2.7", true},
        {"2001:db8::/32", "2001:db8:ffff::1", true},
        {"2001:db8::/32", "IPv6:2001:db8::1", true},
        {"2001:db8::/32", "ipv6:2001:DB8::1", true},
        {"2001:db8::/32", "2001:db9::1", false},
        {"2001:db8::/33", "2001:db8:7fff::", true},
        {"2001:db8::/33", "2001:db8:8000::", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "192.0.2.1", false},
        {"::/0", "::ffff:192.0.2.1", false},
        {"0.0.0.0/0", "192.0.2.1", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::1", "::1", true},
        {"::1", "127.0.0.1", false},
        {"::/0", "", false},
        {"::/0", "IPv6:", false},
        {"::/0", "localhost", false},
        {"::/0", "unknown", false},
        {"::/0", "[::1]", false},
        {"::/0", "192.0.2.1 ", false},
        {"::/0", "192.0.2.1/32", false},
        {"::/0", "fe80::1%eth0", false},
        {"::/0", NULL, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct network network;
        struct failure why;
        assert_true(network_parse(&network, rows[i].network, &why));
        if (network_contains(&network, 1, rows[i].client) != rows[i].holds)
            fail_msg("%s in %s", rows[i].client, rows[i].network);
    }
}

static void looks_at_each_network_of_the_list(void **state)
{
    (void)state;
    struct network networks[2];
    struct failure why;

    assert_true(network_parse(&networks[0], "127.0.0.0/8", &why));
    assert_true(network_parse(&networks[1], "::1", &why));
    assert_true(network_contains(networks, 2, "127.0.0.1"));
    assert_true(network_contains(networks, 2, "IPv6:::1"));
    assert_false(network_contains(networks, 1, "::1"));
    assert_false(network_contains(networks, 0, "127.0.0.1"));
    assert_false(network_contains(networks, 2, "192.0.2.1"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_networks_and_writes_them_out),
        cmocka_unit_test(writes_the_longest_address),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(holds_clients_as_mtas_write_them),
        cmocka_unit_test(looks_at_each_network_of_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
