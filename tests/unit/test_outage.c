/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/outage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define FIRST  OUTAGE_CLEAR
#define SECOND OUTAGE_UNCLEAR
#define LATER  OUTAGE_LONG_UNCLEAR

enum { MANY = 1000 };

/* domain: a number, for its name. */
static enum outage_news add(struct outage *outage, int domain, enum outage_before before,
                            uint64_t domains, int64_t now)
{
    char name[32];

    (void)snprintf(name, sizeof name, "m.d%d.example", domain);
    return outage_add(outage, name, before, false, domains, now);
}

static enum outage_news add_clear(struct outage *outage, int64_t now)
{
    return outage_add(outage, "clear.example", FIRST, true, MANY, now);
}

static void tells_of_single_domains_one_by_one(void **state)
{
    (void)state;
    struct outage outage = {0};

    for (int i = 0; i < 100; i++) {
        assert_int_equal(add(&outage, i, FIRST, MANY, i), OUTAGE_NOTHING);
        assert_int_equal(add_clear(&outage, i), OUTAGE_NOTHING);
        assert_int_equal(add(&outage, i, SECOND, MANY, i), OUTAGE_ONE);
        assert_int_equal(add(&outage, i, LATER, MANY, i), OUTAGE_NOTHING);
    }
    assert_false(outage.is_on);
}

/* Each is looked up every five minutes, those that are in order once an hour. */
static void takes_a_few_that_are_broken_for_no_outage(void **state)
{
    (void)state;
    struct outage outage = {0};

    for (int broken = 1; broken < 20; broken++) {
        for (int i = 0; i < 1000; i++) {
            enum outage_before before = i < broken ? FIRST : i < 2 * broken ? SECOND : LATER;
            if (i < broken && i % 8 == 0) /* they did not break all at once */
                (void)add_clear(&outage, i);
            assert_int_not_equal(add(&outage, i % broken, before, 20, i), OUTAGE_BEGAN);
        }
        (void)add_clear(&outage, 1000);
    }
}

static void takes_one_domain_of_many_identities_for_no_outage(void **state)
{
    (void)state;
    struct outage outage = {0};

    for (int i = 0; i < 1000; i++)
        assert_int_equal(add(&outage, 7, FIRST, 1000, i), OUTAGE_NOTHING);
}

static void tells_once_that_nobody_gets_an_answer(void **state)
{
    (void)state;
    struct outage outage = {0};
    int lines = 0;

    for (int i = 0; i < 100000; i++) {
        enum outage_news news = add(&outage, i, FIRST, 1000000, 1000 + i);
        lines += news != OUTAGE_NOTHING;
        assert_true((news == OUTAGE_BEGAN) == (i == OUTAGE_RUN - 1));
    }
    assert_int_equal(lines, 1);
    assert_true(outage.is_on);
    assert_int_equal(outage.since, 1000);
    assert_int_equal(add_clear(&outage, 2000000), OUTAGE_ENDED);
    assert_int_equal(outage.since, 1000);
    assert_false(outage.is_on);
    assert_int_equal(add_clear(&outage, 2000001), OUTAGE_NOTHING);
}

/* All there are, over and over again. */
static void tells_once_on_a_small_gateway_too(void **state)
{
    (void)state;

    for (int domains = 1; domains <= OUTAGE_DOMAINS_MAX; domains++) {
        struct outage outage = {0};
        int began = 0, run = domains > OUTAGE_RUN ? domains : OUTAGE_RUN;
        for (int i = 0; i < 1000; i++) {
            /* as they were known before: broken */
            enum outage_news news = add(&outage, i % domains, LATER, (uint64_t)domains, i);
            began += news == OUTAGE_BEGAN;
            assert_true(news == OUTAGE_NOTHING || i == run - 1);
        }
        assert_int_equal(began, 1);
    }
}

static void counts_the_domains_of_a_large_gateway_however_many_are_broken(void **state)
{
    (void)state;
    struct outage outage = {0};

    for (int i = 0; i < 500; i++)
        assert_int_equal(add(&outage, i, LATER, MANY, i), OUTAGE_NOTHING);
    for (int i = 0; i < OUTAGE_RUN; i++)
        assert_int_equal(add(&outage, 500 + i, FIRST, MANY, i),
                         i == OUTAGE_RUN - 1 ? OUTAGE_BEGAN : OUTAGE_NOTHING);
}

static void begins_anew_after_it_ended(void **state)
{
    (void)state;
    struct outage outage = {0};

    for (int round = 0; round < 3; round++) {
        for (int i = 1; i < OUTAGE_RUN; i++)
            assert_int_equal(add(&outage, i, FIRST, MANY, round * 1000 + i), OUTAGE_NOTHING);
        assert_int_equal(add(&outage, 0, FIRST, MANY, round * 1000 + OUTAGE_RUN), OUTAGE_BEGAN);
        assert_int_equal(outage.since, round * 1000 + 1);
        assert_int_equal(add_clear(&outage, round * 1000 + 100), OUTAGE_ENDED);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_of_single_domains_one_by_one),
        cmocka_unit_test(takes_a_few_that_are_broken_for_no_outage),
        cmocka_unit_test(takes_one_domain_of_many_identities_for_no_outage),
        cmocka_unit_test(tells_once_on_a_small_gateway_too),
        cmocka_unit_test(counts_the_domains_of_a_large_gateway_however_many_are_broken),
        cmocka_unit_test(tells_once_that_nobody_gets_an_answer),
        cmocka_unit_test(begins_anew_after_it_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
