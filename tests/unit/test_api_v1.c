/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/api_v1.h"
#include "ses/xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OPEN                                                                                       \
    "<GetIdentityMailFromDomainAttributesResponse xmlns=\"http://ses.amazonaws.com/doc/"           \
    "2010-12-01/\"><GetIdentityMailFromDomainAttributesResult><MailFromDomainAttributes>"
#define CLOSE                                                                                      \
    "</MailFromDomainAttributes></GetIdentityMailFromDomainAttributesResult>"                      \
    "<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>"                                \
    "</GetIdentityMailFromDomainAttributesResponse>"
#define ENTRY(key, value) "<entry><key>" key "</key><value>" value "</value></entry>"
#define DOMAIN(text)      "<MailFromDomain>" text "</MailFromDomain>"
#define STATUS(text)      "<MailFromDomainStatus>" text "</MailFromDomainStatus>"
#define BEHAVIOR(text)    "<BehaviorOnMXFailure>" text "</BehaviorOnMXFailure>"

static const char *const asked[] = {"example.com", "a+b@example.com"};

static const struct {
    const char *name, *xml;
    enum api_answer answer; /* for example.com */
    const char *domain;
    enum mail_from_status status;
    enum mail_from_behavior behavior;
} replies[] = {
    {"a custom MAIL FROM domain",
     OPEN ENTRY("example.com", DOMAIN("m.example.com") STATUS("Success") BEHAVIOR("RejectMessage"))
         CLOSE,
     API_ANSWERED, "m.example.com", MAIL_FROM_SUCCESS, MAIL_FROM_REJECT_MESSAGE},
    {"another order, pretty-printed",
     OPEN "<entry><value>" BEHAVIOR("\n UseDefaultValue\n") STATUS("\tFailed ")
         DOMAIN(" m.example.com\r\n") "</value><key>\n  example.com\n</key></entry>" CLOSE,
     API_ANSWERED, "m.example.com", MAIL_FROM_FAILED, MAIL_FROM_USE_DEFAULT_VALUE},
    {"no domain: absent", OPEN ENTRY("example.com", BEHAVIOR("UseDefaultValue")) CLOSE,
     API_ANSWERED, "", 0, MAIL_FROM_USE_DEFAULT_VALUE},
    {"no domain: empty, with a status",
     OPEN ENTRY("example.com", DOMAIN("") STATUS("Pending") BEHAVIOR("")) CLOSE, API_ANSWERED, "",
     0, MAIL_FROM_USE_DEFAULT_VALUE},
    {"no domain: an unknown status does not matter",
     OPEN ENTRY("example.com", "<MailFromDomain/>" STATUS("NotStarted")) CLOSE, API_ANSWERED, "", 0,
     MAIL_FROM_USE_DEFAULT_VALUE},
    {"an empty value", OPEN ENTRY("example.com", "") CLOSE, API_ANSWERED, "", 0, 0},
    {"an empty map", OPEN CLOSE, API_UNKNOWN, "", 0, 0},
    {"a map without children", "<R><MailFromDomainAttributes/></R>", API_UNKNOWN, "", 0, 0},
    {"an identity that nobody asked for",
     OPEN ENTRY("other.example", DOMAIN("m.other.example") STATUS("Success")) CLOSE, API_UNKNOWN,
     "", 0, 0},
    {"the case of the domain is folded",
     OPEN ENTRY("Example.COM", DOMAIN("M.Example.com") STATUS("Pending")) CLOSE, API_ANSWERED,
     "m.example.com", MAIL_FROM_PENDING, MAIL_FROM_USE_DEFAULT_VALUE},
    {"the exact spelling counts more",
     OPEN ENTRY("example.com", DOMAIN("a.example.com") STATUS("Success"))
         ENTRY("EXAMPLE.com", DOMAIN("b.example.com") STATUS("Failed")) CLOSE,
     API_ANSWERED, "a.example.com", MAIL_FROM_SUCCESS, MAIL_FROM_USE_DEFAULT_VALUE},
    {"the exact spelling counts more, the other way round",
     OPEN ENTRY("EXAMPLE.com", DOMAIN("b.example.com") STATUS("Failed"))
         ENTRY("example.com", DOMAIN("a.example.com") STATUS("Success")) CLOSE,
     API_ANSWERED, "a.example.com", MAIL_FROM_SUCCESS, MAIL_FROM_USE_DEFAULT_VALUE},
    {"an unknown status",
     OPEN ENTRY("example.com", DOMAIN("m.example.com") STATUS("Bewildered")) CLOSE, API_UNREADABLE,
     NULL, 0, 0},
    {"a domain without a status", OPEN ENTRY("example.com", DOMAIN("m.example.com")) CLOSE,
     API_UNREADABLE, NULL, 0, 0},
    {"an unknown behavior", OPEN ENTRY("example.com", BEHAVIOR("USE_DEFAULT_VALUE")) CLOSE,
     API_UNREADABLE, NULL, 0, 0},
    {"a domain that is none",
     OPEN ENTRY("example.com", DOMAIN("m..example &lt;x&gt;") STATUS("Success")) CLOSE,
     API_UNREADABLE, NULL, 0, 0},
    {"a domain that is no plain text",
     OPEN ENTRY("example.com", DOMAIN("<Name>m.example.com</Name>") STATUS("Success")) CLOSE,
     API_UNREADABLE, NULL, 0, 0},
    {"a behavior that is no plain text",
     OPEN ENTRY("example.com", BEHAVIOR("<Value>RejectMessage</Value>")) CLOSE, API_UNREADABLE,
     NULL, 0, 0},
    {"an element that nobody knows, with children",
     OPEN ENTRY("example.com", BEHAVIOR("RejectMessage") "<New><a>1</a></New>") CLOSE, API_ANSWERED,
     "", 0, MAIL_FROM_REJECT_MESSAGE},
    {"no value at all", OPEN "<entry><key>example.com</key></entry>" CLOSE, API_UNREADABLE, NULL, 0,
     0},
};

static void reads_what_is_said_of_an_identity(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++) {
        struct api_v1_mail_from answers[2];
        struct failure why = {.text = ""};
        print_message("%s\n", replies[i].name);
        if (!api_v1_read_mail_from(replies[i].xml, strlen(replies[i].xml), asked, 2, answers, &why))
            fail_msg("%s", why.text);
        assert_int_equal(answers[0].answer, replies[i].answer);
        assert_int_equal(answers[1].answer, API_UNKNOWN);
        assert_int_equal(answers[0].error[0] != '\0', replies[i].answer == API_UNREADABLE);
        if (replies[i].answer == API_UNREADABLE)
            continue;
        assert_string_equal(answers[0].domain, replies[i].domain);
        assert_int_equal(answers[0].status, replies[i].status);
        assert_int_equal(answers[0].behavior, replies[i].behavior);
    }
}

/* It may be the one that is missing. */
static void an_entry_without_a_name_leaves_nobody_unknown(void **state)
{
    static const char xml[] =
        OPEN ENTRY("", BEHAVIOR("RejectMessage")) ENTRY("example.com", "") CLOSE;
    static const char verification[] =
        "<R><VerificationAttributes><entry><value><VerificationStatus>Success"
        "</VerificationStatus></value></entry></VerificationAttributes></R>";
    struct api_v1_verification verified[2];
    struct api_v1_mail_from answers[2];
    struct failure why;

    (void)state;
    assert_true(api_v1_read_mail_from(xml, strlen(xml), asked, 2, answers, &why));
    assert_int_equal(answers[0].answer, API_ANSWERED);
    assert_int_equal(answers[1].answer, API_UNREADABLE);
    assert_true(
        api_v1_read_verification(verification, strlen(verification), asked, 2, verified, &why));
    assert_int_equal(verified[0].answer, API_UNREADABLE);
    assert_int_equal(verified[1].answer, API_UNREADABLE);
}

static void compares_local_parts_exactly(void **state)
{
    static const char xml[] = OPEN ENTRY("A+b@example.com", BEHAVIOR("RejectMessage")) CLOSE;
    static const char folded[] = OPEN ENTRY("a+b@EXAMPLE.com", BEHAVIOR("RejectMessage")) CLOSE;
    struct api_v1_mail_from answers[2];
    struct failure why;

    (void)state;
    assert_true(api_v1_read_mail_from(xml, strlen(xml), asked, 2, answers, &why));
    assert_int_equal(answers[1].answer, API_UNKNOWN);
    assert_true(api_v1_read_mail_from(folded, strlen(folded), asked, 2, answers, &why));
    assert_int_equal(answers[1].answer, API_ANSWERED);
    assert_int_equal(answers[0].answer, API_UNKNOWN);
}

static void refuses_what_is_no_reply(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "<R>",
        "<R/>",
        "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>",
        "<!DOCTYPE R><R><MailFromDomainAttributes/></R>",
        "<!DOCTYPE R [<!ENTITY a \"b\">]><R><MailFromDomainAttributes/></R>",
        "<R><MailFromDomainAttributes/>&a;</R>",
        "<R><MailFromDomainAttributes/></R><R/>",
        OPEN ENTRY("example.com", STATUS("Success")),
    };
    struct api_v1_mail_from answers[2];
    struct failure why;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (api_v1_read_mail_from(bad[i], strlen(bad[i]), asked, 2, answers, &why))
            fail_msg("%s", bad[i]);
    }
}

static bool reads(const char *before, const char *repeated, size_t times, const char *after)
{
    size_t size = strlen(before) + times * strlen(repeated) + strlen(after) + 1;
    char *xml = malloc(size), *end = xml;
    struct api_v1_mail_from answers[2];
    struct failure why;
    bool fine;

    assert_non_null(xml);
    end = stpcpy(end, before);
    for (size_t i = 0; i < times; i++)
        end = stpcpy(end, repeated);
    (void)stpcpy(end, after);
    fine = api_v1_read_mail_from(xml, strlen(xml), asked, 2, answers, &why);
    free(xml);
    return fine;
}

static void limits_depth_and_text(void **state)
{
    static const char map[] = "<MailFromDomainAttributes/></R>";

    (void)state;
    assert_true(reads("<R>", "<a>x</a>", 1000, map));
    assert_false(reads("<R>", "<a>", 40, map));
    assert_true(reads("<R>", "x", XML_TEXT_MAX, map));
    assert_false(reads("<R>", "x", XML_TEXT_MAX + 1, map));
    assert_true(reads("<R><a", "a", XML_PATH_MAX - 4, "/><MailFromDomainAttributes/></R>"));
    assert_false(reads("<R><a", "a", XML_PATH_MAX, "/><MailFromDomainAttributes/></R>"));
}

static void limits_the_depth_exactly(void **state)
{
    char open[3 * XML_DEPTH_MAX + 1] = "", close[4 * XML_DEPTH_MAX + 64] = "";

    (void)state;
    for (int i = 0; i < XML_DEPTH_MAX - 1; i++) {
        (void)strcat(open, "<a>");
        (void)strcat(close, "</a>");
    }
    assert_true(reads(open, "<MailFromDomainAttributes/>", 1, close));
    (void)strcat(open, "<a>");
    (void)strcat(close, "</a>");
    assert_false(reads(open, "<MailFromDomainAttributes/>", 1, close));
}

static void reads_the_verification(void **state)
{
    static const char xml[] = "<R><VerificationAttributes>" ENTRY(
        "example.com", "<VerificationToken>x</VerificationToken>"
                       "<VerificationStatus>TemporaryFailure</VerificationStatus>")
        ENTRY("a+b@example.com",
              "<VerificationStatus>Odd</VerificationStatus>") "</VerificationAttributes></R>";
    struct api_v1_verification answers[2];
    struct failure why;

    (void)state;
    assert_true(api_v1_read_verification(xml, strlen(xml), asked, 2, answers, &why));
    assert_int_equal(answers[0].answer, API_ANSWERED);
    assert_int_equal(answers[0].status, API_VERIFICATION_TEMPORARY_FAILURE);
    assert_int_equal(answers[1].answer, API_UNREADABLE);
    assert_string_equal(answers[1].error,
                        "SES replies with an unknown VerificationStatus: \"Odd\"");
}

static void writes_the_form_of_an_sdk(void **state)
{
    char *body = malloc(API_V1_BODY_SIZE);
    const char *many[101];
    struct failure why;

    (void)state;
    assert_non_null(body);
    for (size_t i = 0; i < 101; i++)
        many[i] = "example.com";
    assert_true(api_v1_write_identities(body, "X", asked, 2, &why));
    assert_string_equal(body, "Action=X&Version=2010-12-01&Identities.member.1=example.com&"
                              "Identities.member.2=a%2Bb%40example.com");
    assert_false(api_v1_write_identities(body, "X", asked, 0, &why));
    assert_true(api_v1_write_identities(body, "X", many, 100, &why));
    assert_false(api_v1_write_identities(body, "X", many, 101, &why));
    free(body);
}

static void read_error(const char *xml, struct outcome_error *error)
{
    struct http_reply reply = {.body_length = strlen(xml)};

    memset(error, 0, sizeof *error);
    reply.body = strdup(xml);
    assert_non_null(reply.body);
    api_v1_read_error(error, &reply);
    free(reply.body);
}

static void reads_the_error_with_or_without_namespace(void **state)
{
    struct outcome_error error;

    (void)state;
    read_error("<ErrorResponse xmlns=\"http://ses.amazonaws.com/doc/2010-12-01/\"><Error>"
               "<Type>Sender</Type>\n<Code>\n Throttling\n</Code><Message>Rate exceeded"
               "</Message></Error><RequestId>r-1</RequestId></ErrorResponse>",
               &error);
    assert_string_equal(error.code, "Throttling");
    assert_string_equal(error.message, "Rate exceeded");
    assert_string_equal(error.request_id, "r-1");
    read_error("<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>The signature.\n\n"
               "The Canonical String for this request should have been x-amz-security-token:secret"
               "</Message></Error></ErrorResponse>",
               &error);
    assert_string_equal(error.message, "The signature.");
    read_error("<ErrorResponse><Error><Code>X</Code>", &error);
    assert_string_equal(error.code, "");
    read_error("", &error);
    assert_string_equal(error.code, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_said_of_an_identity),
        cmocka_unit_test(an_entry_without_a_name_leaves_nobody_unknown),
        cmocka_unit_test(compares_local_parts_exactly),
        cmocka_unit_test(refuses_what_is_no_reply),
        cmocka_unit_test(limits_depth_and_text),
        cmocka_unit_test(limits_the_depth_exactly),
        cmocka_unit_test(reads_the_verification),
        cmocka_unit_test(writes_the_form_of_an_sdk),
        cmocka_unit_test(reads_the_error_with_or_without_namespace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
