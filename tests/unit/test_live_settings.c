/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What is used after it was freed, and what is never freed, is for the sanitizers to see.
 */
#include "milter/live_settings.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 8, REPLACEMENTS = 200 };

/* Two texts that belong together: a reader sees both of one file, or both of the other. */
static struct settings *make_settings(int number)
{
    char text[200];
    struct settings *settings;
    struct failure why;
    FILE *in;

    (void)snprintf(text, sizeof text, "store = \"/%d\"\nstore-group = \"/%d\"\n", number, number);
    in = fmemopen(text, strlen(text), "r");
    assert_non_null(in);
    if (!settings_parse(&settings, in, "test", &why))
        fail_msg("%s", why.text);
    (void)fclose(in);
    return settings;
}

static void puts_settings_into_force(void **state)
{
    (void)state;
    struct live_settings *live;

    assert_true(live_settings_take(make_settings(1), NULL));
    live = live_settings_acquire();
    assert_string_equal(live_settings_get(live)->store, "/1");
    live_settings_release(live);
}

static void keeps_what_was_acquired_over_a_replacement(void **state)
{
    (void)state;
    struct live_settings *first;
    struct live_settings *again;
    struct live_settings *second;

    assert_true(live_settings_take(make_settings(1), NULL));
    first = live_settings_acquire();
    again = live_settings_acquire();
    assert_ptr_equal(live_settings_get(first), live_settings_get(again));
    assert_true(live_settings_take(make_settings(2), NULL));
    second = live_settings_acquire();
    assert_string_equal(live_settings_get(first)->store, "/1");
    assert_string_equal(live_settings_get(second)->store, "/2");
    live_settings_release(first);
    assert_string_equal(live_settings_get(again)->store, "/1");
    live_settings_release(again);
    live_settings_release(second);
    second = live_settings_acquire();
    assert_string_equal(live_settings_get(second)->store, "/2");
    live_settings_release(second);
}

static void takes_none_for_release(void **state)
{
    (void)state;
    live_settings_release(NULL);
}

static atomic_bool stop;

static void *read_until_stopped(void *context)
{
    unsigned long *torn = context;

    while (!atomic_load(&stop)) {
        struct live_settings *live = live_settings_acquire();
        const struct settings *settings = live_settings_get(live);
        *torn += strcmp(settings->store, settings->store_group) != 0;
        live_settings_release(live);
    }
    return NULL;
}

static void replaces_them_under_readers(void **state)
{
    (void)state;
    unsigned long torn[THREADS] = {0};
    pthread_t ids[THREADS];
    struct live_settings *live;

    assert_true(live_settings_take(make_settings(0), NULL));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&ids[i], NULL, read_until_stopped, &torn[i]), 0);
    for (int i = 1; i <= REPLACEMENTS; i++)
        assert_true(live_settings_take(make_settings(i), NULL));
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(ids[i], NULL);
        assert_int_equal(torn[i], 0);
    }
    live = live_settings_acquire();
    assert_string_equal(live_settings_get(live)->store, "/200");
    live_settings_release(live);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_settings_into_force),
        cmocka_unit_test(keeps_what_was_acquired_over_a_replacement),
        cmocka_unit_test(takes_none_for_release),
        cmocka_unit_test(replaces_them_under_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
