/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/local_dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static char first[] = "mx1.example";
static char second[] = "mx2.example";
static char *hosts[] = {first, second};

static struct settings settings_of(enum settings_mx_match match, size_t count)
{
    return (struct settings){.local = {.match = match, .expected_mx = {hosts, count}}};
}

/* Free it. */
static char *printed(const struct settings *settings, const struct local_dns_addresses *addresses)
{
    struct failure why;
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    bool good = local_dns_print(out, "m.x.example", settings, addresses, &why);

    assert_int_equal(fclose(out), 0);
    if (!good)
        fail_msg("%s", why.text);
    return text;
}

static void names_one_host_where_one_is_wanted(void **state)
{
    struct settings settings = settings_of(MX_EXACTLY_ONE, 2);
    struct local_dns_addresses none = {.count = 0};
    char *text = printed(&settings, &none);

    (void)state;
    assert_string_equal(text, "m.x.example. IN MX 10 mx1.example.\n"
                              "; Taken to be so: mail leaves from where the bounces arrive. If "
                              "not, give\n"
                              "; each address that it leaves from with --address IP.\n"
                              "m.x.example. IN TXT \"v=spf1 mx ~all\"\n");
    free(text);
}

static void names_all_hosts_where_several_may_be(void **state)
{
    struct local_dns_addresses none = {.count = 0};

    (void)state;
    for (int match = MX_ONLY_THESE; match <= MX_ANY_OF_THESE; match++) {
        struct settings settings = settings_of((enum settings_mx_match)match, 2);
        char *text = printed(&settings, &none);
        assert_non_null(strstr(text, "m.x.example. IN MX 10 mx1.example.\n"
                                     "m.x.example. IN MX 10 mx2.example.\n"));
        free(text);
    }
}

static void takes_addresses_and_networks(void **state)
{
    static const char *const good[] = {"192.0.2.10", "198.51.100.0/24", "2001:db8::1",
                                       "2001:db8:1::/48"};
    static const char *const bad[] = {"", "nobody", "192.0.2.10/24", "192.0.2.10 -all", "::/129"};
    struct settings settings = settings_of(MX_EXACTLY_ONE, 1);
    struct local_dns_addresses addresses = {.count = 0};
    struct failure why;
    char *text;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(local_dns_add(&addresses, good[i], &why));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(local_dns_add(&addresses, bad[i], &why));
        assert_int_equal(why.exit_code, EX_USAGE);
        assert_non_null(strstr(why.text, "--address: "));
    }
    text = printed(&settings, &addresses);
    assert_string_equal(text, "m.x.example. IN MX 10 mx1.example.\n"
                              "m.x.example. IN TXT \"v=spf1 ip4:192.0.2.10 ip4:198.51.100.0/24 "
                              "ip6:2001:db8::1 ip6:2001:db8:1::/48 ~all\"\n");
    free(text);
}

static void cuts_a_long_text_into_strings(void **state)
{
    struct settings settings = settings_of(MX_EXACTLY_ONE, 1);
    struct local_dns_addresses addresses = {.count = 0};
    struct failure why;
    const char *start;
    char *text;

    (void)state;
    for (int i = 0; i < LOCAL_DNS_ADDRESSES_MAX; i++)
        assert_true(local_dns_add(&addresses, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", &why));
    assert_false(local_dns_add(&addresses, "192.0.2.1", &why));
    text = printed(&settings, &addresses);
    assert_non_null(strstr(text, " ~all\"\n"));
    start = strchr(text, '"');
    while (start != NULL) {
        const char *end = strchr(start + 1, '"');
        assert_non_null(end);
        assert_true(end - start - 1 <= 255);
        start = strchr(end + 1, '"');
    }
    free(text);
}

static void needs_an_expected_mx(void **state)
{
    struct settings settings = settings_of(MX_EXACTLY_ONE, 0);
    struct local_dns_addresses none = {.count = 0};
    struct failure why;

    (void)state;
    assert_false(local_dns_print(stdout, "m.x.example", &settings, &none, &why));
    assert_int_equal(why.exit_code, EX_CONFIG);
    assert_non_null(strstr(why.text, "expected-mx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_one_host_where_one_is_wanted),
        cmocka_unit_test(names_all_hosts_where_several_may_be),
        cmocka_unit_test(takes_addresses_and_networks),
        cmocka_unit_test(cuts_a_long_text_into_strings),
        cmocka_unit_test(needs_an_expected_mx),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
