/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/allowance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static unsigned take_all(struct allowance *allowance, int64_t now)
{
    unsigned count = 0;

    allowance_renew(allowance, now);
    while (allowance_take(allowance))
        count++;
    return count;
}

static void lets_out_what_the_rate_allows(void **state)
{
    static const double rates[] = {0.1, 1, 3, 50, 10000};

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct allowance allowance = {.rate = rates[i]};
        int64_t now = 1000000;
        double count = 0, expected = rates[i] * 1000;
        (void)take_all(&allowance, now);
        for (int64_t end = now + 1000000; now < end; now += 8)
            count += take_all(&allowance, now + 8);
        assert_true(count <= expected + 1 && count >= 0.97 * expected - 1);
    }
}

static void makes_up_for_a_quarter_of_a_second(void **state)
{
    struct allowance allowance = {.rate = 100}, slow = {.rate = 1};

    (void)state;
    assert_int_equal(take_all(&allowance, 5000), 25);
    assert_int_equal(take_all(&allowance, 4000), 0); /* a clock that was set back */
    assert_int_equal(take_all(&allowance, 9000), 25);
    assert_int_equal(take_all(&slow, 9000), 1);
}

static void says_how_long_to_wait(void **state)
{
    struct allowance allowance = {.rate = 50};

    (void)state;
    (void)take_all(&allowance, 1000);
    for (int64_t now = 1000; now < 2000;) {
        int64_t wait = allowance_wait(&allowance);
        assert_true(wait > 0 && wait <= 21);
        allowance_renew(&allowance, now += wait);
        assert_int_equal(allowance_wait(&allowance), 0);
        assert_true(allowance_take(&allowance));
    }
}

static void pays_for_what_went_out_beyond_it(void **state)
{
    struct allowance allowance = {.rate = 10};

    (void)state;
    (void)take_all(&allowance, 1000);
    allowance_charge(&allowance, 20);
    assert_true(allowance_wait(&allowance) > 2000);
    assert_int_equal(take_all(&allowance, 2900), 0);
    assert_int_equal(take_all(&allowance, 3200), 2);
}

static void knows_no_limit_without_a_rate(void **state)
{
    struct allowance allowance = {.rate = 0};

    (void)state;
    for (int i = 0; i < 100000; i++)
        assert_true(allowance_take(&allowance));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lets_out_what_the_rate_allows),
        cmocka_unit_test(makes_up_for_a_quarter_of_a_second),
        cmocka_unit_test(says_how_long_to_wait),
        cmocka_unit_test(pays_for_what_went_out_beyond_it),
        cmocka_unit_test(knows_no_limit_without_a_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
