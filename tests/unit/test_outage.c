/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/outage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect(struct outage *outage, bool is_clear, int64_t now, enum outage_news news)
{
    assert_int_equal(outage_add(outage, is_clear, now), news);
}

static void tells_of_single_domains_one_by_one(void **state)
{
    (void)state;
    struct outage outage = {0};

    for (int i = 0; i < 100; i++) {
        expect(&outage, false, i, OUTAGE_ONE);
        expect(&outage, true, i, OUTAGE_NOTHING);
    }
    assert_false(outage_is_on(&outage));
}

static void tells_once_that_nobody_gets_an_answer(void **state)
{
    (void)state;
    struct outage outage = {0};
    int lines = 0;

    for (int i = 0; i < 1000000; i++) {
        enum outage_news news = outage_add(&outage, false, 1000 + i);
        lines += news != OUTAGE_NOTHING;
        assert_true((news == OUTAGE_BEGAN) == (i == OUTAGE_RUN - 1));
    }
    assert_int_equal(lines, OUTAGE_RUN);
    assert_true(outage_is_on(&outage));
    assert_int_equal(outage.since, 1000);
    expect(&outage, true, 2000000, OUTAGE_ENDED);
    assert_int_equal(outage.since, 1000);
    assert_false(outage_is_on(&outage));
    expect(&outage, true, 2000001, OUTAGE_NOTHING);
}

static void begins_anew_after_it_ended(void **state)
{
    (void)state;
    struct outage outage = {0};

    for (int round = 0; round < 3; round++) {
        for (int i = 1; i < OUTAGE_RUN; i++)
            expect(&outage, false, round * 1000 + i, OUTAGE_ONE);
        expect(&outage, false, round * 1000 + OUTAGE_RUN, OUTAGE_BEGAN);
        assert_int_equal(outage.since, round * 1000 + 1);
        expect(&outage, true, round * 1000 + 100, OUTAGE_ENDED);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_of_single_domains_one_by_one),
        cmocka_unit_test(tells_once_that_nobody_gets_an_answer),
        cmocka_unit_test(begins_anew_after_it_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
