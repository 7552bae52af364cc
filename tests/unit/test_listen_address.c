/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/listen_address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static void takes_a_number_and_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int family;
        unsigned port;
        bool loopback;
    } rows[] = {
        {"127.0.0.1:9895", AF_INET, 9895, true},        {"127.8.9.10:1", AF_INET, 1, true},
        {"0.0.0.0:9895", AF_INET, 9895, false},         {"128.0.0.1:9895", AF_INET, 9895, false},
        {"192.0.2.1:65535", AF_INET, 65535, false},     {"[::1]:9895", AF_INET6, 9895, true},
        {"[::]:9895", AF_INET6, 9895, false},           {"[2001:db8::1]:80", AF_INET6, 80, false},
        {"[::ffff:127.0.0.1]:80", AF_INET6, 80, false},
    };
    struct listen_address address;
    struct failure why;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!listen_address_parse(&address, rows[i].text, &why))
            fail_msg("%s", why.text);
        assert_int_equal(address.socket.any.sa_family, rows[i].family);
        assert_int_equal(ntohs(rows[i].family == AF_INET ? address.socket.v4.sin_port
                                                         : address.socket.v6.sin6_port),
                         rows[i].port);
        if (listen_address_is_loopback(&address) != rows[i].loopback)
            fail_msg("%s: loopback or not?", rows[i].text);
    }
}

static void refuses_all_else(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        ":",
        ":9895",
        "127.0.0.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:1x",
        "127.0.0.1:-1",
        "127.0.0.1:999999999999",
        "localhost:80",
        "::1:80",
        "[::1]",
        "[::1:80",
        "::1]:80",
        "[127.0.0.1]:80",
        "[]:80",
        "1.2.3:80",
        " 127.0.0.1:80",
        "127.0.0.1: 80",
        "[1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111:1111]:80",
    };
    struct listen_address address;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct failure why = {.text = ""};
        if (listen_address_parse(&address, texts[i], &why))
            fail_msg("taken: %s", texts[i]);
        assert_int_equal(why.exit_code, EX_CONFIG);
        assert_non_null(strstr(why.text, "is no address to listen on"));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_number_and_a_port),
        cmocka_unit_test(refuses_all_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
