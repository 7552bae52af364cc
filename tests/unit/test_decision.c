/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/decision.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1795341600 };

/* Row 7: all is well. */
static const struct decision_facts verified = {
    .outbound = true,
    .sender_portable = true,
    .lookup = LOOKUP_FOUND,
    .has_mail_from_domain = true,
    .status = MAIL_FROM_SUCCESS,
    .behavior = MAIL_FROM_REJECT_MESSAGE,
    .expire_after = NOW,
};

/* The defaults of the settings, and a default domain. */
static const struct decision_policy usual = {
    .on_unavailable = VERDICT_DEFER,
    .on_unknown_identity = VERDICT_PASS,
    .on_expired = VERDICT_DEFER,
    .has_default_domain = true,
};

static void expect(const char *behaviour, struct decision_facts facts,
                   struct decision_policy policy, enum verdict verdict, const char *reason)
{
    struct decision decision = decide(facts, policy, NOW);

    if (decision.verdict != verdict || strcmp(reason_words[decision.reason], reason) != 0)
        fail_msg("%s: %s, %s", behaviour, verdict_words[decision.verdict],
                 reason_words[decision.reason]);
}

static void row_1_null_sender(struct decision_facts *facts)
{
    facts->null_sender = true;
}

static void row_2_not_outbound(struct decision_facts *facts)
{
    facts->outbound = false;
}

static void row_3_unavailable(struct decision_facts *facts)
{
    facts->lookup = LOOKUP_UNAVAILABLE;
}

static void row_4_unknown_identity(struct decision_facts *facts)
{
    facts->lookup = LOOKUP_UNKNOWN;
}

static void row_5_expired(struct decision_facts *facts)
{
    facts->expire_after = NOW - 1;
}

static void row_6_no_domain(struct decision_facts *facts)
{
    facts->has_mail_from_domain = false;
}

static void row_7_success(struct decision_facts *facts)
{
    facts->status = MAIL_FROM_SUCCESS;
}

static void row_8_temporary_failure(struct decision_facts *facts)
{
    facts->status = MAIL_FROM_TEMPORARY_FAILURE;
    facts->behavior = MAIL_FROM_REJECT_MESSAGE;
}

static void row_9_reject_message(struct decision_facts *facts)
{
    facts->status = MAIL_FROM_FAILED;
    facts->behavior = MAIL_FROM_REJECT_MESSAGE;
}

static void row_10_use_default_value(struct decision_facts *facts)
{
    facts->status = MAIL_FROM_FAILED;
    facts->behavior = MAIL_FROM_USE_DEFAULT_VALUE;
}

/* The design's table, with the setting of row 8 switched on. */
static const struct {
    void (*set)(struct decision_facts *facts);
    enum verdict verdict;
    const char *reason;
} table[] = {
    {row_1_null_sender, VERDICT_PASS, "null-sender"},
    {row_2_not_outbound, VERDICT_PASS, "not-outbound"},
    {row_3_unavailable, VERDICT_DEFER, "unavailable"},
    {row_4_unknown_identity, VERDICT_PASS, "unknown-identity"},
    {row_5_expired, VERDICT_DEFER, "expired"},
    {row_6_no_domain, VERDICT_DEFAULT, "no-mail-from-domain"},
    {row_7_success, VERDICT_CUSTOM, "verified"},
    {row_8_temporary_failure, VERDICT_DEFER, "temporary-failure-deferred"},
    {row_9_reject_message, VERDICT_REJECT, "mx-failure-reject"},
    {row_10_use_default_value, VERDICT_DEFAULT, "mx-failure-default"},
};
enum { ROWS = sizeof table / sizeof *table };

static void has_a_verdict_for_each_row(void **state)
{
    (void)state;
    struct decision_policy policy = usual;

    policy.defer_temporary_failure = true;
    for (size_t i = 0; i < ROWS; i++) {
        struct decision_facts facts = verified;
        table[i].set(&facts);
        expect("row", facts, policy, table[i].verdict, table[i].reason);
        assert_int_equal(decide(facts, policy, NOW).reason, i);
    }
    assert_string_equal(reason_words[ROWS], "bad-sender");
}

/* Rows 3 and 4, and 7 to 10, exclude one another: the earlier is set last, so that it holds. */
static void lets_each_row_win_over_those_below(void **state)
{
    (void)state;
    struct decision_policy policy = usual;

    policy.defer_temporary_failure = true;
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = i + 1; j < ROWS; j++) {
            struct decision_facts facts = verified;
            table[j].set(&facts);
            table[i].set(&facts);
            expect("two rows", facts, policy, table[i].verdict, table[i].reason);
        }
    }
}

static void lets_the_first_row_win_over_all(void **state)
{
    (void)state;
    struct decision_facts facts = verified;

    for (size_t i = ROWS; i-- > 0;) {
        table[i].set(&facts);
        if (i < 6)
            expect("all rows from here", facts, usual, table[i].verdict, table[i].reason);
    }
}

static void follows_the_policies(void **state)
{
    (void)state;
    static const enum verdict choices[] = {VERDICT_PASS, VERDICT_DEFAULT, VERDICT_REJECT,
                                           VERDICT_DEFER};

    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        struct decision_policy policy = usual;
        struct decision_facts facts = verified;
        policy.on_unavailable = choices[i];
        facts.lookup = LOOKUP_UNAVAILABLE;
        expect("on-unavailable", facts, policy, choices[i], "unavailable");
        policy = usual;
        policy.on_unknown_identity = choices[i];
        facts.lookup = LOOKUP_UNKNOWN;
        expect("on-unknown-identity", facts, policy, choices[i], "unknown-identity");
        policy = usual;
        policy.on_expired = choices[i];
        facts = verified;
        facts.expire_after = 1;
        expect("on-expired", facts, policy, choices[i], "expired");
    }
}

static void passes_where_the_default_domain_is_unset(void **state)
{
    (void)state;
    struct decision_policy policy = {
        .on_unavailable = VERDICT_DEFAULT,
        .on_unknown_identity = VERDICT_DEFAULT,
        .on_expired = VERDICT_DEFAULT,
    };
    struct decision_facts facts;

    for (size_t i = 2; i < ROWS; i++) {
        facts = verified;
        table[i].set(&facts);
        if (table[i].set == row_7_success || table[i].set == row_8_temporary_failure ||
            table[i].set == row_9_reject_message)
            continue;
        facts.sender_portable = false;
        expect("default unset", facts, policy, VERDICT_PASS, table[i].reason);
    }
    expect("the custom domain needs no default", verified, policy, VERDICT_CUSTOM, "verified");
}

static void expires_after_the_second_it_is_due(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour;
        int64_t expire_after;
        const char *reason;
    } rows[] = {
        {"never", 0, "verified"},
        {"this second", NOW, "verified"},
        {"next second", NOW + 1, "verified"},
        {"last second", NOW - 1, "expired"},
        {"long ago", 1, "expired"},
        {"before the epoch", -1, "expired"},
        {"at the end of time", INT64_MAX, "verified"},
        {"at its beginning", INT64_MIN, "expired"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decision_facts facts = verified;
        facts.expire_after = rows[i].expire_after;
        expect(rows[i].behaviour, facts, usual,
               rows[i].reason[0] == 'v' ? VERDICT_CUSTOM : VERDICT_DEFER, rows[i].reason);
    }
}

static void judges_each_status_with_each_behaviour(void **state)
{
    (void)state;
    static const struct {
        enum mail_from_status status;
        enum mail_from_behavior behavior;
        bool defer;
        enum verdict verdict;
        const char *reason;
    } rows[] = {
        {MAIL_FROM_PENDING, MAIL_FROM_USE_DEFAULT_VALUE, false, VERDICT_DEFAULT,
         "mx-failure-default"},
        {MAIL_FROM_FAILED, MAIL_FROM_USE_DEFAULT_VALUE, true, VERDICT_DEFAULT,
         "mx-failure-default"},
        {MAIL_FROM_TEMPORARY_FAILURE, MAIL_FROM_USE_DEFAULT_VALUE, true, VERDICT_DEFAULT,
         "mx-failure-default"},
        {MAIL_FROM_SUCCESS, MAIL_FROM_USE_DEFAULT_VALUE, true, VERDICT_CUSTOM, "verified"},
        {MAIL_FROM_PENDING, MAIL_FROM_REJECT_MESSAGE, true, VERDICT_REJECT, "mx-failure-reject"},
        {MAIL_FROM_FAILED, MAIL_FROM_REJECT_MESSAGE, true, VERDICT_REJECT, "mx-failure-reject"},
        {MAIL_FROM_TEMPORARY_FAILURE, MAIL_FROM_REJECT_MESSAGE, false, VERDICT_REJECT,
         "mx-failure-reject"},
        {MAIL_FROM_TEMPORARY_FAILURE, MAIL_FROM_REJECT_MESSAGE, true, VERDICT_DEFER,
         "temporary-failure-deferred"},
        {MAIL_FROM_SUCCESS, MAIL_FROM_REJECT_MESSAGE, true, VERDICT_CUSTOM, "verified"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct decision_facts facts = verified;
        struct decision_policy policy = usual;
        facts.status = rows[i].status;
        facts.behavior = rows[i].behavior;
        policy.defer_temporary_failure = rows[i].defer;
        expect(mail_from_status_words[rows[i].status], facts, policy, rows[i].verdict,
               rows[i].reason);
    }
}

static void rejects_a_bad_sender_only_where_a_rewrite_is_due(void **state)
{
    (void)state;

    for (size_t i = 0; i < ROWS; i++) {
        struct decision_facts facts = verified;
        struct decision_policy policy = usual;
        bool is_due = table[i].verdict == VERDICT_CUSTOM || table[i].verdict == VERDICT_DEFAULT;
        policy.defer_temporary_failure = true;
        table[i].set(&facts);
        facts.sender_portable = false;
        expect("bad sender", facts, policy, is_due ? VERDICT_REJECT : table[i].verdict,
               is_due ? "bad-sender" : table[i].reason);
    }
}

static void has_a_word_and_an_explanation_for_each_value(void **state)
{
    (void)state;
    static const char *const verdicts[] = {"pass", "custom", "default", "reject", "defer"};

    for (int i = 0; i < VERDICT_COUNT; i++)
        assert_string_equal(verdict_words[i], verdicts[i]);
    for (int i = 0; i < REASON_COUNT; i++) {
        assert_non_null(reason_words[i]);
        assert_non_null(reason_explanations[i]);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(reason_words[i], reason_words[j]);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_a_verdict_for_each_row),
        cmocka_unit_test(lets_each_row_win_over_those_below),
        cmocka_unit_test(lets_the_first_row_win_over_all),
        cmocka_unit_test(follows_the_policies),
        cmocka_unit_test(passes_where_the_default_domain_is_unset),
        cmocka_unit_test(expires_after_the_second_it_is_due),
        cmocka_unit_test(judges_each_status_with_each_behaviour),
        cmocka_unit_test(rejects_a_bad_sender_only_where_a_rewrite_is_due),
        cmocka_unit_test(has_a_word_and_an_explanation_for_each_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
