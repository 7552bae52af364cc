/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void reads_rfc_3339_in_utc(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t moment;
    } rows[] = {
        {"1970-01-01T00:00:01Z", 1},
        {"2026-11-22T10:00:00Z", 1795341600},
        {"2024-02-29T23:59:59Z", 1709251199},
        {"2038-01-19T03:14:08Z", 2147483648},
        {"9999-12-31T23:59:59Z", 253402300799},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char again[MOMENT_SIZE];
        int64_t moment = 0;
        if (!moment_parse(rows[i].text, &moment) || moment != rows[i].moment)
            fail_msg("%s gave %lld", rows[i].text, (long long)moment);
        assert_true(moment_format(moment, again));
        assert_string_equal(again, rows[i].text);
    }
}

static void refuses_what_is_no_moment(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "now",
        "2026-11-22",
        "2026-11-22T10:00:00",
        "2026-11-22T10:00:00+00:00",
        "2026-11-22T10:00:00.5Z",
        "2026-11-22t10:00:00z",
        "2026-11-22 10:00:00Z",
        " 2026-11-22T10:00:00Z",
        "2026-11-22T10:00:00Z ",
        "2026-02-30T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-1-2T3:4:5Z",
        "1970-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "10000-01-01T00:00:00Z",
        "99999999999999999999-01-01T00:00:00Z",
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t moment;
        if (moment_parse(rows[i], &moment))
            fail_msg("\"%s\" was taken", rows[i]);
    }
}

static void never_has_no_form(void **state)
{
    (void)state;
    char text[MOMENT_SIZE];

    assert_false(moment_format(0, text));
    assert_string_equal(text, "");
    assert_false(moment_format(-1, text));
    assert_false(moment_format(253402300800, text));
    assert_false(moment_format(INT64_MAX, text));
}

static void ages_have_one_unit(void **state)
{
    (void)state;
    enum { NOW = 2000000000 };
    static const struct {
        int64_t moment;
        const char *age;
    } rows[] = {
        {NOW, "0s"},          {NOW - 59, "59s"},
        {NOW - 60, "1m"},     {NOW - 3599, "59m"},
        {NOW - 3600, "1h"},   {NOW - 172799, "47h"},
        {NOW - 172800, "2d"}, {NOW - 86400 * 9, "9d"},
        {NOW + 120, "2m"},    {0, "-"},
        {INT64_MIN, "-"},     {INT64_MAX, "-"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char age[MOMENT_AGE_SIZE];
        moment_age(rows[i].moment, NOW, age);
        assert_string_equal(age, rows[i].age);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_rfc_3339_in_utc),
        cmocka_unit_test(refuses_what_is_no_moment),
        cmocka_unit_test(never_has_no_form),
        cmocka_unit_test(ages_have_one_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
