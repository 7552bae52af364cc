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
    const char *cursor = " unix:/a, { inet:127.0.0.1:1, default_action=accept },inet:b:2\t{unix:c}";
    static const char *const expected[] = {"unix:/a", "inet:127.0.0.1:1", "inet:b:2", "unix:c"};
    char milter[SOCKET_NAME_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        assert_true(postfix_next_milter(&cursor, milter));
        assert_string_equal(milter, expected[i]);
    }
    assert_false(postfix_next_milter(&cursor, milter));
    cursor = "{ unix:/open";
    assert_true(postfix_next_milter(&cursor, milter));
    assert_string_equal(milter, "unix:/open");
    assert_false(postfix_next_milter(&cursor, milter));
}

static struct postfix postfix = {.queue_directory = (char[]){"/var/spool/postfix"}};

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
        assert_int_equal(postfix_name(&postfix, &service, &ours, line), examples[i].possible);
        assert_string_equal(line, examples[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(milters_of_a_list),
        cmocka_unit_test(paths_are_those_of_the_queue_directory_in_a_chroot),
        cmocka_unit_test(the_line_for_main_cf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
