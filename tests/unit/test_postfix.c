/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The pure parts; how it reads real configurations is seen in tests/integration/test_check.py.
 */
#include "ctl/postfix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void milters_of_a_list(void **state)
{
    const char *cursor =
        " unix:/a, { inet:127.0.0.1:1, connect_timeout=1s, default_action=accept },"
        "inet:b:2\t{unix:c} {unix:d,protocol=2,{default_action = reject}}";
    static const struct postfix_milter expected[] = {{"unix:/a", "", ""},
                                                     {"inet:127.0.0.1:1", "accept", ""},
                                                     {"inet:b:2", "", ""},
                                                     {"unix:c", "", ""},
                                                     {"unix:d", "reject", "2"}};
    struct postfix_milter milter;

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(postfix_next_milter(&cursor, &milter));
        assert_string_equal(milter.name, expected[i].name);
        assert_string_equal(milter.default_action, expected[i].default_action);
        assert_string_equal(milter.protocol, expected[i].protocol);
    }
    assert_false(postfix_next_milter(&cursor, &milter));
    cursor = "{ unix:/open";
    assert_true(postfix_next_milter(&cursor, &milter));
    assert_string_equal(milter.name, "unix:/open");
    assert_false(postfix_next_milter(&cursor, &milter));
}

static void words_of_a_list(void **state)
{
    static const char *const expected[] = {"a", "inline:{b=c, {d = e}}", "f{g}h", "{open, i"};
    const char *cursor = " a,,inline:{b=c, {d = e}}\tf{g}h {open, i";
    const char *word;
    size_t length;

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        word = postfix_next_word(&cursor, &length);
        assert_non_null(word);
        assert_int_equal(length, strlen(expected[i]));
        assert_memory_equal(word, expected[i], length);
    }
    assert_null(postfix_next_word(&cursor, &length));
    cursor = "} a";
    assert_non_null(postfix_next_word(&cursor, &length));
    assert_int_equal(length, 1);
}

static void socketmaps_of_a_value(void **state)
{
    static const struct {
        const char *socket; /* the path or the port */
        const char *name;
        bool proxied;
    } expected[] = {{"m/s", "return", false}, {"/run/s", "check", true}, {"99", "domain", false}};
    const char *cursor = "hash:/a, socketmap:unix:m/s:return socketmap:nonsense "
                         "proxy:socketmap:unix:/run/s:check "
                         "pipemap:{regexp:{{/^b/ x}}, socketmap:inet:127.0.0.1:99:domain}";
    struct postfix_map map;

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        bool is_path = strchr(expected[i].socket, '/') != NULL;
        assert_true(postfix_next_map(&cursor, &map));
        assert_string_equal(is_path ? map.socket.path : map.socket.port, expected[i].socket);
        assert_string_equal(map.name, expected[i].name);
        assert_int_equal(map.proxied, expected[i].proxied);
    }
    assert_string_equal(map.text, "socketmap:inet:127.0.0.1:99:domain");
    assert_false(postfix_next_map(&cursor, &map));
}

static void a_service_may_have_values_of_its_own(void **state)
{
    struct postfix_value values[] = {
        {NULL, (char[]){"a"}, (char[]){"main"}},
        {(char[]){"smtp/inet"}, (char[]){"a"}, (char[]){""}},
        {(char[]){"smtp/inet"}, (char[]){"b"}, (char[]){"its"}},
    };
    struct postfix_service services[] = {{(char[]){"smtp/inet"}, (char[]){"smtpd"}, false},
                                         {(char[]){"smtps/inet"}, (char[]){"smtpd"}, false}};
    const struct postfix both = {
        .services = services, .count = 2, .values = values, .value_count = 3};

    (void)state;
    assert_string_equal(postfix_value(&both, NULL, "a"), "main");
    assert_string_equal(postfix_value(&both, &services[0], "a"), "");
    assert_string_equal(postfix_value(&both, &services[1], "a"), "main");
    assert_string_equal(postfix_value(&both, &services[0], "b"), "its");
    assert_string_equal(postfix_value(&both, NULL, "b"), "");
    assert_string_equal(postfix_value(&both, &services[1], "b"), "");
    assert_true(postfix_has_own(&both, &services[0], "a"));
    assert_false(postfix_has_own(&both, &services[1], "a"));
    assert_false(postfix_has_own(&both, NULL, "a"));
    assert_ptr_equal(postfix_service(&both, "smtps/inet"), &services[1]);
    assert_null(postfix_service(&both, "smtp"));
}

static struct postfix postfix = {.queue_directory = "/var/spool/postfix"};

static void paths_are_those_of_the_queue_directory_in_a_chroot(void **state)
{
    static const struct {
        bool chrooted;
        const char *text;
        const char *path;
    } examples[] = {
        {false, "unix:/run/s", "/run/s"},
        {false, "unix:m/s", "/var/spool/postfix/m/s"},
        {true, "unix:/run/s", "/var/spool/postfix/run/s"},
        {true, "unix:m/s", "/var/spool/postfix/m/s"},
    };
    struct socket_name name;

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct postfix_service service = {.chrooted = examples[i].chrooted};
        assert_true(socket_name_read_postfix(&name, examples[i].text));
        postfix_resolve(&postfix, &service, &name);
        assert_string_equal(name.path, examples[i].path);
    }
}

static void the_line_for_main_cf(void **state)
{
    static const struct {
        bool chrooted;
        bool possible;
        const char *ours;
        const char *line;
    } examples[] = {
        {false, true, "unix:/run/s", "unix:/run/s"},
        {false, true, "unix:/var/spool/postfix/m/s", "unix:m/s"},
        {true, true, "unix:/var/spool/postfix/m/s", "unix:m/s"},
        {true, false, "unix:/var/spool/postfix2/s", "unix:mailfrom-milter/milter.sock"},
        {true, true, "inet:1@127.0.0.1", "inet:127.0.0.1:1"},
    };
    char line[SOCKET_NAME_SIZE];
    struct socket_name ours;

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        struct postfix_service service = {.chrooted = examples[i].chrooted};
        assert_true(socket_name_read(&ours, examples[i].ours));
        assert_int_equal(postfix_name(&postfix, &service, &ours, "milter.sock", line),
                         examples[i].possible);
        assert_string_equal(line, examples[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(milters_of_a_list),
        cmocka_unit_test(words_of_a_list),
        cmocka_unit_test(socketmaps_of_a_value),
        cmocka_unit_test(a_service_may_have_values_of_its_own),
        cmocka_unit_test(paths_are_those_of_the_queue_directory_in_a_chroot),
        cmocka_unit_test(the_line_for_main_cf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
