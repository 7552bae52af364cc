/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/mail_from.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static const char key[] = "alice@x.example";
enum { KEY_LENGTH = sizeof key - 1 };

static const struct mail_from sample = {
    .kind = IDENTITY_ADDRESS,
    .source = MAIL_FROM_FILE,
    .verified = true,
    .feedback_off = true,
    .domain = "mail.x.example",
    .status = MAIL_FROM_TEMPORARY_FAILURE,
    .behavior = MAIL_FROM_REJECT_MESSAGE,
    .status_since = 1795341600,
    .checked = 1795341601,
    .refresh_after = INT64_MIN,
    .expire_after = INT64_MAX,
    .found_at = 1795341602,
    .unclear_since = 1795341603,
    .former = MAIL_FROM_FILE,
    .last_error = "no MX record",
    .found = "MX 10 mx.example.com",
};

static void expect_equal(const struct mail_from *a, const struct mail_from *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->verified, b->verified);
    assert_int_equal(a->feedback_off, b->feedback_off);
    assert_string_equal(a->domain, b->domain);
    assert_int_equal(a->status, b->status);
    assert_int_equal(a->behavior, b->behavior);
    assert_true(a->status_since == b->status_since && a->checked == b->checked);
    assert_true(a->refresh_after == b->refresh_after && a->expire_after == b->expire_after);
    assert_string_equal(a->last_error, b->last_error);
    assert_int_equal(a->former, b->former);
    assert_true(a->found_at == b->found_at && a->unclear_since == b->unclear_since);
    assert_string_equal(a->found, b->found);
}

static void expect_round_trip(const struct mail_from *record)
{
    unsigned char coded[MAIL_FROM_CODED_MAX];
    struct mail_from decoded;
    size_t length = mail_from_encode(record, key, KEY_LENGTH, coded);

    assert_true(length <= sizeof coded);
    assert_true(mail_from_decode(&decoded, key, KEY_LENGTH, coded, length));
    expect_equal(&decoded, record);
}

static void comes_back_as_it_was(void **state)
{
    (void)state;
    struct mail_from record = sample;

    expect_round_trip(&record);
    expect_round_trip(&(struct mail_from){.domain = ""});
    memset(record.domain, 'd', IDENTITY_DOMAIN_MAX);
    memset(record.last_error, 'e', MAIL_FROM_ERROR_MAX);
    expect_round_trip(&record);
}

static void comes_back_with_each_word(void **state)
{
    (void)state;
    struct mail_from record = sample;

    for (int i = 0; i < MAIL_FROM_STATUS_COUNT * MAIL_FROM_BEHAVIOR_COUNT; i++) {
        record.status = (enum mail_from_status)(i % MAIL_FROM_STATUS_COUNT);
        record.behavior = (enum mail_from_behavior)(i / MAIL_FROM_STATUS_COUNT);
        record.source = (enum mail_from_source)(i % MAIL_FROM_SOURCE_COUNT);
        record.verified = i % 2;
        record.feedback_off = i % 4 < 2;
        record.kind = i % 2 ? IDENTITY_DOMAIN : IDENTITY_ADDRESS;
        expect_round_trip(&record);
    }
}

/* Into memory of exactly that length, so that a sanitizer sees a step beyond it. */
static bool decodes(const unsigned char *coded, size_t length)
{
    unsigned char *exact = malloc(length > 0 ? length : 1);
    struct mail_from record;
    bool worked;

    assert_non_null(exact);
    memcpy(exact, coded, length);
    worked = mail_from_decode(&record, key, KEY_LENGTH, exact, length);
    free(exact);
    return worked;
}

static void refuses_every_flipped_bit(void **state)
{
    (void)state;
    unsigned char coded[MAIL_FROM_CODED_MAX];
    size_t length = mail_from_encode(&sample, key, KEY_LENGTH, coded);

    for (size_t i = 0; i < 8 * length; i++) {
        coded[i / 8] ^= (unsigned char)(1 << i % 8);
        if (decodes(coded, length))
            fail_msg("bit %zu", i);
        coded[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    assert_true(decodes(coded, length));
}

static void refuses_every_other_octet(void **state)
{
    (void)state;
    unsigned char coded[MAIL_FROM_CODED_MAX];
    size_t length = mail_from_encode(&sample, key, KEY_LENGTH, coded);

    for (size_t i = 0; i < 256 * length; i++) {
        unsigned char old = coded[i / 256];
        coded[i / 256] = (unsigned char)(i % 256);
        if (decodes(coded, length) != (coded[i / 256] == old))
            fail_msg("octet %zu as %zu", i / 256, i % 256);
        coded[i / 256] = old;
    }
}

static void refuses_every_other_length(void **state)
{
    (void)state;
    unsigned char coded[2 * MAIL_FROM_CODED_MAX] = {0};
    size_t length = mail_from_encode(&sample, key, KEY_LENGTH, coded);

    for (size_t i = 0; i < sizeof coded; i++) {
        if (decodes(coded, i) != (i == length))
            fail_msg("%zu of %zu octets", i, length);
    }
}

static void refuses_the_record_of_another_key(void **state)
{
    (void)state;
    unsigned char coded[MAIL_FROM_CODED_MAX];
    struct mail_from record;
    size_t length = mail_from_encode(&sample, key, KEY_LENGTH, coded);

    assert_false(mail_from_decode(&record, "bob@x.example", 13, coded, length));
    assert_false(mail_from_decode(&record, key, KEY_LENGTH - 1, coded, length));
    assert_false(mail_from_decode(&record, "", 0, coded, length));
    assert_true(mail_from_decode(&record, key, KEY_LENGTH, coded, length));
}

/* A right checksum is no excuse for a value that does not exist. */
static void refuses_values_without_a_word(void **state)
{
    (void)state;
    struct mail_from record = sample;
    unsigned char coded[MAIL_FROM_CODED_MAX];

    record.kind = (enum identity_kind)2;
    assert_false(decodes(coded, mail_from_encode(&record, key, KEY_LENGTH, coded)));
    record = sample;
    record.source = (enum mail_from_source)MAIL_FROM_SOURCE_COUNT;
    assert_false(decodes(coded, mail_from_encode(&record, key, KEY_LENGTH, coded)));
    record = sample;
    record.status = (enum mail_from_status)MAIL_FROM_STATUS_COUNT;
    assert_false(decodes(coded, mail_from_encode(&record, key, KEY_LENGTH, coded)));
    record = sample;
    record.behavior = (enum mail_from_behavior)MAIL_FROM_BEHAVIOR_COUNT;
    assert_false(decodes(coded, mail_from_encode(&record, key, KEY_LENGTH, coded)));
}

static void holds_the_mail_from_domain_to_the_rule_of_ses(void **state)
{
    (void)state;
    static const struct {
        const char *identity;
        const char *domain;
        bool allowed;
    } rows[] = {
        {"foo.com", "mail.foo.com", true},         {"foo.com", "a.b.foo.com", true},
        {"a@foo.com", "mail.foo.com", true},       {"foo.com", "foo.com", false},
        {"a@foo.com", "foo.com", false},           {"foo.com", "evilfoo.com", false},
        {"mail.foo.com", "foo.com", false},        {"foo.com", "mail.bar.com", false},
        {"mail.foo.com", "bounce.foo.com", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct identity identity;
        struct failure why = {.text = ""};
        assert_true(identity_parse(&identity, rows[i].identity, strlen(rows[i].identity), &why));
        if (mail_from_check_domain(&identity, rows[i].domain, &why) != rows[i].allowed)
            fail_msg("%s for %s", rows[i].domain, rows[i].identity);
        if (!rows[i].allowed) {
            assert_int_equal(why.exit_code, EX_DATAERR);
            assert_non_null(strstr(why.text, "is not subdomain of the domain of the identity"));
            assert_non_null(strstr(why.text, rows[i].domain));
        }
    }
}

static void speaks_in_the_words_of_ses(void **state)
{
    (void)state;
    static const char *const v1[] = {"Pending", "Success", "Failed", "TemporaryFailure"};
    static const char *const v2[] = {"PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE"};

    for (int i = 0; i < MAIL_FROM_STATUS_COUNT; i++) {
        assert_string_equal(mail_from_status_words[i], v1[i]);
        assert_string_equal(mail_from_status_words_v2[i], v2[i]);
    }
    assert_string_equal(mail_from_behavior_words[MAIL_FROM_USE_DEFAULT_VALUE], "UseDefaultValue");
    assert_string_equal(mail_from_behavior_words[MAIL_FROM_REJECT_MESSAGE], "RejectMessage");
    assert_string_equal(mail_from_behavior_words_v2[MAIL_FROM_USE_DEFAULT_VALUE],
                        "USE_DEFAULT_VALUE");
    assert_string_equal(mail_from_behavior_words_v2[MAIL_FROM_REJECT_MESSAGE], "REJECT_MESSAGE");
    assert_string_equal(mail_from_source_words[MAIL_FROM_SES], "ses");
    assert_string_equal(mail_from_source_words[MAIL_FROM_LOCAL], "local");
    assert_string_equal(mail_from_source_words[MAIL_FROM_FILE], "file");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(comes_back_with_each_word),
        cmocka_unit_test(refuses_every_flipped_bit),
        cmocka_unit_test(refuses_every_other_octet),
        cmocka_unit_test(refuses_every_other_length),
        cmocka_unit_test(refuses_the_record_of_another_key),
        cmocka_unit_test(refuses_values_without_a_word),
        cmocka_unit_test(holds_the_mail_from_domain_to_the_rule_of_ses),
        cmocka_unit_test(speaks_in_the_words_of_ses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
