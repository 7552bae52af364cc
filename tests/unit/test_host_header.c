/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/host_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void knows_names_that_lead_nowhere_else(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        bool is_safe;
    } rows[] = {
        {"127.0.0.1", true},
        {"127.0.0.1:9895", true},
        {"192.0.2.7:9895", true},
        {"[::1]", true},
        {"[2001:db8::1]:9895", true},
        {"localhost", true},
        {"LocalHost:9895", true},
        {"gateway.example:9895", true},
        {"GATEWAY.example", true},
        {"", false},
        {":9895", false},
        {"evil.example", false},
        {"evil.example:9895", false},
        {"gateway.example.evil.example", false},
        {"localhost.evil.example", false},
        {"127.0.0.1.evil.example", false},
        {"127.0.0.1:9895x", false},
        {"127.0.0.1:9895:1", false},
        {"127.0.0.1@evil.example", false},
        {"127.1", false},
        {"[::1", false},
        {"[::1]x", false},
        {"[evil.example]", false},
        {"[127.0.0.1]", false},
        {"::1", false},
        {"127.0.0.1 evil.example", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (host_header_is_safe(rows[i].host, "gateway.example") != rows[i].is_safe)
            fail_msg("%s", rows[i].host);
        /* A machine without a name is none that is meant by no name. */
        assert_false(host_header_is_safe("", ""));
    }
}

static void knows_what_proxies_add(void **state)
{
    (void)state;
    static const char *const theirs[] = {"Forwarded",         "via",
                                         "X-Forwarded-For",   "x-forwarded-host",
                                         "X-FORWARDED-PROTO", "X-Real-IP"};
    static const char *const others[] = {"Host", "Accept", "User-Agent", "X-Prometheus-Scrape", ""};

    for (size_t i = 0; i < sizeof theirs / sizeof *theirs; i++)
        assert_true(host_header_is_of_proxy(theirs[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(host_header_is_of_proxy(others[i]));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_names_that_lead_nowhere_else),
        cmocka_unit_test(knows_what_proxies_add),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
