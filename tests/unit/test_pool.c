/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/pool.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { QUESTIONS = 2000 };

static void count_end(void *context, enum dns_result reason, const unsigned char *octets,
                      size_t length)
{
    unsigned *ended = context;

    (void)length;
    assert_null(octets);
    assert_true(reason == DNS_UNREACHABLE || reason == DNS_TIMEOUT);
    ++*ended;
}

/* Nobody listens there. */
static void begin(struct pool *pool)
{
    struct failure why;

    *pool = (struct pool){.server_count = 1, .timeout = 200};
    assert_true(channel_start());
    assert_true(server_parse(&pool->servers[0], "127.0.0.1:1", &why));
}

static void closes_what_is_worn(void **state)
{
    struct pool pool;
    unsigned ended = 0;
    int64_t now = 0;

    (void)state;
    begin(&pool);
    for (int i = 0; i < QUESTIONS; i++) {
        assert_true(pool_ask(&pool, 0, true, "a.example", DNS_A, count_end, &ended));
        (void)pool_wait(&pool, 0);
    }
    assert_true(pool.source_count > 1);
    do {
        (void)pool_wait(&pool, 10);
        pool_tend(&pool, now += 1000);
    } while (ended < QUESTIONS);
    assert_int_equal(pool.source_count, 1);
    pool_reset(&pool);
    channel_stop();
}

static void ends_what_is_open(void **state)
{
    struct pool pool;
    unsigned ended = 0;

    (void)state;
    begin(&pool);
    assert_true(pool_ask(&pool, 0, true, "a.example", DNS_A, count_end, &ended));
    pool_reset(&pool);
    assert_int_equal(ended, 1);
    assert_int_equal(pool.source_count, 0);
    channel_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closes_what_is_worn),
        cmocka_unit_test(ends_what_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
