/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/moment.h"
#include "common/source_state.h"
#include "tests/unit/ctl_call.h"

/* Milliseconds. What is compared is when the calls were, as the store has it, not when this program
 * came to look: it may be held up at any point. */
enum { INTERVAL = 200, WAIT_MAX = 5000 };

static char title[] = "eu";
static const struct settings_ses section = {.title = title, .requests_per_second = 5};

static struct store *open_store(void)
{
    struct store *store = NULL;
    struct failure why;

    if (!store_open(&store, ctl_store(), STORE_WRITE, "", &why))
        fail_msg("%s", why.text);
    return store;
}

static void wait_in(struct store *store)
{
    struct failure why;

    assert_true(budget_wait(&section, store, &why));
}

static bool write_state(struct store *store, void *context, struct failure *why)
{
    return source_state_write(store, title, context, why);
}

static void set_last_call(struct store *store, int64_t last_call)
{
    struct source_state state = {.last_call = last_call, .heartbeat = 4711};
    struct failure why;

    assert_true(store_update(store, write_state, &state, &why));
}

static int64_t last_call(struct store *store)
{
    struct source_state state;
    struct failure why;

    assert_int_equal(source_state_read(store, title, &state, &why), STORE_FOUND);
    assert_int_equal(state.heartbeat, 4711);
    return state.last_call;
}

static void a_call_of_mailfrom_sync_is_waited_for_and_its_state_kept(void **state)
{
    struct store *store = open_store();
    int64_t now = moment_milliseconds();

    (void)state;
    set_last_call(store, now);
    wait_in(store);
    assert_true(last_call(store) >= now + INTERVAL);
    store_close(store);
}

static void an_own_call_is_remembered_even_if_the_store_forgets_it(void **state)
{
    struct store *store = open_store();
    int64_t own;

    (void)state;
    set_last_call(store, 0);
    wait_in(store);
    own = last_call(store);
    set_last_call(store, own - 60000);
    wait_in(store);
    assert_true(last_call(store) >= own + INTERVAL);
    own = last_call(store);
    wait_in(NULL);
    assert_true(moment_milliseconds() >= own + INTERVAL);
    set_last_call(store, own - 60000);
    wait_in(store);
    assert_true(last_call(store) >= own + 2 * INTERVAL);
    store_close(store);
}

static void a_last_call_in_the_future_stops_nobody(void **state)
{
    struct store *store = open_store();
    int64_t begin = moment_milliseconds();

    (void)state;
    set_last_call(store, begin + 3600000);
    wait_in(store);
    assert_true(last_call(store) < begin + WAIT_MAX);
    store_close(store);
}

#define UNIT_TEST(name) cmocka_unit_test_setup_teardown(name, ctl_setup, ctl_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(a_call_of_mailfrom_sync_is_waited_for_and_its_state_kept),
        UNIT_TEST(an_own_call_is_remembered_even_if_the_store_forgets_it),
        UNIT_TEST(a_last_call_in_the_future_stops_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
