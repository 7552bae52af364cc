/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/log.h"
#include "common/log_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void lets_the_first_through_and_counts_the_others(void **state)
{
    (void)state;
    struct log_limit limit = {0};

    assert_true(log_limit_pass(&limit, 1000));
    for (int i = 0; i < 5; i++)
        assert_false(log_limit_pass(&limit, 1000 + i));
    assert_int_equal(limit.left_out, 5);
}

static void is_over_after_a_minute(void **state)
{
    (void)state;
    struct log_limit limit = {0};

    assert_false(log_limit_is_over(&limit, 1000));
    (void)log_limit_pass(&limit, 1000);
    assert_false(log_limit_is_over(&limit, 1059));
    assert_true(log_limit_is_over(&limit, 1060));
    /* As log_limit_check leaves it. */
    limit.is_open = false;
    assert_true(log_limit_pass(&limit, 1061));
    assert_int_equal(limit.left_out, 0);
}

static char out[4096];

static void begin_capture(FILE **file, int *saved)
{
    *file = tmpfile();
    *saved = dup(STDERR_FILENO);
    assert_non_null(*file);
    (void)dup2(fileno(*file), STDERR_FILENO);
}

static void end_capture(FILE *file, int saved)
{
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    rewind(file);
    out[fread(out, 1, sizeof out - 1, file)] = '\0';
    (void)fclose(file);
}

static void tells_how_many_there_were(void **state)
{
    (void)state;
    static struct log_limit one, other, lone;
    FILE *file;
    int saved;

    begin_capture(&file, &saved);
    for (int i = 0; i < 4; i++) {
        log_limited(&one, LOG_ERR, "one %d", i);
        log_limited(&other, LOG_WARNING, "other %d", i);
    }
    log_limited(&lone, LOG_ERR, "lone");
    log_limit_check(); /* no minute is over */
    log_limit_finish();
    log_limit_finish();
    log_limited(&one, LOG_ERR, "one again");
    log_limit_finish();
    end_capture(file, saved);
    assert_string_equal(out, "program: error: one 0\n"
                             "program: warning: other 0\n"
                             "program: error: lone\n"
                             "program: warning: other 3 (repeated 3 times in 0 s)\n"
                             "program: error: one 3 (repeated 3 times in 0 s)\n"
                             "program: error: one again\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_the_first_through_and_counts_the_others),
        cmocka_unit_test(is_over_after_a_minute),
        cmocka_unit_test(tells_how_many_there_were),
    };
    log_open("program", LOG_TO_STDERR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
