/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const words[] = {"import",
                                    "export",
                                    "list",
                                    "status",
                                    "stats",
                                    "return-path",
                                    "put-email-identity-mail-from-attributes"};

static void guesses_what_was_meant_and_does_not_guess_wildly(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word; /* NULL: no guess */
    } rows[] = {
        {"imprt", "import"}, /* left out */
        {"importt", "import"},
        {"ixport", "import"}, /* one of two that are as near: the first */
        {"ilst", "list"},     /* swapped */
        {"statsu", "status"},
        {"return-paht", "return-path"},
        {"returnpath", "return-path"},
        {"ret", "return-path"}, /* the beginning */
        {"put-email-identity-mail-from-atributes", "put-email-identity-mail-from-attributes"},
        {"delete", NULL},
        {"li", NULL},
        {"", NULL},
        {"xyzzy", NULL},
        {"0123456789012345678901234567890123456789012345678901234567890123456789", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct nearest nearest = nearest_begin(rows[i].text, strlen(rows[i].text));
        for (size_t j = 0; j < sizeof words / sizeof *words; j++)
            nearest_try(&nearest, words[j]);
        if (rows[i].word == NULL)
            assert_null(nearest.word);
        else if (nearest.word == NULL)
            fail_msg("no guess for %s", rows[i].text);
        else
            assert_string_equal(nearest.word, rows[i].word);
    }
}

static void reads_no_further_than_told(void **state)
{
    (void)state;
    struct nearest nearest = nearest_begin("liss=value", 4);

    nearest_try(&nearest, "list");
    assert_string_equal(nearest.word, "list");
    nearest = nearest_begin("list=value", 4);
    nearest_try(&nearest, "list");
    assert_int_equal(nearest.distance, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guesses_what_was_meant_and_does_not_guess_wildly),
        cmocka_unit_test(reads_no_further_than_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
