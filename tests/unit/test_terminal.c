/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/json_out.h"
#include "ctl/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void leaves_what_can_be_typed(void **state)
{
    (void)state;
    char out[TERMINAL_TEXT_SIZE];

    assert_string_equal(terminal_text("\"a b\\<\"@x.example", out), "\"a b\\<\"@x.example");
    assert_string_equal(terminal_text("", out), "");
}

static void escapes_what_a_terminal_obeys(void **state)
{
    (void)state;
    char out[TERMINAL_TEXT_SIZE];

    assert_string_equal(terminal_text("a\033[2Jb\nc\x7f", out), "a\\x1b[2Jb\\x0ac\\x7f");
    assert_string_equal(terminal_text("\xc2\x9b\xff", out), "\\xc2\\x9b\\xff");
}

static void cuts_long_texts(void **state)
{
    (void)state;
    char text[TERMINAL_TEXT_MAX + 2];
    struct {
        char out[TERMINAL_TEXT_SIZE];
        char fence;
    } place = {.fence = 'f'};

    memset(text, 1, sizeof text);
    text[TERMINAL_TEXT_MAX] = '\0';
    assert_int_equal(strlen(terminal_text(text, place.out)), 4 * TERMINAL_TEXT_MAX);
    text[TERMINAL_TEXT_MAX] = 1;
    text[TERMINAL_TEXT_MAX + 1] = '\0';
    assert_string_equal(terminal_text(text, place.out) + strlen(place.out) - 7, "\\x01...");
    assert_int_equal(place.fence, 'f');
}

/* Written to a terminal as well as to a file. */
static void json_has_no_control_characters(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length;
    FILE *file = open_memstream(&text, &length);

    assert_non_null(file);
    json_out_string(file, "\033\177\302\2331m \303\233 \302\240 \302");
    assert_int_equal(fclose(file), 0);
    assert_string_equal(text, "\"\\u001b\\u007f\\u009b1m \303\233 \302\240 \302\"");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_what_can_be_typed),
        cmocka_unit_test(escapes_what_a_terminal_obeys),
        cmocka_unit_test(cuts_long_texts),
        cmocka_unit_test(json_has_no_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
