/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static char *repeat(char out[2 * FAILURE_TEXT_SIZE], size_t length)
{
    memset(out, 'x', length);
    out[length] = '\0';
    return out;
}

static void keeps_code_and_text(void **state)
{
    (void)state;
    struct failure why;

    assert_false(failure_set(&why, EX_CONFIG, "%s:%d: wrong", "file", 7));
    assert_int_equal(why.exit_code, EX_CONFIG);
    assert_string_equal(why.text, "file:7: wrong");
}

static void stays_one_line(void **state)
{
    (void)state;
    struct failure why;

    (void)failure_set(&why, EX_DATAERR, "a\nb\r\t\033[1mc\177d %s", "\303\274");
    assert_string_equal(why.text, "a?b???[1mc?d \303\274");
    (void)failure_prefix(&why, "x\ny");
    assert_string_equal(why.text, "x?y: a?b???[1mc?d \303\274");
    /* CSI as one octet, as UTF-8, and an octet of a letter that looks like it. */
    (void)failure_set(&why, EX_DATAERR, "a\2331m \302\2331m \303\233 \342\202\254");
    assert_string_equal(why.text, "a?1m \302?1m \303\233 \342\202\254");
}

static void cuts_a_long_text(void **state)
{
    (void)state;
    char text[2 * FAILURE_TEXT_SIZE];
    struct failure why;

    (void)failure_set(&why, EX_DATAERR, "%s", repeat(text, FAILURE_TEXT_SIZE - 1));
    assert_string_equal(why.text, text);
    (void)failure_set(&why, EX_DATAERR, "%s", repeat(text, FAILURE_TEXT_SIZE));
    assert_int_equal(strlen(why.text), FAILURE_TEXT_SIZE - 1);
}

static void puts_the_context_first(void **state)
{
    (void)state;
    struct failure why;

    (void)failure_set(&why, EX_NOINPUT, "cause");
    assert_false(failure_prefix(&why, "reading %s", "it"));
    assert_int_equal(why.exit_code, EX_NOINPUT);
    assert_string_equal(why.text, "reading it: cause");
    (void)failure_prefix(&why, "%s", "");
    assert_string_equal(why.text, ": reading it: cause");
}

static void cuts_the_cause_behind_a_long_context(void **state)
{
    (void)state;
    char text[2 * FAILURE_TEXT_SIZE];
    struct failure why;

    for (size_t length = FAILURE_TEXT_SIZE - 12; length < FAILURE_TEXT_SIZE + 2; length++) {
        (void)failure_set(&why, EX_NOINPUT, "cause");
        (void)failure_prefix(&why, "%s", repeat(text, length));
        assert_true(strlen(why.text) < FAILURE_TEXT_SIZE);
        assert_int_equal(strspn(why.text, "x"),
                         length < FAILURE_TEXT_SIZE - 3 ? length : FAILURE_TEXT_SIZE - 3);
    }
    (void)failure_set(&why, EX_NOINPUT, "%s", repeat(text, FAILURE_TEXT_SIZE));
    (void)failure_prefix(&why, "context");
    assert_int_equal(strlen(why.text), FAILURE_TEXT_SIZE - 1);
    assert_memory_equal(why.text, "context: xxx", 12);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_code_and_text),
        cmocka_unit_test(stays_one_line),
        cmocka_unit_test(cuts_a_long_text),
        cmocka_unit_test(puts_the_context_first),
        cmocka_unit_test(cuts_the_cause_behind_a_long_context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
