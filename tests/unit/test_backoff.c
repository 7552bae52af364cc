/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/trouble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void tells_what_passes_from_what_a_person_has_to_mend(void **state)
{
    (void)state;
    assert_int_equal(backoff_of(OUTCOME_OK), BACKOFF_NONE);
    assert_int_equal(backoff_of(OUTCOME_STOPPED), BACKOFF_NONE);
    assert_int_equal(backoff_of(OUTCOME_THROTTLED), BACKOFF_QUICK);
    assert_int_equal(backoff_of(OUTCOME_SERVER_ERROR), BACKOFF_QUICK);
    assert_int_equal(backoff_of(OUTCOME_NETWORK), BACKOFF_QUICK);
    assert_int_equal(backoff_of(OUTCOME_ACCESS_DENIED), BACKOFF_SLOW);
    assert_int_equal(backoff_of(OUTCOME_NO_CREDENTIALS), BACKOFF_SLOW);
    assert_int_equal(backoff_of(OUTCOME_REFUSED), BACKOFF_SLOW);
    assert_int_equal(backoff_of(OUTCOME_MALFORMED_REPLY), BACKOFF_QUICK);
    assert_int_equal(backoff_of(OUTCOME_LOCAL), BACKOFF_SLOW);
}

static void doubles_up_to_a_maximum(void **state)
{
    (void)state;
    static const struct {
        unsigned failures;
        int64_t quick;
        int64_t slow;
    } rows[] = {{1, 500, 30000},     {2, 1000, 60000},     {3, 2000, 120000},
                {9, 128000, 300000}, {10, 150000, 300000}, {1000000, 150000, 300000}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(backoff_delay(BACKOFF_QUICK, rows[i].failures, 0) == rows[i].quick);
        assert_true(backoff_delay(BACKOFF_SLOW, rows[i].failures, 0) == rows[i].slow);
    }
    assert_true(backoff_delay(BACKOFF_NONE, 5, 0.5) == 0);
}

static void spreads_over_the_upper_half(void **state)
{
    (void)state;
    assert_true(backoff_delay(BACKOFF_QUICK, 1, 0.5) == 750);
    assert_true(backoff_delay(BACKOFF_QUICK, 1, 0.999) < 1000);
}

static void tells_a_trouble_once(void **state)
{
    (void)state;
    struct trouble trouble = {.failures = 0};

    assert_true(trouble_add(&trouble, OUTCOME_THROTTLED, "Throttling", 1000, 0));
    assert_true(trouble.until == 1500 && trouble.since == 1000);
    assert_false(trouble_add(&trouble, OUTCOME_THROTTLED, "Throttling", 2000, 0));
    assert_true(trouble.until == 3000 && trouble.since == 1000 && trouble.failures == 2);
    assert_true(trouble_add(&trouble, OUTCOME_SERVER_ERROR, "InternalFailure", 3000, 0));
    assert_true(trouble_add(&trouble, OUTCOME_SERVER_ERROR, "Other", 3000, 0));
    assert_false(
        trouble_add(&trouble, OUTCOME_SERVER_ERROR, "Other", 3000 + 10 * TROUBLE_REPEAT, 0));
}

static void repeats_hourly_what_a_person_has_to_mend(void **state)
{
    (void)state;
    struct trouble trouble = {.failures = 0};

    assert_true(trouble_add(&trouble, OUTCOME_ACCESS_DENIED, "AccessDenied", 1000, 0));
    assert_false(
        trouble_add(&trouble, OUTCOME_ACCESS_DENIED, "AccessDenied", 999 + TROUBLE_REPEAT, 0));
    assert_true(
        trouble_add(&trouble, OUTCOME_ACCESS_DENIED, "AccessDenied", 1000 + TROUBLE_REPEAT, 0));
    assert_false(
        trouble_add(&trouble, OUTCOME_ACCESS_DENIED, "AccessDenied", 1001 + TROUBLE_REPEAT, 0));
}

static void a_trouble_of_another_kind_begins_to_wait_anew(void **state)
{
    (void)state;
    struct trouble trouble = {.failures = 0};

    for (int i = 0; i < 8; i++)
        (void)trouble_add(&trouble, OUTCOME_NETWORK, "", 0, 0);
    assert_true(trouble_add(&trouble, OUTCOME_ACCESS_DENIED, "AccessDenied", 0, 0));
    assert_true(trouble.until == BACKOFF_SLOW_FIRST / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_passes_from_what_a_person_has_to_mend),
        cmocka_unit_test(doubles_up_to_a_maximum),
        cmocka_unit_test(spreads_over_the_upper_half),
        cmocka_unit_test(tells_a_trouble_once),
        cmocka_unit_test(repeats_hourly_what_a_person_has_to_mend),
        cmocka_unit_test(a_trouble_of_another_kind_begins_to_wait_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
