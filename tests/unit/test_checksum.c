/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/checksum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

/* Stores on disk depend on it. */
static void is_fnv_1a_of_key_and_value(void **state)
{
    (void)state;
    assert_int_equal(checksum_of("", 0, "", 0), UINT64_C(0xcbf29ce484222325));
    assert_int_equal(checksum_of("", 0, "a", 1), UINT64_C(0xaf63dc4c8601ec8c));
    assert_int_equal(checksum_of("foo", 3, "bar", 3), UINT64_C(0x85944171f73967e8));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(is_fnv_1a_of_key_and_value)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
