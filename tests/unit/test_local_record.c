/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/local_record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { BEFORE = 100, FOUND = 200, NOW = 1000 };

static struct mail_from record_of(const char *domain, enum mail_from_status status)
{
    struct mail_from record = {.kind = IDENTITY_DOMAIN,
                               .source = MAIL_FROM_LOCAL,
                               .former = MAIL_FROM_LOCAL,
                               .verified = true,
                               .status = status,
                               .status_since = BEFORE,
                               .found_at = FOUND,
                               .unclear_since = FOUND,
                               .found = "NXDOMAIN"};

    (void)strcpy(record.domain, domain);
    record.refresh_after = domain[0] == '\0' ? 0 : FOUND + 300;
    return record;
}

static void expect_anew(const struct mail_from *record, const char *domain)
{
    assert_string_equal(record->domain, domain);
    assert_int_equal(record->status, MAIL_FROM_PENDING);
    assert_int_equal(record->status_since, NOW);
    assert_int_equal(record->refresh_after, domain[0] == '\0' ? 0 : NOW);
    assert_int_equal(record->expire_after, 0);
    assert_int_equal(record->found_at, 0);
    assert_int_equal(record->unclear_since, 0);
    assert_string_equal(record->found, "");
}

static void a_new_one_has_no_domain_and_may_send(void **state)
{
    struct mail_from record;

    (void)state;
    memset(&record, 0xff, sizeof record);
    local_record_init(&record, IDENTITY_ADDRESS);
    assert_int_equal(record.kind, IDENTITY_ADDRESS);
    assert_int_equal(record.source, MAIL_FROM_LOCAL);
    assert_int_equal(record.former, MAIL_FROM_LOCAL);
    assert_true(record.verified);
    assert_string_equal(record.domain, "");
    assert_int_equal(record.behavior, MAIL_FROM_USE_DEFAULT_VALUE);
    assert_int_equal(record.refresh_after, 0);
    assert_int_equal(record.expire_after, 0);
    assert_int_equal(record.found_at, 0);
}

/* The record has m.x.example and UseDefaultValue before. */
static void a_put_begins_anew_where_ses_does(void **state)
{
    static const struct row {
        const char *behaviour;
        enum mail_from_status status;
        const char *domain;
        enum mail_from_behavior behavior;
        bool force;
        enum local_record_change change;
    } rows[] = {
        {"the same, Pending", MAIL_FROM_PENDING, "m.x.example", 0, false, LOCAL_RECORD_SAME},
        {"the same, Success", MAIL_FROM_SUCCESS, "m.x.example", 0, false, LOCAL_RECORD_SAME},
        {"the same, TemporaryFailure", MAIL_FROM_TEMPORARY_FAILURE, "m.x.example", 0, false,
         LOCAL_RECORD_SAME},
        {"the same, Failed", MAIL_FROM_FAILED, "m.x.example", 0, false, LOCAL_RECORD_ANEW},
        {"the same, forced", MAIL_FROM_SUCCESS, "m.x.example", 0, true, LOCAL_RECORD_ANEW},
        {"another behavior", MAIL_FROM_SUCCESS, "m.x.example", MAIL_FROM_REJECT_MESSAGE, false,
         LOCAL_RECORD_BEHAVIOR},
        {"another behavior, Failed", MAIL_FROM_FAILED, "m.x.example", MAIL_FROM_REJECT_MESSAGE,
         false, LOCAL_RECORD_ANEW},
        {"another domain", MAIL_FROM_SUCCESS, "n.x.example", 0, false, LOCAL_RECORD_ANEW},
        {"cleared", MAIL_FROM_SUCCESS, "", 0, false, LOCAL_RECORD_CLEARED},
        {"cleared, forced", MAIL_FROM_FAILED, "", 0, true, LOCAL_RECORD_CLEARED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct mail_from record = record_of("m.x.example", rows[i].status);
        struct mail_from before = record;
        enum local_record_change change =
            local_record_put(&record, rows[i].domain, rows[i].behavior, rows[i].force, NOW);
        if (change != rows[i].change)
            fail_msg("%s: %d", rows[i].behaviour, (int)change);
        assert_int_equal(record.behavior, rows[i].behavior);
        if (change == LOCAL_RECORD_ANEW || change == LOCAL_RECORD_CLEARED) {
            expect_anew(&record, rows[i].domain);
            continue;
        }
        before.behavior = rows[i].behavior;
        assert_memory_equal(&record, &before, sizeof record);
    }
}

static void to_clear_what_is_clear_changes_nothing(void **state)
{
    struct mail_from record = record_of("", MAIL_FROM_PENDING);

    (void)state;
    assert_int_equal(local_record_put(&record, "", MAIL_FROM_USE_DEFAULT_VALUE, false, NOW),
                     LOCAL_RECORD_SAME);
    assert_int_equal(local_record_put(&record, "", MAIL_FROM_USE_DEFAULT_VALUE, true, NOW),
                     LOCAL_RECORD_SAME);
    record.behavior = MAIL_FROM_REJECT_MESSAGE; /* an adopted one may have that */
    assert_int_equal(local_record_put(&record, "", MAIL_FROM_USE_DEFAULT_VALUE, false, NOW),
                     LOCAL_RECORD_CLEARED);
    assert_int_equal(record.behavior, MAIL_FROM_USE_DEFAULT_VALUE);
}

/* A status that a put of the domain would begin anew. */
static void switching_feedback_forwarding_changes_nothing_else(void **state)
{
    struct mail_from record = record_of("m.x.example", MAIL_FROM_FAILED);
    struct mail_from before = record;

    (void)state;
    assert_false(local_record_switch_feedback(&record, false));
    assert_memory_equal(&record, &before, sizeof record);
    assert_true(local_record_switch_feedback(&record, true));
    assert_false(local_record_switch_feedback(&record, true));
    before.feedback_off = true;
    assert_memory_equal(&record, &before, sizeof record);
    assert_true(local_record_switch_feedback(&record, false));
    assert_false(record.feedback_off);
}

static struct mail_from foreign(enum mail_from_source source, const char *domain)
{
    struct mail_from record = record_of(domain, MAIL_FROM_TEMPORARY_FAILURE);

    record.source = source;
    record.behavior = MAIL_FROM_REJECT_MESSAGE;
    record.verified = false;
    record.expire_after = NOW + 1;
    (void)strcpy(record.section, source == MAIL_FROM_SES ? "eu" : "");
    (void)strcpy(record.last_error, "timed out");
    return record;
}

static void adopting_keeps_the_attributes(void **state)
{
    struct mail_from record = foreign(MAIL_FROM_SES, "m.x.example");

    (void)state;
    local_record_adopt(&record, NOW);
    assert_int_equal(record.source, MAIL_FROM_LOCAL);
    assert_int_equal(record.former, MAIL_FROM_SES);
    assert_string_equal(record.section, "eu");
    assert_string_equal(record.domain, "m.x.example");
    assert_int_equal(record.status, MAIL_FROM_TEMPORARY_FAILURE);
    assert_int_equal(record.status_since, BEFORE);
    assert_int_equal(record.behavior, MAIL_FROM_REJECT_MESSAGE);
    assert_false(record.verified);
    assert_int_equal(record.refresh_after, NOW);
    assert_int_equal(record.expire_after, 0);
    assert_int_equal(record.found_at, 0);
    assert_int_equal(record.unclear_since, 0);
    assert_string_equal(record.found, "");
    assert_string_equal(record.last_error, "");
    record = foreign(MAIL_FROM_FILE, "");
    local_record_adopt(&record, NOW);
    assert_int_equal(record.former, MAIL_FROM_FILE);
    assert_int_equal(record.refresh_after, 0);
}

static void what_was_adopted_goes_back(void **state)
{
    static const struct settings_ses section = {.expire_after = 86400001};
    struct mail_from record = foreign(MAIL_FROM_SES, "m.x.example");

    (void)state;
    local_record_adopt(&record, NOW);
    record.status = MAIL_FROM_SUCCESS;
    record.found_at = NOW;
    (void)strcpy(record.found, "MX 10 mx.example");
    local_record_give_back(&record, &section, NOW + 5);
    assert_int_equal(record.source, MAIL_FROM_SES);
    assert_string_equal(record.section, "eu");
    assert_int_equal(record.status, MAIL_FROM_SUCCESS);
    assert_int_equal(record.refresh_after, NOW + 5);
    assert_int_equal(record.expire_after, NOW + 5 + 86401);
    assert_int_equal(record.found_at, 0);
    assert_string_equal(record.found, "");
    record = foreign(MAIL_FROM_FILE, "m.x.example");
    local_record_adopt(&record, NOW);
    local_record_give_back(&record, NULL, NOW + 5);
    assert_int_equal(record.source, MAIL_FROM_FILE);
    assert_int_equal(record.refresh_after, 0);
    assert_int_equal(record.expire_after, 0);
}

static void feedback_forwarding_stays_off_whatever_becomes_of_the_rest(void **state)
{
    static const struct settings_ses section = {.expire_after = 86400001};
    struct mail_from record = foreign(MAIL_FROM_SES, "m.x.example");

    (void)state;
    record.feedback_off = true;
    local_record_adopt(&record, NOW);
    assert_true(record.feedback_off);
    (void)local_record_put(&record, "n.x.example", MAIL_FROM_REJECT_MESSAGE, false, NOW);
    assert_true(record.feedback_off);
    (void)local_record_put(&record, "", MAIL_FROM_USE_DEFAULT_VALUE, true, NOW);
    assert_true(record.feedback_off);
    local_record_give_back(&record, &section, NOW);
    assert_true(record.feedback_off);
    local_record_init(&record, IDENTITY_DOMAIN);
    assert_false(record.feedback_off);
}

static void only_what_has_a_domain_is_looked_up(void **state)
{
    struct mail_from with = record_of("m.x.example", MAIL_FROM_SUCCESS);
    struct mail_from without = record_of("", MAIL_FROM_PENDING);

    (void)state;
    assert_true(local_record_hurry(&with, NOW));
    assert_int_equal(with.refresh_after, NOW);
    assert_int_equal(with.found_at, FOUND);
    assert_false(local_record_hurry(&without, NOW));
    assert_int_equal(without.refresh_after, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_one_has_no_domain_and_may_send),
        cmocka_unit_test(a_put_begins_anew_where_ses_does),
        cmocka_unit_test(to_clear_what_is_clear_changes_nothing),
        cmocka_unit_test(switching_feedback_forwarding_changes_nothing_else),
        cmocka_unit_test(adopting_keeps_the_attributes),
        cmocka_unit_test(what_was_adopted_goes_back),
        cmocka_unit_test(feedback_forwarding_stays_off_whatever_becomes_of_the_rest),
        cmocka_unit_test(only_what_has_a_domain_is_looked_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
