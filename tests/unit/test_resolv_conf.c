/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/resolv_conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *name;
    const char *text;
    const char *servers; /* each with a blank behind it */
    const char *skipped;
} rows[] = {
    {"nothing", "", "", ""},
    {"comments and other words", "# nameserver 192.0.2.1\n;nameserver 192.0.2.1\nsearch example\n",
     "", ""},
    {"one", "nameserver 192.0.2.1\n", "192.0.2.1:53 ", ""},
    {"white space, and no line end", "search a\n nameserver\t 192.0.2.1 \r\nnameserver ::1",
     "192.0.2.1:53 [::1]:53 ", ""},
    {"link-local", "nameserver fe80::1%eth0\n", "[fe80::1%eth0]:53 ", ""},
    {"what is none", "nameserver fe80::1\nnameserver localhost\nnameserver 192.0.2.1 # here\n",
     "192.0.2.1:53 ", "fe80::1"},
    {"a word alone", "nameserver\nnameserver \nnameservers 192.0.2.1\n", "", ""},
    {"one too many",
     "nameserver ::1\nnameserver ::2\nnameserver ::3\nnameserver ::4\nnameserver ::5\n"
     "nameserver ::6\n",
     "[::1]:53 [::2]:53 [::3]:53 [::4]:53 [::5]:53 ", ""},
};

static void parse(struct resolv_conf *conf, const char *text)
{
    FILE *in = fmemopen((void *)text, strlen(text) + 1, "r");

    assert_non_null(in);
    *conf = (struct resolv_conf){.path = NULL};
    resolv_conf_parse(conf, in);
    assert_int_equal(fclose(in), 0);
}

static void reads_the_nameservers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char servers[DNS_SERVERS_MAX * (SERVER_TEXT_SIZE + 1) + 1] = "";
        struct resolv_conf conf;
        print_message("%s\n", rows[i].name);
        parse(&conf, rows[i].text);
        for (unsigned j = 0; j < conf.count; j++) {
            (void)strcat(servers, conf.servers[j].text);
            (void)strcat(servers, " ");
        }
        assert_string_equal(servers, rows[i].servers);
        assert_string_equal(conf.skipped, rows[i].skipped);
    }
}

static void cuts_what_is_long(void **state)
{
    char text[500] = "nameserver ";
    struct resolv_conf conf;

    (void)state;
    memset(text + 11, 'x', sizeof text - 12);
    parse(&conf, text);
    assert_int_equal(strlen(conf.skipped), SERVER_TEXT_SIZE - 1);
}

static void tells_files_that_say_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t j = 0; j < sizeof rows / sizeof rows[0]; j++) {
            struct resolv_conf a, b;
            parse(&a, rows[i].text);
            parse(&b, rows[j].text);
            assert_int_equal(resolv_conf_is_same(&a, &b),
                             strcmp(rows[i].servers, rows[j].servers) == 0 &&
                                 strcmp(rows[i].skipped, rows[j].skipped) == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_nameservers),
        cmocka_unit_test(cuts_what_is_long),
        cmocka_unit_test(tells_files_that_say_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
