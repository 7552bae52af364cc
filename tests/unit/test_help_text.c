/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/help_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void fills_lines_and_keeps_what_belongs_together(void **state)
{
    (void)state;
    static const struct {
        const char *text, *filled;
    } rows[] = {
        {"", ""},
        {"Short.\n", "Short.\n"},
        {"No end", "No end\n"},
        {"One.\n\nTwo\nlines.\n", "One.\n\nTwo lines.\n"},
        {"Thirty-five columns are filled here and forty-five more here, so that a line ends before "
         "this.\n",
         "Thirty-five columns are filled here and forty-five more here, so that a line\n"
         "ends before this.\n"},
        {"Options:\n  --json  for programs\n  --all   everything, however much it is; which makes "
         "one line more\n          of it\n",
         "Options:\n  --json  for programs\n  --all   everything, however much it is; which makes "
         "one line more of it\n"},
        {"  --name VALUE\n      what it is\n      in two lines\n  -x  more\n",
         "  --name VALUE\n      what it is in two lines\n  -x  more\n"},
        {"Usage: program [-c FILE] command ARGUMENT [--one ONE] [--two TWO]\n           [--three "
         "THREE | --four] --five FIVE\n\nText.\n",
         "Usage: program [-c FILE] command ARGUMENT [--one ONE] [--two TWO]\n           [--three "
         "THREE | --four] --five FIVE\n\nText.\n"},
        {"Usage: a-program-with-a-name [-c FILE] a-long-command ARGUMENT OTHER --one-option VALUE",
         "Usage: a-program-with-a-name [-c FILE] a-long-command ARGUMENT OTHER\n           "
         "--one-option VALUE\n"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *filled;
        size_t size;
        FILE *out = open_memstream(&filled, &size);
        assert_non_null(out);
        help_text_write(out, rows[i].text);
        (void)fclose(out);
        assert_string_equal(filled, rows[i].filled);
        free(filled);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_lines_and_keeps_what_belongs_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
