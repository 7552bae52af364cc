/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static const struct {
    const char *text;
    const char *written; /* NULL: refused */
} rows[] = {
    {"192.0.2.1", "192.0.2.1:53"},
    {"192.0.2.1:5353", "192.0.2.1:5353"},
    {"192.0.2.1:65535", "192.0.2.1:65535"},
    {"2001:DB8::1", "[2001:db8::1]:53"},
    {"[::1]", "[::1]:53"},
    {"[::1]:5353", "[::1]:5353"},
    {"::", "[::]:53"},
    {"1111:2222:3333:4444:5555:6666:7777:8888", "[1111:2222:3333:4444:5555:6666:7777:8888]:53"},
    {"", NULL},
    {"localhost", NULL},
    {"192.0.2", NULL},
    {"192.0.2.256", NULL},
    {"192.0.2.1:", NULL},
    {"192.0.2.1:0", NULL},
    {"192.0.2.1:65536", NULL},
    {"192.0.2.1:184467440737095516", NULL},
    {"192.0.2.1:+53", NULL},
    {"192.0.2.1:53 ", NULL},
    {" 192.0.2.1", NULL},
    {"192.0.2.1,192.0.2.2", NULL},
    {"[192.0.2.1]:53", NULL},
    {"[::1", NULL},
    {"[::1]53", NULL},
    {"[]:53", NULL},
    {"fe80::1%eth0", "[fe80::1%eth0]:53"},
    {"[fe80::1%eth0.17]:5353", "[fe80::1%eth0.17]:5353"},
    {"febf:2222:3333:4444:5555:6666:7777:8888%a23456789012345",
     "[febf:2222:3333:4444:5555:6666:7777:8888%a23456789012345]:53"},
    {"fe80::1%a234567890123456", NULL},
    {"fe80::1", NULL},
    {"fe80::1%", NULL},
    {"192.0.2.1%eth0", NULL},
    {"::1%lo", NULL},
    {"1111:2222:3333:4444:5555:6666:7777:8888:9999:0000:1111:2222", NULL},
};

static void reads_servers_and_writes_them_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct server server;
        struct failure why;
        print_message("%s\n", rows[i].text);
        assert_int_equal(server_parse(&server, rows[i].text, &why), rows[i].written != NULL);
        if (rows[i].written != NULL)
            assert_string_equal(server.text, rows[i].written);
        else
            assert_int_equal(why.exit_code, EX_CONFIG);
    }
}

static void knows_the_number_of_the_interface_when_it_is_there(void **state)
{
    struct sockaddr_storage address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
    struct server server;
    struct failure why;

    (void)state;
    assert_true(server_parse(&server, "fe80::1%lo", &why));
    assert_int_equal(server_address(&server, &address), sizeof *v6);
    assert_int_equal(v6->sin6_scope_id, if_nametoindex("lo"));
    assert_true(server_parse(&server, "fe80::1%none0", &why));
    (void)server_address(&server, &address);
    assert_int_equal(v6->sin6_scope_id, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_servers_and_writes_them_out),
        cmocka_unit_test(knows_the_number_of_the_interface_when_it_is_there)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
