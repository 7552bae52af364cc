/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char title[] = "eu";
static const struct settings_ses section = {.title = title,
                                            .refresh_after = 3600000,
                                            .refresh_unsettled_after = 60000,
                                            .expire_after = 86400001};

static struct mail_from record_of(enum mail_from_status status)
{
    return (struct mail_from){.source = MAIL_FROM_SES,
                              .verified = true,
                              .domain = "m.x.example",
                              .status = status,
                              .status_since = 100,
                              .checked = 500,
                              .last_error = "timed out"};
}

static void an_answer_brings_attributes_and_clocks(void **state)
{
    struct api_v1_mail_from answer = {.answer = API_ANSWERED,
                                      .domain = "m.x.example",
                                      .status = MAIL_FROM_SUCCESS,
                                      .behavior = MAIL_FROM_REJECT_MESSAGE};
    struct mail_from record = record_of(MAIL_FROM_PENDING);

    (void)state;
    answer_apply(&record, &answer, &section, 1000);
    assert_int_equal(record.status, MAIL_FROM_SUCCESS);
    assert_int_equal(record.behavior, MAIL_FROM_REJECT_MESSAGE);
    assert_string_equal(record.section, "eu");
    assert_string_equal(record.last_error, "");
    assert_true(record.verified);
    assert_int_equal(record.status_since, 1000);
    assert_int_equal(record.checked, 1000);
    assert_int_equal(record.refresh_after, 1000 + 3600);
    assert_int_equal(record.expire_after, 1000 + 86401);
}

static void a_status_that_stays_keeps_its_time(void **state)
{
    struct api_v1_mail_from answer = {
        .answer = API_ANSWERED, .domain = "m.x.example", .status = MAIL_FROM_TEMPORARY_FAILURE};
    struct mail_from record = record_of(MAIL_FROM_TEMPORARY_FAILURE);

    (void)state;
    answer_apply(&record, &answer, &section, 1000);
    assert_int_equal(record.status_since, 100);
    assert_int_equal(record.refresh_after, 1060);
    (void)strcpy(answer.domain, "n.x.example");
    answer_apply(&record, &answer, &section, 2000);
    assert_int_equal(record.status_since, 2000);
}

static void without_a_domain_there_is_no_status_to_change(void **state)
{
    struct api_v1_mail_from answer = {.answer = API_ANSWERED, .status = MAIL_FROM_FAILED};
    struct mail_from record = record_of(MAIL_FROM_PENDING);

    (void)state;
    answer_apply(&record, &answer, &section, 1000);
    assert_string_equal(record.domain, "");
    assert_int_equal(record.status_since, 1000);
    assert_int_equal(record.refresh_after, 1000 + 3600);
    answer_apply(&record, &answer, &section, 2000);
    assert_int_equal(record.status_since, 1000);
}

static void a_new_identity_begins_now(void **state)
{
    struct api_v1_mail_from answer = {.answer = API_ANSWERED};
    struct mail_from record = {.kind = IDENTITY_DOMAIN, .verified = true};

    (void)state;
    answer_apply(&record, &answer, &section, 1000);
    assert_int_equal(record.source, MAIL_FROM_SES);
    assert_int_equal(record.status_since, 1000);
}

static void what_was_put_is_pending_and_due_at_once(void **state)
{
    struct mail_from record = record_of(MAIL_FROM_SUCCESS);

    (void)state;
    answer_apply_put(&record, "m.x.example", MAIL_FROM_REJECT_MESSAGE, &section, 1000);
    assert_int_equal(record.status, MAIL_FROM_PENDING);
    assert_int_equal(record.status_since, 1000);
    assert_int_equal(record.refresh_after, 1000);
    assert_int_equal(record.expire_after, 1000 + 86401);
    answer_apply_put(&record, "", MAIL_FROM_USE_DEFAULT_VALUE, &section, 1500);
    assert_string_equal(record.domain, "");
    assert_int_equal(record.behavior, MAIL_FROM_USE_DEFAULT_VALUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_brings_attributes_and_clocks),
        cmocka_unit_test(a_status_that_stays_keeps_its_time),
        cmocka_unit_test(without_a_domain_there_is_no_status_to_change),
        cmocka_unit_test(a_new_identity_begins_now),
        cmocka_unit_test(what_was_put_is_pending_and_due_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
