/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void spaces_calls_evenly(void **state)
{
    (void)state;
    struct pace pace;

    pace_init(&pace, 0.8, 0);
    assert_true(pace.interval == 1250);
    assert_true(pace_ready(&pace, 5000) == 5000);
    pace_charge(&pace, 5000, 1);
    assert_true(pace_ready(&pace, 5001) == 6250);
    pace_charge(&pace, 7000, 1);
    assert_true(pace_ready(&pace, 7000) == 8250);
}

static void never_rounds_the_interval_down(void **state)
{
    (void)state;
    struct pace pace;

    pace_init(&pace, 3, 0);
    assert_true(pace.interval == 334);
    pace_init(&pace, 1000, 0);
    assert_true(pace.interval == 1);
    pace_init(&pace, 0.01, 0);
    assert_true(pace.interval == 100000);
}

static void goes_on_where_the_last_process_was(void **state)
{
    (void)state;
    struct pace pace;

    pace_init(&pace, 1, 5000);
    assert_true(pace_ready(&pace, 5100) == 6000);
    assert_true(pace_ready(&pace, 90000) <= 90000);
}

static void charges_repeated_requests(void **state)
{
    (void)state;
    struct pace pace;

    pace_init(&pace, 1, 0);
    pace_charge(&pace, 5000, 1);
    pace_charge(&pace, 5100, 2);
    assert_true(pace_ready(&pace, 5100) == 8000);
    pace_charge(&pace, 5100, 0);
    assert_true(pace_ready(&pace, 5100) == 8000);
}

static void a_call_of_the_future_counts_as_one_of_now(void **state)
{
    (void)state;
    struct pace pace;

    pace_init(&pace, 1, 172800000);
    pace_correct(&pace, 5000);
    assert_int_equal(pace_ready(&pace, 5000), 6000);
    assert_int_equal(pace_ready(&pace, 6000), 6000);
    /* what was charged for repeated requests stays */
    pace_init(&pace, 1, 9000);
    pace_correct(&pace, 5000);
    assert_int_equal(pace.last, 9000);
}

static void a_clock_that_was_set_back_stops_nothing_for_long(void **state)
{
    (void)state;
    struct pace pace;

    pace_init(&pace, 1, 1000000);
    assert_true(pace_ready(&pace, 5000) == 6000);
    pace_charge(&pace, 6000, 1);
    assert_true(pace_ready(&pace, 6000) == 7000);
}

static void no_window_sees_more_than_its_share_and_one(void **state)
{
    (void)state;
    struct pace pace;
    int64_t calls[200];
    int64_t now = 1000;

    pace_init(&pace, 0.8, 0);
    for (size_t i = 0; i < 200; i++) {
        now = pace_ready(&pace, now) > now ? pace_ready(&pace, now) : now + 10;
        now += i % 7 == 0 ? 3000 : 0;
        pace_charge(&pace, now, 1);
        calls[i] = now;
    }
    for (size_t i = 0; i < 200; i++) {
        for (size_t k = i; k < 200; k++)
            assert_true((double)(k - i) <= (double)(calls[k] - calls[i]) * 0.8 / 1000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spaces_calls_evenly),
        cmocka_unit_test(never_rounds_the_interval_down),
        cmocka_unit_test(goes_on_where_the_last_process_was),
        cmocka_unit_test(charges_repeated_requests),
        cmocka_unit_test(a_call_of_the_future_counts_as_one_of_now),
        cmocka_unit_test(a_clock_that_was_set_back_stops_nothing_for_long),
        cmocka_unit_test(no_window_sees_more_than_its_share_and_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
