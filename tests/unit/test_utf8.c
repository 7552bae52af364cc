/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void tells_the_length_of_the_first_character(void **state)
{
    static const struct row {
        const char *behaviour;
        const char *text;
        size_t length;
        size_t expected;
    } rows[] = {
        {"ASCII", "az", 2, 1},
        {"two octets", "\xc3\xbcz", 3, 2},
        {"the first of two octets", "\xc2\x80", 2, 2},
        {"three octets", "\xe2\x82\xac", 3, 3},
        {"four octets", "\xf0\x9f\x98\x80", 4, 4},
        {"the last character", "\xf4\x8f\xbf\xbf", 4, 4},
        {"beyond the last", "\xf4\x90\x80\x80", 4, 0},
        {"cut short", "\xe2\x82\xac", 2, 0},
        {"another character within", "\xe2\x82z", 3, 0},
        {"a continuation alone", "\xbcz", 2, 0},
        {"overlong, two octets", "\xc1\xbf", 2, 0},
        {"overlong, three octets", "\xe0\x9f\xbf", 3, 0},
        {"overlong, four octets", "\xf0\x8f\xbf\xbf", 4, 0},
        {"a surrogate", "\xed\xa0\x80", 3, 0},
        {"before the surrogates", "\xed\x9f\xbf", 3, 3},
        {"no lead at all", "\xff\xbf\xbf\xbf", 4, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (utf8_length(rows[i].text, rows[i].length) != rows[i].expected)
            fail_msg("%s", rows[i].behaviour);
    }
}

static void folds_letters_of_all_kinds(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour, *text, *folded; /* "": it folds nothing */
    } rows[] = {
        {"a letter with two dots", "B\303\234cher", "b\303\274cher"},
        {"one that is small already", "b\303\274cher", "b\303\274cher"},
        {"one that becomes two", "Stra\303\237e", "strasse"},
        {"its capital", "STRA\341\272\236E", "strasse"},
        {"Greek, with a final sigma", "\316\243\317\202", "\317\203\317\203"},
        {"ASCII", "Env", ""},
        {"nothing", "", ""},
        {"no UTF-8", "\303(", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[16];
        size_t length = utf8_fold(out, sizeof out, rows[i].text, strlen(rows[i].text));
        if (length != strlen(rows[i].folded) || memcmp(out, rows[i].folded, length) != 0)
            fail_msg("%s: %zu octets", rows[i].behaviour, length);
    }
}

static void leaves_what_does_not_fit(void **state)
{
    (void)state;
    char out[5];

    assert_int_equal(utf8_fold(out, 5, "\303\234\303\234", 4), 4);
    assert_int_equal(utf8_fold(out, 3, "\303\234\303\234", 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_the_length_of_the_first_character),
        cmocka_unit_test(folds_letters_of_all_kinds),
        cmocka_unit_test(leaves_what_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
