/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/api_v2.h"
#include "ses/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCK(members) "{\"VerifiedForSendingStatus\":true,\"MailFromAttributes\":{" members "}}"

static const struct {
    const char *name, *json;
    enum api_answer answer;
    const char *domain;
    enum mail_from_status status;
    enum mail_from_behavior behavior;
} identities[] = {
    {"a custom MAIL FROM domain",
     BLOCK("\"MailFromDomain\":\"M.x.org\",\"MailFromDomainStatus\":\"TEMPORARY_FAILURE\","
           "\"BehaviorOnMxFailure\":\"REJECT_MESSAGE\""),
     API_ANSWERED, "m.x.org", MAIL_FROM_TEMPORARY_FAILURE, MAIL_FROM_REJECT_MESSAGE},
    {"none", BLOCK("\"BehaviorOnMxFailure\":\"USE_DEFAULT_VALUE\""), API_ANSWERED, "", 0, 0},
    {"none, with empty texts",
     BLOCK("\"MailFromDomain\":\"\",\"MailFromDomainStatus\":\"\",\"BehaviorOnMxFailure\":\"\""),
     API_ANSWERED, "", 0, 0},
    {"none, as emulators say it",
     BLOCK("\"MailFromDomain\":null,\"MailFromDomainStatus\":\"NOT_STARTED\""), API_ANSWERED, "", 0,
     0},
    {"an empty block", BLOCK(""), API_ANSWERED, "", 0, 0},
    {"no block", "{}", API_ANSWERED, "", 0, 0},
    {"a block that is null", "{\"MailFromAttributes\":null}", API_ANSWERED, "", 0, 0},
    {"the status of v1",
     BLOCK("\"MailFromDomain\":\"m.x.org\",\"MailFromDomainStatus\":\"Success\""), API_UNREADABLE,
     NULL, 0, 0},
    {"no status", BLOCK("\"MailFromDomain\":\"m.x.org\""), API_UNREADABLE, NULL, 0, 0},
    {"the behavior of v1", BLOCK("\"BehaviorOnMxFailure\":\"RejectMessage\""), API_UNREADABLE, NULL,
     0, 0},
    {"a domain that is none",
     BLOCK("\"MailFromDomain\":\"m x\\u0007\",\"MailFromDomainStatus\":\"SUCCESS\""),
     API_UNREADABLE, NULL, 0, 0},
    {"a domain that is no text", BLOCK("\"MailFromDomain\":5,\"MailFromDomainStatus\":\"SUCCESS\""),
     API_UNREADABLE, NULL, 0, 0},
    {"a domain in an object", BLOCK("\"MailFromDomain\":{\"Name\":\"m.x.org\"}"), API_UNREADABLE,
     NULL, 0, 0},
    {"a behavior that is no text", BLOCK("\"BehaviorOnMxFailure\":[\"REJECT_MESSAGE\"]"),
     API_UNREADABLE, NULL, 0, 0},
    {"a block that is no object", "{\"MailFromAttributes\":\"m.x.org\"}", API_UNREADABLE, NULL, 0,
     0},
    {"a block that is a list", "{\"MailFromAttributes\":[]}", API_UNREADABLE, NULL, 0, 0},
};

static void reads_what_is_said_of_an_identity(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof identities / sizeof identities[0]; i++) {
        struct api_v2_identity identity;
        struct failure why = {.text = ""};
        const struct api_v1_mail_from *answer = &identity.mail_from;
        print_message("%s\n", identities[i].name);
        if (!api_v2_read_identity(&identity, identities[i].json, strlen(identities[i].json), &why))
            fail_msg("%s", why.text);
        assert_int_equal(answer->answer, identities[i].answer);
        assert_int_equal(answer->error[0] != '\0', identities[i].answer == API_UNREADABLE);
        assert_null(strchr(answer->error, '\a'));
        if (identities[i].answer == API_UNREADABLE)
            continue;
        assert_string_equal(answer->domain, identities[i].domain);
        assert_int_equal(answer->status, identities[i].status);
        assert_int_equal(answer->behavior, identities[i].behavior);
    }
}

static void reads_whether_an_identity_is_verified(void **state)
{
    static const char *const json[] = {
        "{\"IdentityType\":\"DOMAIN\",\"VerifiedForSendingStatus\":true}",
        "{\"IdentityType\":\"MANAGED_DOMAIN\",\"VerifiedForSendingStatus\":false}",
        "{\"IdentityType\":\"EMAIL_ADDRESS\",\"VerifiedForSendingStatus\":\"true\"}", "{}"};
    struct api_v2_identity identity;
    struct failure why;

    (void)state;
    assert_true(api_v2_read_identity(&identity, json[0], strlen(json[0]), &why));
    assert_true(identity.sending == API_SENDING_YES && identity.kind == IDENTITY_DOMAIN);
    assert_true(api_v2_read_identity(&identity, json[1], strlen(json[1]), &why));
    assert_true(identity.sending == API_SENDING_NO && identity.kind == IDENTITY_DOMAIN);
    assert_true(api_v2_read_identity(&identity, json[2], strlen(json[2]), &why));
    assert_true(identity.sending == API_SENDING_UNSAID && identity.kind == IDENTITY_ADDRESS);
    assert_true(api_v2_read_identity(&identity, json[3], strlen(json[3]), &why));
    assert_int_equal(identity.sending, API_SENDING_UNSAID);
}

static void reads_a_page(void **state)
{
    static const char json[] =
        "{\"EmailIdentities\":[{\"IdentityName\":\"a@X.org\",\"IdentityType\":\"EMAIL_ADDRESS\","
        "\"SendingEnabled\":true},{\"IdentityName\":\"x.org\",\"IdentityType\":\"NEW_KIND\"},"
        "{\"IdentityName\":\"b@x.org\",\"SendingEnabled\":false},{},null,{\"IdentityName\":\"\"}],"
        "\"NextToken\":\"abc=/+\"}";
    struct api_v2_page page;
    struct failure why;

    (void)state;
    assert_true(api_v2_read_page(&page, json, strlen(json), &why));
    assert_int_equal(page.count, 3);
    assert_int_equal(page.passed_over, 3);
    assert_string_equal(page.listed[0].name, "a@X.org");
    assert_int_equal(page.listed[0].sending, API_SENDING_YES);
    assert_int_equal(page.listed[1].kind, IDENTITY_DOMAIN);
    assert_int_equal(page.listed[1].sending, API_SENDING_UNSAID);
    assert_int_equal(page.listed[2].kind, IDENTITY_ADDRESS);
    assert_int_equal(page.listed[2].sending, API_SENDING_NO);
    assert_string_equal(page.next_token, "abc=/+");
    api_v2_page_reset(&page);
}

static void knows_the_last_page(void **state)
{
    static const char *const json[] = {"{\"EmailIdentities\":[]}",
                                       "{\"EmailIdentities\":[],\"NextToken\":\"\"}",
                                       "{\"EmailIdentities\":[],\"NextToken\":null}"};
    struct api_v2_page page;
    struct failure why;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(api_v2_read_page(&page, json[i], strlen(json[i]), &why));
        assert_int_equal(page.count, 0);
        assert_string_equal(page.next_token, "");
        api_v2_page_reset(&page);
    }
}

/* {"EmailIdentities":[{},{},..],"NextToken":"aaa.."} */
static bool reads_page_of(size_t items, size_t token)
{
    char *json = malloc(64 + 3 * items + token), *end = json;
    struct api_v2_page page;
    struct failure why;
    bool fine;

    assert_non_null(json);
    end = stpcpy(end, "{\"EmailIdentities\":[{}");
    for (size_t i = 1; i < items; i++)
        end = stpcpy(end, ",{}");
    end = stpcpy(end, "],\"NextToken\":\"");
    memset(end, 'a', token);
    (void)stpcpy(end + token, "\"}");
    fine = api_v2_read_page(&page, json, strlen(json), &why);
    if (fine)
        api_v2_page_reset(&page);
    free(json);
    return fine;
}

static void limits_a_page(void **state)
{
    (void)state;
    assert_true(reads_page_of(API_V2_PAGE_MAX, 1));
    assert_false(reads_page_of(API_V2_PAGE_MAX + 1, 1));
    assert_true(reads_page_of(1, API_V2_TOKEN_MAX));
    assert_false(reads_page_of(1, API_V2_TOKEN_MAX + 1));
}

static void refuses_what_is_no_reply(void **state)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "{",
                                      "[]",
                                      "null",
                                      "1",
                                      "{} x",
                                      "{\"EmailIdentities\":{}}",
                                      "{\"EmailIdentities\":[]",
                                      "{\"EmailIdentities\":[],\"NextToken\":5}",
                                      "{\"EmailIdentities\":[],\"NextToken\":[\"a\"]}",
                                      "{\"EmailIdentities\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}"};
    struct api_v2_page page;
    struct failure why;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (api_v2_read_page(&page, bad[i], strlen(bad[i]), &why))
            fail_msg("%s", bad[i]);
    }
}

static void limits_the_depth_of_json(void **state)
{
    static const char in_string[] = "[\"[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[\"]";
    char json[2 * JSON_DEPTH_MAX + 3];
    struct failure why;
    cJSON *object;

    (void)state;
    memset(json, '[', JSON_DEPTH_MAX);
    memset(json + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    object = json_parse(json, 2 * JSON_DEPTH_MAX, &why);
    assert_non_null(object);
    json_free(object);
    memset(json, '[', JSON_DEPTH_MAX + 1);
    memset(json + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
    assert_null(json_parse(json, 2 * JSON_DEPTH_MAX + 2, &why));
    object = json_parse(in_string, strlen(in_string), &why);
    assert_non_null(object);
    json_free(object);
}

static void writes_the_requests_of_an_sdk(void **state)
{
    static char query[API_V2_QUERY_SIZE], path[API_V2_PATH_SIZE], body[API_V2_BODY_SIZE];
    struct failure why;

    (void)state;
    assert_true(api_v2_write_path(path, "a+b/c@x.org", "/mail-from", &why));
    assert_string_equal(path, "/v2/email/identities/a%2Bb%2Fc%40x.org/mail-from");
    assert_false(api_v2_write_path(path, "", "", &why));
    assert_false(api_v2_write_path(path, "..", "/mail-from", &why));
    assert_true(api_v2_write_list_query(query, 1000, NULL, &why));
    assert_string_equal(query, "PageSize=1000");
    assert_true(api_v2_write_list_query(query, 10, "abc=/+", &why));
    assert_string_equal(query, "NextToken=abc%3D%2F%2B&PageSize=10");
    assert_true(api_v2_write_mail_from(body, "M.x.org", MAIL_FROM_USE_DEFAULT_VALUE, &why));
    assert_string_equal(
        body, "{\"MailFromDomain\":\"m.x.org\",\"BehaviorOnMxFailure\":\"USE_DEFAULT_VALUE\"}");
    assert_true(api_v2_write_mail_from(body, "m.x.org", MAIL_FROM_REJECT_MESSAGE, &why));
    assert_string_equal(
        body, "{\"MailFromDomain\":\"m.x.org\",\"BehaviorOnMxFailure\":\"REJECT_MESSAGE\"}");
    assert_true(api_v2_write_mail_from(body, NULL, MAIL_FROM_REJECT_MESSAGE, &why));
    assert_string_equal(body, "{}");
    assert_true(api_v2_write_mail_from(body, "", MAIL_FROM_REJECT_MESSAGE, &why));
    assert_string_equal(body, "{}");
    assert_false(api_v2_write_mail_from(body, "m\"x.org", MAIL_FROM_REJECT_MESSAGE, &why));
}

static const struct {
    const char *header, *body, *code, *message;
} errors[] = {
    {"NotFoundException", "{\"message\":\"no\"}", "NotFoundException", "no"},
    {"NotFoundException:http://internal/x", "{\"Message\":\"no\"}", "NotFoundException", "no"},
    {"aws.ses#TooManyRequestsException:http://a#b", "{}", "TooManyRequestsException", ""},
    {"", "{\"__type\":\"com.amazon#BadRequestException\",\"message\":null}", "BadRequestException",
     ""},
    {"", "{\"code\":\"Throttling\"}", "Throttling", ""},
    {"", "{\"Code\":\"Throttling\",\"message\":\"a\\nb\"}", "Throttling", "a"},
    {"", "", "", ""},
    {"", "not json", "", ""},
    {"BadRequestException", "", "BadRequestException", ""},
};

static void reads_the_error_from_header_or_body(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        struct http_reply reply = {.body_length = strlen(errors[i].body)};
        struct outcome_error error = {.code = ""};
        (void)snprintf(reply.error_type, sizeof reply.error_type, "%s", errors[i].header);
        reply.body = strdup(errors[i].body);
        assert_non_null(reply.body);
        api_v2_read_error(&error, &reply);
        assert_string_equal(error.code, errors[i].code);
        assert_string_equal(error.message, errors[i].message);
        free(reply.body);
    }
}

static void classifies_by_code_then_by_status(void **state)
{
    static const struct {
        int status;
        const char *code;
        enum outcome outcome;
    } cases[] = {
        {200, "", OUTCOME_OK},
        {400, "Throttling", OUTCOME_THROTTLED},
        {429, "", OUTCOME_THROTTLED},
        {400, "ThrottlingException", OUTCOME_THROTTLED},
        {503, "Throttling", OUTCOME_THROTTLED},
        {503, "", OUTCOME_SERVER_ERROR},
        {500, "ConcurrentModificationException", OUTCOME_SERVER_ERROR},
        {403, "ExpiredToken", OUTCOME_EXPIRED_TOKEN},
        {403, "ExpiredTokenException", OUTCOME_EXPIRED_TOKEN},
        {400, "AccessDeniedException", OUTCOME_ACCESS_DENIED},
        {403, "Whatever", OUTCOME_ACCESS_DENIED},
        {404, "MalformedQueryString", OUTCOME_BAD_REQUEST},
        {404, "NotFoundException", OUTCOME_NOT_FOUND},
        {400, "", OUTCOME_BAD_REQUEST},
        {400, "RequestExpired", OUTCOME_CLOCK_SKEW},
        {301, "", OUTCOME_REFUSED},
        {204, "", OUTCOME_REFUSED},
        {409, "ConflictException", OUTCOME_REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(outcome_classify(cases[i].status, cases[i].code), cases[i].outcome);
    for (int i = 0; i < OUTCOME_COUNT; i++)
        assert_non_null(outcome_words[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_said_of_an_identity),
        cmocka_unit_test(reads_whether_an_identity_is_verified),
        cmocka_unit_test(reads_a_page),
        cmocka_unit_test(knows_the_last_page),
        cmocka_unit_test(limits_a_page),
        cmocka_unit_test(refuses_what_is_no_reply),
        cmocka_unit_test(limits_the_depth_of_json),
        cmocka_unit_test(writes_the_requests_of_an_sdk),
        cmocka_unit_test(reads_the_error_from_header_or_body),
        cmocka_unit_test(classifies_by_code_then_by_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
