/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/settings_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void gives_an_empty_title_where_there_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *titled;
    } rows[] = {
        {"", ""},
        {"ses{}", "ses \"\" {}"},
        {"ses {}", "ses \"\"  {}"},
        {"a = 1\nses\n{\n}\n", "a = 1\nses \"\" \n{\n}\n"},
        {"ses {} ses {}", "ses \"\"  {} ses \"\"  {}"},
        {"ses \"eu\" {}", "ses \"eu\" {}"},
        {"ses 'eu' {}", "ses 'eu' {}"},
        {"sess {} xses {} ses-x {}", "sess {} xses {} ses-x {}"},
        {"# ses {\n", "# ses {\n"},
        {"// ses {\n", "// ses {\n"},
        {"/* ses { \n ses { */ ses {}", "/* ses { \n ses { */ ses \"\"  {}"},
        {"a = \"\\\" ses { \" ses {}", "a = \"\\\" ses { \" ses \"\"  {}"},
        {"a = ' ses { '", "a = ' ses { '"},
        {"milter { ses { } }", "milter { ses { } }"},
        {"a = {\"}\"} ses { }", "a = {\"}\"} ses \"\"  { }"},
        {"a = \"open ses {", "a = \"open ses {"},
        {"/* open ses {", "/* open ses {"},
        {"ses", "ses"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *titled = settings_text_add_titles(rows[i].text, "ses");
        assert_non_null(titled);
        assert_string_equal(titled, rows[i].titled);
        free(titled);
    }
}

static void leaves_spaces_for_comments(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *blank;
    } rows[] = {
        {"", ""},
        {"#", " "},
        {"# a\nb = 1 # c\n", "   \nb = 1    \n"},
        {"// a\n///\nb", "    \n   \nb"},
        {"/* a\n * b */c", "    \n       c"},
        {"/**/a", "    a"},
        {"/*/a", "/*/a"},
        {"a = \"# // /* \" # b", "a = \"# // /* \"    "},
        {"a = '#\\'#' #", "a = '#\\'#'  "},
        {"a = unix:/b//c", "a = unix:/b//c"},
        {"a#b", "a  "},
        {"a = \"open # b", "a = \"open # b"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[100];
        (void)snprintf(text, sizeof text, "%s", rows[i].text);
        settings_text_blank_comments(text);
        assert_string_equal(text, rows[i].blank);
    }
}

static void a_title_may_stand_in_a_name(void **state)
{
    (void)state;
    char longest[62];

    memset(longest, 'x', sizeof longest);
    longest[61] = '\0';
    assert_false(settings_text_is_good_title(longest));
    longest[60] = '\0';
    assert_true(settings_text_is_good_title(longest));
    assert_true(settings_text_is_good_title(""));
    assert_true(settings_text_is_good_title("eu-west-1.Main_2"));
    assert_false(settings_text_is_good_title("a/b"));
    assert_false(settings_text_is_good_title("a b"));
    assert_false(settings_text_is_good_title("\xc3\xa4"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_an_empty_title_where_there_is_none),
        cmocka_unit_test(leaves_spaces_for_comments),
        cmocka_unit_test(a_title_may_stand_in_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
