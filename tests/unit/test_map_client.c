/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The pure part; conversations are seen in tests/integration/test_check_return_path.py.
 */
#include "ctl/map_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void replies(void **state)
{
    static const struct {
        const char *octets;
        enum map_client_status status;
        const char *text;
    } examples[] = {
        {"6:OK a@b,", MAP_CLIENT_OK, "a@b"},          {"3:OK ,", MAP_CLIENT_OK, ""},
        {"9:NOTFOUND ,", MAP_CLIENT_NOT_FOUND, ""},   {"8:NOTFOUND,", MAP_CLIENT_NOT_FOUND, ""},
        {"9:TEMP a, b,", MAP_CLIENT_TROUBLE, "a, b"}, {"8:PERM no!,", MAP_CLIENT_TROUBLE, "no!"},
        {"10:TIMEOUT no,", MAP_CLIENT_TROUBLE, "no"}, {"6:OK a@b,rest", MAP_CLIENT_OK, "a@b"},
    };
    struct map_client_reply reply;

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        size_t length = strlen(examples[i].octets);
        assert_int_equal(map_client_read(&reply, examples[i].octets, length), MAP_CLIENT_WHOLE);
        assert_int_equal(reply.status, examples[i].status);
        assert_string_equal(reply.text, examples[i].text);
    }
}

static void a_reply_that_comes_in_pieces(void **state)
{
    static const char octets[] = "10:NOTFOUND x,";
    struct map_client_reply reply;

    (void)state;
    for (size_t length = 0; length < sizeof octets - 1; length++)
        assert_int_equal(map_client_read(&reply, octets, length), MAP_CLIENT_INCOMPLETE);
    assert_int_equal(map_client_read(&reply, octets, sizeof octets - 1), MAP_CLIENT_WHOLE);
}

static void what_is_no_reply(void **state)
{
    static const char *const examples[] = {
        "HTTP/1.1 400", ":OK ,",    "3;OK ,", "3:OK x",  "2:NO,",      "0:,",
        "99999:OK ",    "9999:OK ", "123456", "-3:OK ,", "7:OKx a@b,",
    };
    struct map_client_reply reply;

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
        assert_int_equal(map_client_read(&reply, examples[i], strlen(examples[i])),
                         MAP_CLIENT_MALFORMED);
}

static void the_longest_reply(void **state)
{
    char octets[MAP_CLIENT_TEXT_MAX + 64] = "2051:OK ";
    struct map_client_reply reply;
    size_t head = strlen(octets);

    (void)state;
    memset(octets + head, 'x', MAP_CLIENT_TEXT_MAX);
    octets[head + MAP_CLIENT_TEXT_MAX] = ',';
    assert_int_equal(map_client_read(&reply, octets, head + MAP_CLIENT_TEXT_MAX + 1),
                     MAP_CLIENT_WHOLE);
    assert_int_equal(strlen(reply.text), MAP_CLIENT_TEXT_MAX);
    memcpy(octets, "2052:OK ", head);
    octets[head + MAP_CLIENT_TEXT_MAX] = 'x';
    octets[head + MAP_CLIENT_TEXT_MAX + 1] = ',';
    assert_int_equal(map_client_read(&reply, octets, head + MAP_CLIENT_TEXT_MAX + 2),
                     MAP_CLIENT_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies),
        cmocka_unit_test(a_reply_that_comes_in_pieces),
        cmocka_unit_test(what_is_no_reply),
        cmocka_unit_test(the_longest_reply),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
