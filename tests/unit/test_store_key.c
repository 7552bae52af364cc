/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/store_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void puts_the_domain_first_and_finds_back(void **state)
{
    (void)state;
    static const struct {
        const char *identity;
        const char *key;
    } rows[] = {
        {"x.example", "x.example"},
        {"a@x.example", "x.example@a"},
        {"\"a@b\"@x.example", "x.example@\"a@b\""},
        {"\xc3\xbc@x", "x@\xc3\xbc"},
        {"x", "x"},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char key[IDENTITY_SIZE];
        char identity[IDENTITY_SIZE];
        size_t length = strlen(rows[i].identity);

        store_key_write(key, rows[i].identity, length);
        assert_memory_equal(key, rows[i].key, length);
        assert_true(store_key_read(identity, key, length));
        assert_string_equal(identity, rows[i].identity);
    }
}

static void refuses_what_is_too_long_for_a_key(void **state)
{
    (void)state;
    char key[IDENTITY_SIZE];
    char identity[IDENTITY_SIZE];

    memset(key, 'x', sizeof key);
    assert_true(store_key_read(identity, key, IDENTITY_SIZE - 1));
    assert_false(store_key_read(identity, key, IDENTITY_SIZE));
}

static void keeps_an_address_beside_its_domain(void **state)
{
    (void)state;
    static const char *const order[] = {"a.example",   "b.example",   "b.example.net",
                                        "a@b.example", "z@b.example", "c.example"};
    enum { COUNT = sizeof order / sizeof *order };

    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < COUNT; j++) {
            int result = store_key_compare(order[i], order[j]);
            assert_int_equal((result > 0) - (result < 0), (i > j) - (i < j));
        }
    }
}

static void orders_times_as_octets(void **state)
{
    (void)state;
    static const int64_t times[] = {0, 1, 255, 256, 65535, INT64_C(1) << 40, INT64_MAX};
    unsigned char before[STORE_KEY_TIME_SIZE] = {0};

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        unsigned char octets[STORE_KEY_TIME_SIZE];
        store_key_write_time(octets, times[i]);
        assert_true(store_key_read_time(octets) == times[i]);
        assert_true(i == 0 || memcmp(before, octets, sizeof octets) < 0);
        memcpy(before, octets, sizeof octets);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_the_domain_first_and_finds_back),
        cmocka_unit_test(refuses_what_is_too_long_for_a_key),
        cmocka_unit_test(keeps_an_address_beside_its_domain),
        cmocka_unit_test(orders_times_as_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
