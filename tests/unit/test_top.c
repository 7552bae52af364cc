/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/top.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct top top;
static bool is_sorted;

static const struct decision custom = {VERDICT_CUSTOM, REASON_VERIFIED};
static const struct decision expired = {VERDICT_DEFER, REASON_EXPIRED};

static int forget(void **state)
{
    (void)state;
    memset(&top, 0, sizeof top);
    is_sorted = false;
    return 0;
}

static void expect(size_t place, const char *identity, uint64_t count, uint64_t excess)
{
    assert_string_equal(top.entries[place].identity, identity);
    assert_int_equal(is_sorted ? top.entries[place].count : top.counts[place], count);
    assert_int_equal(top.entries[place].excess, excess);
}

static void tells_identities_and_decisions_apart(void **state)
{
    (void)state;
    top_add(&top, "b.example", custom);
    top_add(&top, "a.example", custom);
    top_add(&top, "a.example", expired);
    top_add(&top, "a.example", custom);
    top_add(&top, "", custom);
    top_sort(&top);
    is_sorted = true;
    assert_int_equal(top.count, 4);
    expect(0, "a.example", 2, 0);
    expect(1, "", 1, 0);
    expect(2, "a.example", 1, 0);
    expect(3, "b.example", 1, 0);
    assert_int_equal(top.entries[2].decision.reason, REASON_EXPIRED);
}

static void add_numbered(int number, int times)
{
    char identity[IDENTITY_SIZE];

    (void)snprintf(identity, sizeof identity, "%d.example", number);
    for (int i = 0; i < times; i++)
        top_add(&top, identity, custom);
}

static void a_new_one_takes_the_place_of_the_least(void **state)
{
    (void)state;
    for (int i = 0; i < TOP_MAX; i++)
        add_numbered(i, i == 7 ? 2 : 3);
    assert_int_equal(top.count, TOP_MAX);
    top_add(&top, "new.example", custom);
    assert_int_equal(top.count, TOP_MAX);
    expect(7, "new.example", 3, 2);
    top_add(&top, "new.example", custom);
    expect(7, "new.example", 4, 2);
}

/* With many more identities than places: nobody with a large share is missing, no count is too low,
 * and none too high by more than its excess. */
static void the_frequent_ones_are_there(void **state)
{
    (void)state;
    unsigned seed = 1;
    uint64_t all = 0;
    uint64_t often = 0;

    for (int i = 0; i < 100000; i++) {
        seed = seed * 1103515245 + 12345;
        if ((seed >> 16) % 20 == 0) {
            top_add(&top, "often.example", custom);
            often++;
        } else {
            add_numbered((int)(seed >> 16) % 5000, 1);
        }
        all++;
    }
    top_sort(&top);
    assert_string_equal(top.entries[0].identity, "often.example");
    assert_true(top.entries[0].count >= often);
    assert_true(top.entries[0].count - top.entries[0].excess <= often);
    for (size_t i = 0; i < top.count; i++)
        all -= top.entries[i].count;
    assert_int_equal(all, 0);
}

#define TEST(function) cmocka_unit_test_setup(function, forget)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(tells_identities_and_decisions_apart),
        TEST(a_new_one_takes_the_place_of_the_least),
        TEST(the_frequent_ones_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
