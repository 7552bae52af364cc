/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/socket_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void names_of_the_settings_and_of_postfix(void **state)
{
    static const struct {
        const char *ours;
        const char *postfix; /* as we would write it */
        const char *alike;   /* what leads there too */
        const char *other;   /* what does not */
    } examples[] = {
        {"unix:/run/s", "unix:/run/s", "local:/run/s", "unix:run/s"},
        {"local:/run/s", "unix:/run/s", "/run/s", "unix:/run/t"},
        {"/run/s", "unix:/run/s", "unix:/run/s", "inet:127.0.0.1:25"},
        {"inet:8899@127.0.0.1", "inet:127.0.0.1:8899", "inet:localhost:8899",
         "inet:127.0.0.1:8898"},
        {"inet:8899@192.0.2.1", "inet:192.0.2.1:8899", "INET:192.0.2.1:8899",
         "inet:127.0.0.1:8899"},
        {"inet:8899", "inet:127.0.0.1:8899", "inet:mx.example:8899", "unix:8899"},
        {"inet6:8899@::1", "inet:[::1]:8899", "inet6:[::1]:8899", "inet:[2001:db8::1]:8899"},
        {"inet6:8899@[2001:db8::1]", "inet:[2001:db8::1]:8899", "inet:[2001:DB8::1]:8899",
         "inet:[::1]:8899"},
    };
    struct socket_name ours, other;
    char text[SOCKET_NAME_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        assert_true(socket_name_read(&ours, examples[i].ours));
        socket_name_for_postfix(&ours, text);
        assert_string_equal(text, examples[i].postfix);
        assert_true(socket_name_read_postfix(&other, text));
        assert_true(socket_name_leads_to(&ours, &other));
        assert_true(socket_name_read_postfix(&other, examples[i].alike));
        assert_true(socket_name_leads_to(&ours, &other));
        assert_true(socket_name_read_postfix(&other, examples[i].other));
        assert_false(socket_name_leads_to(&ours, &other));
    }
}

static void what_has_no_name_elsewhere(void **state)
{
    char text[2 * SOCKET_PATH_SIZE];
    struct socket_name name;

    (void)state;
    assert_true(socket_name_read(&name, "fd:3"));
    assert_int_equal(name.kind, SOCKET_DESCRIPTOR);
    assert_false(socket_name_leads_to(&name, &name));
    assert_false(socket_name_read(&name, "something"));
    assert_false(socket_name_read_postfix(&name, "inet:8899"));
    assert_false(socket_name_read_postfix(&name, "something"));
    memset(text, 'x', sizeof text);
    text[0] = '/';
    text[sizeof text - 1] = '\0';
    assert_false(socket_name_read(&name, text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_the_settings_and_of_postfix),
        cmocka_unit_test(what_has_no_name_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
