/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/advice.h"

#include <stdio.h>
#include <string.h>

enum { ADVICE_SIZE = 512 };

static bool is_among(const char *code, const char *const words[])
{
    while (*words != NULL && strcmp(*words, code) != 0)
        words++;
    return *words != NULL;
}

static const char *partition(const char *region)
{
    if (strncmp(region, "us-gov-", 7) == 0)
        return "aws-us-gov";
    return strncmp(region, "cn-", 3) == 0 ? "aws-cn" : "aws";
}

static void advise_permission(char out[ADVICE_SIZE], const struct advice_call *call)
{
    char resource[ADVICE_SIZE / 2] = "*";

    if (call->identity != NULL)
        (void)snprintf(resource, sizeof resource, "arn:%s:ses:%s:*:identity/%s",
                       partition(call->region), call->region[0] != '\0' ? call->region : "*",
                       call->identity);
    (void)snprintf(out, ADVICE_SIZE,
                   "allow the action ses:%s on the resource %s, as iam-policy-administrator.json "
                   "does",
                   call->action, resource);
}

/* 403 is for more than permissions. */
static void advise_denied(char out[ADVICE_SIZE], const char *code, const struct advice_call *call)
{
    static const char *const unknown_key[] = {"InvalidClientTokenId", "UnrecognizedClientException",
                                              "OptInRequired", NULL};
    static const char *const wrong_signature[] = {
        "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", NULL};

    if (is_among(code, unknown_key))
        (void)snprintf(out, ADVICE_SIZE,
                       "AWS does not take these keys: are they of an account that has the region "
                       "%s, and was the session token given with temporary ones?",
                       call->region);
    else if (is_among(code, wrong_signature))
        (void)snprintf(out, ADVICE_SIZE,
                       "the secret key does not belong to the access key (a password for SES's "
                       "SMTP interface is none), or the region %s is not that of the endpoint",
                       call->region);
    else
        advise_permission(out, call);
}

static void advise_existence(char out[ADVICE_SIZE], const struct advice_call *call)
{
    (void)snprintf(out, ADVICE_SIZE,
                   "is it spelt as in SES (case counts before the @), in the region %s, and in the "
                   "account of these credentials?",
                   call->region);
}

/* SES has one code for many complaints; its texts are no interface, so no text is no advice. */
static void advise_request(char out[ADVICE_SIZE], const char *message,
                           const struct advice_call *call)
{
    if (strstr(message, "does not exist") != NULL)
        advise_existence(out, call);
    else if (strstr(message, "not verified") != NULL)
        (void)snprintf(out, ADVICE_SIZE,
                       "verify the identity in SES first; then set its MAIL FROM domain");
}

static const char *advise_in_general(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_THROTTLED:
        return "others use the account's budget of one call a second too: try again in a moment";
    case OUTCOME_SERVER_ERROR:
        return "that is AWS's own trouble: try again later";
    case OUTCOME_NETWORK:
        return "can this machine reach the endpoint (proxy, firewall)?";
    case OUTCOME_EXPIRED_TOKEN:
        return "these temporary credentials are over: get new ones (AWS_SESSION_TOKEN, "
               "`aws sso login'), then try again";
    case OUTCOME_CLOCK_SKEW:
        return "set the clock of this machine";
    case OUTCOME_NO_CREDENTIALS:
        return "give the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile in "
               "AWS_PROFILE or in the section";
    case OUTCOME_MALFORMED_REPLY:
        return "is the endpoint that of SES?";
    case OUTCOME_REFUSED:
        return "is the endpoint that of SES, is its certificate one of ca-file, and does the proxy "
               "let "
               "this machine through?";
    case OUTCOME_OK:
    case OUTCOME_ACCESS_DENIED:
    case OUTCOME_BAD_REQUEST:
    case OUTCOME_NOT_FOUND:
    case OUTCOME_STOPPED:
    case OUTCOME_LOCAL:
        break;
    }
    return "";
}

void advice_append(struct failure *why, enum outcome outcome, const struct outcome_error *error,
                   const struct advice_call *call)
{
    char advice[ADVICE_SIZE];
    struct failure cause = *why;

    (void)snprintf(advice, sizeof advice, "%s", advise_in_general(outcome));
    if (outcome == OUTCOME_ACCESS_DENIED)
        advise_denied(advice, error->code, call);
    else if (outcome == OUTCOME_NOT_FOUND)
        advise_existence(advice, call);
    else if (outcome == OUTCOME_BAD_REQUEST)
        advise_request(advice, error->message, call);
    if (advice[0] != '\0')
        (void)failure_set(why, cause.exit_code, "%.500s; %s", cause.text, advice);
}
