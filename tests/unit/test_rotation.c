/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/rotation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

enum { TODAY = 20784 /* 2026-11-27 */, LIFETIME = 21, FREED = TODAY - LIFETIME - 2, UNKNOWN = 0 };

#define NEW_TEXT    "new-secret-of-today"
#define LETTERS_MAX 8

/* Secrets are written as letters: A is the first. */
static struct return_secrets *secrets_of(const int64_t *days, size_t count)
{
    struct return_secrets *secrets = return_secrets_new();
    struct failure why;

    assert_non_null(secrets);
    for (size_t i = 0; i < count; i++) {
        char text[RETURN_SECRET_TEXT_MIN + 1] = "X-secret-of-test";
        text[0] = (char)('A' + i);
        assert_true(return_secrets_add(secrets, text, days[i], &why));
    }
    return secrets;
}

/* "nAB": the new one, then the first two. */
static void letters_of(const struct return_secrets *secrets, char out[LETTERS_MAX])
{
    memset(out, 0, LETTERS_MAX);
    for (size_t i = 0; i < secrets->count; i++)
        out[i] = secrets->items[i].text[0];
}

static void drops_what_stopped_signing_long_enough_ago(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour;
        size_t count;
        int64_t days[RETURN_SECRETS_MAX];
        const char *left;
    } rows[] = {
        {"the first key", 0, {0}, "n"},
        {"the one that signs stays, however old", 1, {FREED - 100}, "nA"},
        {"the one that signs stays without a date", 1, {UNKNOWN}, "nA"},
        {"needed on its last day", 2, {FREED + 1, FREED - 100}, "nAB"},
        {"not needed from the next day on", 2, {FREED, FREED - 100}, "nA"},
        {"kept where it is not known when it stopped", 2, {UNKNOWN, FREED - 100}, "nAB"},
        {"its own date need not be known", 2, {FREED, UNKNOWN}, "nA"},
        {"waiting to be promoted", 2, {FREED - 100, TODAY - 1}, "nAB"},
        {"waiting for longer than a lifetime", 2, {FREED - 100, FREED}, "nA"},
        {"several", 4, {FREED, FREED - 30, FREED - 60, FREED - 90}, "nA"},
        {"only the last", 4, {TODAY - 1, TODAY - 5, FREED, FREED - 30}, "nABC"},
        {"from the middle", 4, {FREED, FREED - 30, UNKNOWN, FREED - 90}, "nAD"},
        {"a clock that was ahead", 2, {TODAY + 400, FREED - 90}, "nAB"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct return_secrets *before = secrets_of(rows[i].days, rows[i].count);
        struct return_secrets *after = return_secrets_new();
        struct failure why = {.text = ""};
        char letters[LETTERS_MAX];
        bool good = rotation_add(after, before, NEW_TEXT, false, LIFETIME, TODAY, &why);

        letters_of(after, letters);
        if (!good || strcmp(letters, rows[i].left) != 0)
            fail_msg("%s: %s is left, not %s (%s)", rows[i].behaviour, letters, rows[i].left,
                     why.text);
        assert_int_equal(after->items[0].created, TODAY);
        for (size_t k = 1; k < after->count; k++)
            assert_int_equal(after->items[k].created, rows[i].days[after->items[k].text[0] - 'A']);
        return_secrets_free(before);
        return_secrets_free(after);
    }
}

static void puts_one_that_only_verifies_second(void **state)
{
    (void)state;
    static const int64_t days[] = {TODAY - 3, TODAY - 5};
    struct return_secrets *before = secrets_of(days, 2);
    struct return_secrets *after = return_secrets_new();
    struct failure why;
    char letters[LETTERS_MAX];

    assert_true(rotation_add(after, before, NEW_TEXT, true, LIFETIME, TODAY, &why));
    letters_of(after, letters);
    assert_string_equal(letters, "AnB");
    /* It may be needed as long as if it signed from today on; the one behind it no longer. */
    assert_int_equal(rotation_free_from(after, 0, LIFETIME), 0);
    assert_int_equal(rotation_free_from(after, 1, LIFETIME), TODAY + LIFETIME + 2);
    return_secrets_free(before);
    return_secrets_free(after);
}

static void refuses_a_fifth_and_says_from_when_on(void **state)
{
    (void)state;
    static const struct {
        int64_t days[RETURN_SECRETS_MAX];
        int exit_code;
        const char *complaint;
    } rows[] = {
        {{TODAY, TODAY - 4, TODAY - 8, TODAY - 12}, EX_TEMPFAIL, "created from 2026-12-12 on"},
        {{TODAY, UNKNOWN, TODAY - 8, TODAY - 12}, EX_TEMPFAIL, "created from 2026-12-12 on"},
        {{UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN}, EX_CONFIG, "delete the line of one that stopped"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int verify_only = 0; verify_only < 2; verify_only++) {
            struct return_secrets *before = secrets_of(rows[i].days, RETURN_SECRETS_MAX);
            struct return_secrets *after = return_secrets_new();
            struct failure why;

            assert_false(rotation_add(after, before, NEW_TEXT, verify_only, LIFETIME, TODAY, &why));
            assert_int_equal(why.exit_code, rows[i].exit_code);
            if (strstr(why.text, rows[i].complaint) == NULL)
                fail_msg("%s", why.text);
            return_secrets_free(before);
            return_secrets_free(after);
        }
    }
}

/* The day that a refusal names is the first one on which it works. */
static void keeps_its_promise(void **state)
{
    (void)state;
    static const int64_t days[] = {TODAY, TODAY - 4, TODAY - 8, TODAY - 12};
    struct return_secrets *before = secrets_of(days, RETURN_SECRETS_MAX);
    struct failure why;

    for (int64_t day = TODAY; day < TODAY + 20; day++) {
        struct return_secrets *after = return_secrets_new();
        bool good = rotation_add(after, before, NEW_TEXT, false, LIFETIME, day, &why);
        assert_int_equal(good, day >= rotation_free_from(before, 3, LIFETIME));
        return_secrets_free(after);
    }
    return_secrets_free(before);
}

static void promotes_one_and_dates_it_today(void **state)
{
    (void)state;
    static const int64_t days[] = {TODAY - 30, TODAY - 2, TODAY - 60};
    struct return_secrets *before = secrets_of(days, 3);
    struct return_secrets *after = return_secrets_new();
    struct failure why;
    char letters[LETTERS_MAX];

    assert_true(rotation_promote(after, before, before->items[1].id, TODAY, &why));
    letters_of(after, letters);
    assert_string_equal(letters, "BAC");
    assert_int_equal(after->items[0].created, TODAY);
    assert_int_equal(after->items[1].created, TODAY - 30);
    /* A signed until today, whatever its age is. */
    assert_int_equal(rotation_free_from(after, 1, LIFETIME), TODAY + LIFETIME + 2);
    assert_int_equal(rotation_free_from(after, 2, LIFETIME), TODAY - 30 + LIFETIME + 2);
    assert_false(rotation_promote(after, before, "none", TODAY, &why));
    assert_int_equal(why.exit_code, EX_UNAVAILABLE);
    return_secrets_free(before);
    return_secrets_free(after);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(drops_what_stopped_signing_long_enough_ago),
        cmocka_unit_test(puts_one_that_only_verifies_second),
        cmocka_unit_test(refuses_a_fifth_and_says_from_when_on),
        cmocka_unit_test(keeps_its_promise),
        cmocka_unit_test(promotes_one_and_dates_it_today),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
