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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads_servers_and_writes_them_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
