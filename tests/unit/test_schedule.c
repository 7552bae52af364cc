/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct entry *add(struct table *table, const char *prefix, int number, int64_t due)
{
    char key[32];
    struct entry *entry;

    (void)snprintf(key, sizeof key, "%s%04d.example", prefix, number);
    entry = table_add(table, key, IDENTITY_DOMAIN);
    assert_non_null(entry);
    entry->standing = STANDING_KNOWN;
    entry->due = due;
    return entry;
}

static void a_table_is_sorted_and_finds(void **state)
{
    (void)state;
    struct table table = {.count = 0};

    for (int i = 0; i < 1000; i++)
        (void)add(&table, "d", i * 7919 % 1000, 0);
    assert_int_equal(table.count, 1000);
    for (size_t i = 1; i < table.count; i++)
        assert_true(strcmp(table.entries[i - 1]->key, table.entries[i]->key) < 0);
    assert_ptr_equal(table_find(&table, "d0500.example"), table.entries[500]);
    assert_ptr_equal(table_add(&table, "d0500.example", IDENTITY_DOMAIN), table.entries[500]);
    assert_null(table_find(&table, "d1000.example"));
    assert_null(table_find(&table, ""));
    table_reset(&table);
    assert_null(table_find(&table, "d0500.example"));
}

static bool is_odd(const void *context, const struct entry *entry)
{
    (void)context;
    return (entry->key[4] - '0') % 2 == 1;
}

static void a_table_is_pruned(void **state)
{
    (void)state;
    struct table table = {.count = 0};

    for (int i = 0; i < 10; i++)
        (void)add(&table, "d", i, 0);
    table_prune(&table, is_odd, NULL);
    assert_int_equal(table.count, 5);
    assert_non_null(table_find(&table, "d0008.example"));
    assert_null(table_find(&table, "d0009.example"));
    table_reset(&table);
}

static void nothing_is_picked_before_it_is_due(void **state)
{
    (void)state;
    struct table table = {.count = 0};
    struct entry *picked[SCHEDULE_BATCH_MAX];

    assert_int_equal(schedule_pick(&table, 100, picked), 0);
    (void)add(&table, "d", 1, 101);
    (void)add(&table, "d", 2, TABLE_NEVER);
    assert_int_equal(schedule_pick(&table, 100, picked), 0);
    assert_int_equal(schedule_pick(&table, 101, picked), 1);
    table_reset(&table);
}

static void most_overdue_first_and_always_full(void **state)
{
    (void)state;
    struct table table = {.count = 0};
    struct entry *picked[SCHEDULE_BATCH_MAX];

    for (int i = 0; i < 250; i++)
        (void)add(&table, "d", i, 1000 - i); /* the last is due first */
    assert_int_equal(schedule_pick(&table, 5000, picked), SCHEDULE_BATCH_MAX);
    for (size_t i = 0; i < SCHEDULE_BATCH_MAX; i++)
        assert_true(picked[i]->due == 1000 - 249 + (int64_t)i);
    table_reset(&table);
}

static void a_call_is_filled_with_what_will_be_due_next(void **state)
{
    (void)state;
    struct table table = {.count = 0};
    struct entry *picked[SCHEDULE_BATCH_MAX];

    (void)add(&table, "due", 1, 10);
    for (int i = 0; i < 300; i++)
        (void)add(&table, "later", i, 1000 + i);
    (void)add(&table, "never", 1, TABLE_NEVER);
    assert_int_equal(schedule_pick(&table, 10, picked), SCHEDULE_BATCH_MAX);
    assert_true(picked[0]->due == 10 && picked[99]->due == 1098);
    table_reset(&table);
}

static void parts_of_a_refused_batch_go_alone(void **state)
{
    (void)state;
    struct table table = {.count = 0};
    struct entry *picked[SCHEDULE_BATCH_MAX];

    for (int i = 0; i < 50; i++)
        (void)add(&table, "d", i, 0);
    for (size_t i = 0; i < 10; i++)
        table.entries[i]->group = i < 4 ? 7 : 8;
    table.entries[20]->group = 3;
    table.entries[20]->due = 500; /* a bad one, to be tried again later */
    assert_int_equal(schedule_pick(&table, 100, picked), 4);
    assert_ptr_equal(picked[0], table.entries[0]);
    for (size_t i = 0; i < 4; i++)
        table.entries[i]->group = 0;
    assert_int_equal(schedule_pick(&table, 100, picked), 6);
    for (size_t i = 0; i < 10; i++)
        table.entries[i]->group = 0;
    assert_int_equal(schedule_pick(&table, 100, picked), 49);
    assert_int_equal(schedule_pick(&table, 500, picked), 1);
    assert_ptr_equal(picked[0], table.entries[20]);
    table_reset(&table);
}

static void looks_for_the_first_that_is_due(void **state)
{
    (void)state;
    struct table table = {.count = 0};
    struct schedule_facts facts = {.fetch_is_new = true};

    schedule_look(&facts, &table);
    assert_true(facts.fetch_due == TABLE_NEVER && !facts.fetch_is_new);
    (void)add(&table, "d", 1, 50);
    (void)add(&table, "d", 2, 40);
    schedule_look(&facts, &table);
    assert_true(facts.fetch_due == 40 && !facts.fetch_is_new);
    add(&table, "new", 1, 40)->standing = STANDING_NEW;
    schedule_look(&facts, &table);
    assert_true(facts.fetch_due == 40 && facts.fetch_is_new);
    table_reset(&table);
}

static void decides_what_comes_next(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour;
        struct schedule_facts facts;
        enum schedule_action action;
        int64_t when;
    } rows[] = {
        {"the first thing is a list", {.fetch_due = TABLE_NEVER}, SCHEDULE_LIST, 0},
        {"a list before a mere refresh", {.fetch_due = 5}, SCHEDULE_LIST, 0},
        {"a refresh before a second list",
         {.list_was_last = true, .fetch_due = 5},
         SCHEDULE_FETCH,
         5},
        {"a second list where nothing is due",
         {.list_was_last = true, .fetch_due = TABLE_NEVER},
         SCHEDULE_LIST,
         0},
        {"new ones before a list", {.fetch_is_new = true}, SCHEDULE_FETCH, 0},
        {"an open list before new ones",
         {.list_is_open = true, .list_due = 900, .fetch_is_new = true},
         SCHEDULE_LIST,
         0},
        {"a refresh while no list is due", {.list_due = 900, .fetch_due = 5}, SCHEDULE_FETCH, 5},
        {"what comes first", {.list_due = 900, .fetch_due = 950}, SCHEDULE_LIST, 900},
        {"nothing before the pace allows it",
         {.fetch_due = TABLE_NEVER, .pace_ready = 300},
         SCHEDULE_LIST,
         300},
        {"new ones first also where both wait for the pace",
         {.list_due = 120, .fetch_due = 110, .fetch_is_new = true, .pace_ready = 300},
         SCHEDULE_FETCH,
         300},
        {"a list that fails holds no fetch up",
         {.list_backoff = 5000, .fetch_due = 90},
         SCHEDULE_FETCH,
         90},
        {"a fetch that fails holds no list up",
         {.list_due = 200, .fetch_is_new = true, .fetch_backoff = 5000},
         SCHEDULE_LIST,
         200},
        {"the earlier of two that fail",
         {.list_backoff = 6000, .fetch_is_new = true, .fetch_backoff = 5000},
         SCHEDULE_FETCH,
         5000},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct schedule_step step = schedule_next(&rows[i].facts, 100);
        if (step.action != rows[i].action || step.when != rows[i].when)
            fail_msg("%s: %d at %lld", rows[i].behaviour, step.action, (long long)step.when);
    }
}

static void spreads_refreshes(void **state)
{
    (void)state;
    assert_true(schedule_refresh(1000, 1000, 0) == 2000);
    assert_true(schedule_refresh(1000, 1000, 0.999) > 1849);
    assert_true(schedule_refresh(1000, 1000, 0.999) <= 1851);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_sorted_and_finds),
        cmocka_unit_test(a_table_is_pruned),
        cmocka_unit_test(nothing_is_picked_before_it_is_due),
        cmocka_unit_test(most_overdue_first_and_always_full),
        cmocka_unit_test(a_call_is_filled_with_what_will_be_due_next),
        cmocka_unit_test(parts_of_a_refused_batch_go_alone),
        cmocka_unit_test(looks_for_the_first_that_is_due),
        cmocka_unit_test(decides_what_comes_next),
        cmocka_unit_test(spreads_refreshes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
