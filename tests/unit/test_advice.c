/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static struct failure advised(enum outcome outcome, const char *code, const char *message,
                              const char *identity, const char *region)
{
    struct advice_call call = {.action = "ActionCalled", .identity = identity, .region = region};
    struct outcome_error error = {0};
    struct failure why;

    outcome_set_code(&error, code);
    outcome_set_message(&error, message);
    (void)failure_set(&why, EX_PROTOCOL, "ActionCalled: %s: %s", code, message);
    advice_append(&why, outcome, &error, &call);
    assert_int_equal(why.exit_code, EX_PROTOCOL);
    assert_ptr_equal(strstr(why.text, "ActionCalled: "), why.text);
    return why;
}

static void expect(enum outcome outcome, const char *code, const char *message, const char *part)
{
    struct failure why = advised(outcome, code, message, "a@x.example", "eu-west-1");

    if (strstr(why.text, part) == NULL)
        fail_msg("\"%s\" is not in: %s", part, why.text);
}

static void denied_names_action_and_resource(void **state)
{
    (void)state;
    struct failure why =
        advised(OUTCOME_ACCESS_DENIED, "AccessDenied", "no", NULL, "us-gov-west-1");

    expect(OUTCOME_ACCESS_DENIED, "AccessDeniedException", "User: x",
           "; allow the action ses:ActionCalled on the resource "
           "arn:aws:ses:eu-west-1:*:identity/a@x.example,");
    assert_non_null(strstr(why.text, "on the resource *, "));
    why = advised(OUTCOME_ACCESS_DENIED, "AccessDenied", "no", "x.example", "us-gov-west-1");
    assert_non_null(strstr(why.text, "arn:aws-us-gov:ses:us-gov-west-1:*:identity/x.example,"));
    why = advised(OUTCOME_ACCESS_DENIED, "AccessDenied", "no", "x.example", "");
    assert_non_null(strstr(why.text, "arn:aws:ses:*:*:identity/x.example,"));
}

static void keys_that_are_wrong_are_no_missing_permission(void **state)
{
    (void)state;
    expect(OUTCOME_ACCESS_DENIED, "SignatureDoesNotMatch", "", "the secret key does not belong");
    expect(OUTCOME_ACCESS_DENIED, "InvalidSignatureException", "", "the secret key does not");
    expect(OUTCOME_ACCESS_DENIED, "InvalidClientTokenId", "", "does not take these keys");
    expect(OUTCOME_ACCESS_DENIED, "UnrecognizedClientException", "", "does not take these keys");
}

static void bad_requests_are_told_apart_by_their_text(void **state)
{
    (void)state;
    expect(OUTCOME_NOT_FOUND, "NotFoundException", "Email identity x does not exist.",
           "in the region eu-west-1");
    expect(OUTCOME_BAD_REQUEST, "BadRequestException", "Identity <x> does not exist.",
           "in the region eu-west-1");
    expect(OUTCOME_BAD_REQUEST, "BadRequestException", "parents are not verified for identity <x>.",
           "verify the identity in SES first");
}

static void a_text_that_is_not_known_gets_no_advice(void **state)
{
    (void)state;
    struct failure why = advised(OUTCOME_BAD_REQUEST, "BadRequestException", "odd", "x", "r-1");

    assert_string_equal(why.text, "ActionCalled: BadRequestException: odd");
}

static void every_other_outcome_has_its_advice(void **state)
{
    (void)state;
    expect(OUTCOME_THROTTLED, "Throttling", "Rate exceeded", "try again in a moment");
    expect(OUTCOME_EXPIRED_TOKEN, "ExpiredToken", "", "get new ones");
    expect(OUTCOME_CLOCK_SKEW, "RequestExpired", "", "set the clock");
    expect(OUTCOME_NO_CREDENTIALS, "", "", "AWS_ACCESS_KEY_ID");
    expect(OUTCOME_NETWORK, "", "", "reach the endpoint");
    expect(OUTCOME_SERVER_ERROR, "InternalFailure", "", "try again later");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(denied_names_action_and_resource),
        cmocka_unit_test(keys_that_are_wrong_are_no_missing_permission),
        cmocka_unit_test(bad_requests_are_told_apart_by_their_text),
        cmocka_unit_test(a_text_that_is_not_known_gets_no_advice),
        cmocka_unit_test(every_other_outcome_has_its_advice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
