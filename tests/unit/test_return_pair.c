/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/return_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void is_made_of_an_identity_and_its_mail_from_domain(void **state)
{
    static const struct {
        const char *identity;
        const char *mail_from_domain;
        const char *domain; /* NULL: no pair */
    } rows[] = {
        {"x.example", "m.x.example", "x.example"},
        {"u@x.example", "m.x.example", "x.example"},
        {"\"u@v\"@x.example", "a.m.x.example", "x.example"},
        {"example", "x.example", "example"},
        {"x.example", "x.example", NULL},
        {"m.x.example", "x.example", NULL},
        {"x.example", "mx.example", NULL},
        {"x.example", "", NULL},
        {"u@", "m.x.example", NULL},
        {"", "m.x.example", NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct return_pair pair;
        bool made = return_pair_init(&pair, rows[i].identity, rows[i].mail_from_domain);
        assert_int_equal(made, rows[i].domain != NULL);
        if (!made)
            continue;
        assert_string_equal((const char *)pair.key, rows[i].mail_from_domain);
        assert_string_equal(return_pair_domain(pair.key, pair.size), rows[i].domain);
    }
}

static void has_room_for_the_longest_domain(void **state)
{
    char domain[IDENTITY_DOMAIN_MAX + 1];
    struct return_pair pair;

    (void)state;
    memset(domain, 'a', sizeof domain - 1);
    domain[IDENTITY_DOMAIN_MAX] = '\0';
    domain[1] = '.';
    assert_true(return_pair_init(&pair, domain + 2, domain));
    assert_int_equal(pair.size, sizeof pair.key);
    assert_string_equal(return_pair_domain(pair.key, pair.size), domain + 2);
}

static void is_not_read_from_anything_else(void **state)
{
    static const struct {
        const char *key;
        size_t size;
    } rows[] = {
        {"", 0},
        {"", 1},
        {"a\0", 2},
        {"\0\0", 3},
        {"m.x.example\0\011", 12},
        {"m.x.example\0\011\011", 14},
        {"m.x.example\0\0", 13},
        {"m.x.example\0\010", 13},
        {"m.x.example\0\012", 13},
        {"m.x.example\0\013", 13},
        {"m.x.example\0\377", 13},
        {"m\0x.example\0\011", 13},
        {"m.x.example.\011", 13},
    };
    static char long_key[IDENTITY_DOMAIN_MAX + 3];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_null(return_pair_domain(rows[i].key, rows[i].size));
    memset(long_key, '.', sizeof long_key - 2);
    long_key[sizeof long_key - 1] = 7;
    assert_null(return_pair_domain(long_key, sizeof long_key));
}

static void goes_at_a_time(void **state)
{
    unsigned char early[RETURN_PAIR_GONE_SIZE];
    unsigned char late[RETURN_PAIR_GONE_SIZE];
    struct return_pair pair;
    size_t size;

    (void)state;
    assert_true(return_pair_init(&pair, "x.example", "m.x.example"));
    size = return_pair_write_gone(early, &pair, 255);
    assert_int_equal(size, RETURN_PAIR_GONE_HEAD + pair.size);
    assert_int_equal(return_pair_write_gone(late, &pair, 256), size);
    assert_true(memcmp(early, late, size) < 0);
    assert_int_equal(store_key_read_time(late + 1), 256);
    assert_memory_equal(late + RETURN_PAIR_GONE_HEAD, pair.key, pair.size);
}

static void has_references_or_has_gone(void **state)
{
    static const struct {
        struct return_entry entry;
        bool good;
    } rows[] = {
        {{1, 0, 0}, true},  {{2, 2, 0}, true},  {{0, 0, 1}, true},
        {{0, 1, 1}, true},  {{0, 0, 0}, false}, {{1, 0, 1}, false},
        {{1, 2, 0}, false}, {{0, 2, 1}, false}, {{0, 0, -1}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(return_entry_check(&rows[i].entry), rows[i].good);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_made_of_an_identity_and_its_mail_from_domain),
        cmocka_unit_test(has_room_for_the_longest_domain),
        cmocka_unit_test(is_not_read_from_anything_else),
        cmocka_unit_test(goes_at_a_time),
        cmocka_unit_test(has_references_or_has_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
