/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void reads_a_number_with_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t milliseconds;
    } rows[] = {
        {"0s", 0},          {"500ms", 500},    {"30s", 30000}, {"5m", 300000},
        {"72h", 259200000}, {"7d", 604800000}, {"007s", 7000}, {"999999999999ms", 999999999999},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t milliseconds = -1;
        assert_true(duration_parse(&milliseconds, rows[i].text));
        assert_true(milliseconds == rows[i].milliseconds);
    }
}

static void refuses_everything_else(void **state)
{
    (void)state;
    static const char *const rows[] = {"",
                                       "5",
                                       "s",
                                       "5 s",
                                       " 5s",
                                       "5S",
                                       "-5s",
                                       "+5s",
                                       "5.5s",
                                       "5sec",
                                       "5w",
                                       "1h5m",
                                       "9999999999999ms"};
    int64_t milliseconds;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (duration_parse(&milliseconds, rows[i]))
            fail_msg("taken: %s", rows[i]);
    }
}

static void writes_what_it_reads(void **state)
{
    (void)state;
    static const char *const rows[] = {"1ms", "500ms", "1s", "90s", "1m", "1h", "36h", "7d"};
    char text[DURATION_TEXT_SIZE];
    int64_t milliseconds;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(duration_parse(&milliseconds, rows[i]));
        duration_format(milliseconds, text);
        assert_string_equal(text, rows[i]);
    }
}

static void describes_a_length_in_one_unit(void **state)
{
    (void)state;
    static const struct {
        int64_t milliseconds;
        const char *text;
    } rows[] = {{0, "0 ms"},        {1999, "1999 ms"},    {2000, "2 s"},    {119999, "120 s"},
                {120000, "2 min"},  {7199999, "120 min"}, {7200000, "2 h"}, {172799999, "48 h"},
                {172800000, "2 d"}, {604000000, "7 d"}};
    char text[DURATION_TEXT_SIZE];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        duration_describe(rows[i].milliseconds, text);
        assert_string_equal(text, rows[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_number_with_a_unit),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(describes_a_length_in_one_unit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
