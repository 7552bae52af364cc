/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/local_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MINUTE = 60, HOUR = 3600, DAY = 86400, NOW = 1795341600 };

static const struct settings settings = {.local = {.pending_interval = 300000,
                                                   .success_interval = 3600000,
                                                   .pending_window = 72 * 3600000LL,
                                                   .temporary_failure_window = 48 * 3600000LL,
                                                   .indeterminate_grace = 24 * 3600000LL}};

static const char *const finding_words[] = {"found", "gone", "unclear"};

/* --- every status, every answer --- */

struct row {
    enum mail_from_status status;
    enum mx_finding finding;
    int64_t age;     /* how long in the status */
    int64_t unclear; /* how long no clear answer, 0: the last one was */
    enum mail_from_status next;
    int64_t check; /* how long until the next check at most, 0: never */
};

#define PENDING   MAIL_FROM_PENDING
#define SUCCESS   MAIL_FROM_SUCCESS
#define FAILED    MAIL_FROM_FAILED
#define TEMPORARY MAIL_FROM_TEMPORARY_FAILURE

static const struct row rows[] = {
    {PENDING, MX_FOUND, 0, 0, SUCCESS, HOUR},
    {PENDING, MX_FOUND, 80 * HOUR, 0, SUCCESS, HOUR},
    {PENDING, MX_FOUND, 0, 90 * HOUR, SUCCESS, HOUR},
    {PENDING, MX_GONE, 0, 0, PENDING, 5 * MINUTE},
    {PENDING, MX_GONE, 72 * HOUR - 1, 0, PENDING, 1},
    {PENDING, MX_GONE, 72 * HOUR - MINUTE, 0, PENDING, MINUTE},
    {PENDING, MX_GONE, 72 * HOUR, 0, FAILED, 0},
    {PENDING, MX_GONE, 72 * HOUR, 30 * HOUR, FAILED, 0},
    {PENDING, MX_UNCLEAR, 0, 0, PENDING, 5 * MINUTE},
    {PENDING, MX_UNCLEAR, 80 * HOUR, 0, PENDING, 5 * MINUTE},
    {PENDING, MX_UNCLEAR, 80 * HOUR, 24 * HOUR - 1, PENDING, 1},
    {PENDING, MX_UNCLEAR, 80 * HOUR, 24 * HOUR, FAILED, 0},
    {PENDING, MX_UNCLEAR, 30 * HOUR, 24 * HOUR, PENDING, 5 * MINUTE},

    {SUCCESS, MX_FOUND, 0, 0, SUCCESS, HOUR},
    {SUCCESS, MX_FOUND, 300 * DAY, 30 * HOUR, SUCCESS, HOUR},
    {SUCCESS, MX_GONE, 0, 0, TEMPORARY, 5 * MINUTE},
    {SUCCESS, MX_GONE, 300 * DAY, 30 * HOUR, TEMPORARY, 5 * MINUTE},
    {SUCCESS, MX_UNCLEAR, 300 * DAY, 0, SUCCESS, 5 * MINUTE},
    {SUCCESS, MX_UNCLEAR, 300 * DAY, 24 * HOUR - MINUTE, SUCCESS, MINUTE},
    {SUCCESS, MX_UNCLEAR, 300 * DAY, 24 * HOUR, TEMPORARY, 5 * MINUTE},

    {TEMPORARY, MX_FOUND, 0, 0, SUCCESS, HOUR},
    {TEMPORARY, MX_FOUND, 60 * HOUR, 50 * HOUR, SUCCESS, HOUR},
    {TEMPORARY, MX_GONE, 0, 0, TEMPORARY, 5 * MINUTE},
    {TEMPORARY, MX_GONE, 48 * HOUR - 1, 0, TEMPORARY, 1},
    {TEMPORARY, MX_GONE, 48 * HOUR, 0, FAILED, 0},
    {TEMPORARY, MX_UNCLEAR, 0, 30 * HOUR, TEMPORARY, 5 * MINUTE},
    {TEMPORARY, MX_UNCLEAR, 50 * HOUR, 0, TEMPORARY, 5 * MINUTE},
    {TEMPORARY, MX_UNCLEAR, 50 * HOUR, 24 * HOUR, FAILED, 0},

    {FAILED, MX_FOUND, 0, 0, FAILED, 0},
    {FAILED, MX_FOUND, 300 * DAY, 0, FAILED, 0},
    {FAILED, MX_GONE, 0, 0, FAILED, 0},
    {FAILED, MX_UNCLEAR, 0, 0, FAILED, 0},
    {FAILED, MX_UNCLEAR, 300 * DAY, 30 * HOUR, FAILED, 0},
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

static struct local_state state_of(const struct row *row)
{
    return (struct local_state){.status = row->status,
                                .since = NOW - row->age,
                                .looked_up = NOW - MINUTE,
                                .unclear_since = row->unclear == 0 ? 0 : NOW - row->unclear};
}

static void expect_row(const struct row *row, double random)
{
    struct local_state next = local_state_next(state_of(row), row->finding, NOW, &settings, random);
    int64_t wait = next.next_check - NOW;
    bool waits_well = row->check == 0
                          ? next.next_check == 0
                          : wait >= 1 && wait <= row->check && wait * 100 >= row->check * 85;
    bool is_new = row->next != row->status;

    if (next.status != row->next || !waits_well || next.since != (is_new ? NOW : NOW - row->age) ||
        (row->finding != MX_UNCLEAR && next.unclear_since != 0))
        fail_msg("row %td, %s for %lld s, %s: %s, next check in %lld s", row - rows,
                 mail_from_status_words[row->status], (long long)row->age,
                 finding_words[row->finding], mail_from_status_words[next.status], (long long)wait);
}

static void knows_what_comes_after_each_status_and_answer(void **state)
{
    (void)state;
    bool covered[MAIL_FROM_STATUS_COUNT][MX_UNCLEAR + 1] = {{false}};

    for (size_t i = 0; i < ROW_COUNT; i++) {
        expect_row(&rows[i], 0);
        expect_row(&rows[i], 0.999);
        covered[rows[i].status][rows[i].finding] = true;
    }
    for (int status = 0; status < MAIL_FROM_STATUS_COUNT; status++) {
        for (int finding = 0; finding <= MX_UNCLEAR; finding++)
            assert_true(covered[status][finding]);
    }
}

static void looks_at_failed_ones_where_that_is_wanted(void **state)
{
    (void)state;
    struct settings wanted = settings;
    struct local_state failed = {.status = MAIL_FROM_FAILED, .since = NOW - DAY};
    struct local_state next;

    wanted.local.recheck_failed = true;
    next = local_state_next(failed, MX_FOUND, NOW, &wanted, 0);
    assert_int_equal(next.status, MAIL_FROM_SUCCESS);
    next = local_state_next(failed, MX_GONE, NOW, &wanted, 0);
    assert_int_equal(next.status, MAIL_FROM_FAILED);
    assert_int_equal(next.next_check - NOW, HOUR);
    assert_int_equal(next.since, NOW - DAY);
}

static void counts_no_time_in_which_nobody_looked(void **state)
{
    (void)state;
    struct local_state success = {.status = MAIL_FROM_SUCCESS,
                                  .since = NOW - 300 * DAY,
                                  .looked_up = NOW - 25 * HOUR,
                                  .unclear_since = NOW - 26 * HOUR};
    struct local_state next = local_state_next(success, MX_UNCLEAR, NOW, &settings, 0);

    assert_int_equal(next.status, MAIL_FROM_SUCCESS);
    assert_int_equal(next.unclear_since, NOW);
}

static void gets_over_a_clock_that_was_set_back(void **state)
{
    (void)state;
    struct local_state pending = {.status = MAIL_FROM_PENDING,
                                  .since = NOW + 10 * DAY,
                                  .looked_up = NOW + 10 * DAY,
                                  .unclear_since = NOW + 10 * DAY};
    struct local_state next = local_state_next(pending, MX_UNCLEAR, NOW, &settings, 0);

    assert_int_equal(next.status, MAIL_FROM_PENDING);
    assert_int_equal(next.unclear_since, NOW);
    assert_true(next.next_check > NOW && next.next_check <= NOW + 5 * MINUTE);
}

/* --- random walks --- */

/* The picture in sync/local_state.h: which status may come after which. */
static bool is_in_the_picture(enum mail_from_status from, enum mail_from_status to)
{
    static const bool edges[MAIL_FROM_STATUS_COUNT][MAIL_FROM_STATUS_COUNT] = {
        [PENDING] = {[PENDING] = true, [SUCCESS] = true, [FAILED] = true},
        [SUCCESS] = {[SUCCESS] = true, [TEMPORARY] = true},
        [TEMPORARY] = {[TEMPORARY] = true, [SUCCESS] = true, [FAILED] = true},
        [FAILED] = {[FAILED] = true},
    };
    return edges[from][to];
}

/* What the walk has seen, kept apart from what the state machine remembers. */
struct seen {
    int64_t entered;    /* the status */
    int64_t last_clear; /* the last clear answer, or the start */
};

static void expect_step(const struct local_state *old, const struct local_state *new,
                        enum mx_finding finding, int64_t now, const struct seen *seen)
{
    int64_t window = local_state_window(old->status, &settings);
    bool has_waited = now - seen->last_clear >= 24 * HOUR;

    assert_true(is_in_the_picture(old->status, new->status));
    assert_true(new->next_check == 0 ? new->status == MAIL_FROM_FAILED : new->next_check > now);
    assert_true(new->next_check <= now + HOUR);
    if (old->status != MAIL_FROM_FAILED && finding == MX_FOUND)
        assert_int_equal(new->status, MAIL_FROM_SUCCESS);
    if (new->status == old->status) {
        /* None is left too late either. */
        assert_false(finding == MX_GONE && window > 0 && now - seen->entered >= window);
        assert_false(finding == MX_GONE && old->status == MAIL_FROM_SUCCESS);
        return;
    }
    assert_int_equal(new->since, now);
    if (new->status == MAIL_FROM_SUCCESS)
        assert_int_equal(finding, MX_FOUND);
    else
        assert_true(finding == MX_GONE || (finding == MX_UNCLEAR && has_waited));
    if (new->status == MAIL_FROM_FAILED)
        assert_true(now - seen->entered >= window);
}

static void walk(unsigned *seed)
{
    struct local_state state = {.status = MAIL_FROM_PENDING, .since = NOW};
    struct seen seen = {NOW, NOW};
    enum mx_finding finding = MX_GONE;
    int64_t now = NOW;

    for (int step = 0; step < 3000 && state.status != MAIL_FROM_FAILED; step++) {
        struct local_state old = state;
        /* Mostly the same answer again, so that windows and grace do end. */
        if (rand_r(seed) % 200 == 0)
            finding = (enum mx_finding)(rand_r(seed) % 3);
        state = local_state_next(old, finding, now, &settings, (rand_r(seed) % 100) / 100.0);
        expect_step(&old, &state, finding, now, &seen);
        if (finding != MX_UNCLEAR)
            seen.last_clear = now;
        if (state.status != old.status)
            seen.entered = now;
        /* Sometimes nobody looks for a while. */
        now = state.next_check + (rand_r(seed) % 50 == 0 ? rand_r(seed) % (2 * HOUR) : 0);
    }
}

static void follows_the_picture_on_random_walks(void **state)
{
    (void)state;
    unsigned seed = 20261122;

    for (int i = 0; i < 1000; i++)
        walk(&seed);
}

/* How long Success lasts with a DNS that answers nothing, where each look-up takes its time-out. */
static int64_t time_to_demotion(int64_t grace, int64_t interval, int64_t timeout)
{
    struct settings short_grace = settings;
    struct local_state state = {.status = MAIL_FROM_SUCCESS, .since = NOW - DAY, .looked_up = NOW};
    int64_t now = NOW;

    short_grace.local.indeterminate_grace = grace * 1000;
    short_grace.local.pending_interval = interval * 1000;
    short_grace.local.timeout = timeout * 1000;
    for (int i = 0; i < 100 && state.status == MAIL_FROM_SUCCESS; i++) {
        state = local_state_next(state, MX_UNCLEAR, now, &short_grace, 0);
        if (state.status == MAIL_FROM_SUCCESS)
            now = state.next_check + timeout;
    }
    assert_int_equal(state.status, MAIL_FROM_TEMPORARY_FAILURE);
    return now - NOW;
}

/* Settings refuse most of these; a record may have been looked up under others. */
static void ends_the_grace_time_however_short_it_is(void **state)
{
    (void)state;
    static const int64_t times[][3] = {
        {306, 300, 5}, {300, 300, 5}, {305, 300, 5}, {60, 300, 5}, {1, 300, 60}, {61, 1, 60},
    };

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t passed = time_to_demotion(times[i][0], times[i][1], times[i][2]);
        assert_true(passed >= times[i][0]);
        assert_true(passed <= times[i][0] + times[i][1] + 2 * times[i][2]);
    }
}

/* With a DNS that answers nothing, no status is left before the grace time is over. */
static void demotes_nobody_within_the_grace_time(void **state)
{
    (void)state;
    static const enum mail_from_status statuses[] = {MAIL_FROM_PENDING, MAIL_FROM_SUCCESS,
                                                     MAIL_FROM_TEMPORARY_FAILURE};

    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        struct local_state now = {
            .status = statuses[i], .since = NOW - 100 * HOUR, .looked_up = NOW - MINUTE};
        int64_t time = NOW;
        do {
            now = local_state_next(now, MX_UNCLEAR, time, &settings, 0.5);
            if (now.status != statuses[i])
                break;
            time = now.next_check;
        } while (time < NOW + 48 * HOUR);
        assert_int_equal(time, NOW + 24 * HOUR);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_what_comes_after_each_status_and_answer),
        cmocka_unit_test(looks_at_failed_ones_where_that_is_wanted),
        cmocka_unit_test(counts_no_time_in_which_nobody_looked),
        cmocka_unit_test(gets_over_a_clock_that_was_set_back),
        cmocka_unit_test(follows_the_picture_on_random_walks),
        cmocka_unit_test(demotes_nobody_within_the_grace_time),
        cmocka_unit_test(ends_the_grace_time_however_short_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
