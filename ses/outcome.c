/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/outcome.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

const char *const outcome_words[OUTCOME_COUNT] = {
    [OUTCOME_OK] = "ok",
    [OUTCOME_THROTTLED] = "throttled",
    [OUTCOME_SERVER_ERROR] = "server-error",
    [OUTCOME_NETWORK] = "network",
    [OUTCOME_EXPIRED_TOKEN] = "expired-token",
    [OUTCOME_CLOCK_SKEW] = "clock-skew",
    [OUTCOME_NO_CREDENTIALS] = "no-credentials",
    [OUTCOME_ACCESS_DENIED] = "access-denied",
    [OUTCOME_BAD_REQUEST] = "bad-request",
    [OUTCOME_NOT_FOUND] = "not-found",
    [OUTCOME_REFUSED] = "refused",
    [OUTCOME_MALFORMED_REPLY] = "malformed-reply",
    [OUTCOME_STOPPED] = "stopped",
    [OUTCOME_LOCAL] = "local",
};

/* The code decides before the status: SES throttles with 400, and "MalformedQueryString" is 404. */
static const struct {
    const char *code;
    enum outcome outcome;
} codes[] = {
    {"Throttling", OUTCOME_THROTTLED},
    {"ThrottlingException", OUTCOME_THROTTLED},
    {"ThrottledException", OUTCOME_THROTTLED},
    {"RequestThrottled", OUTCOME_THROTTLED},
    {"RequestThrottledException", OUTCOME_THROTTLED},
    {"TooManyRequestsException", OUTCOME_THROTTLED},
    {"RequestLimitExceeded", OUTCOME_THROTTLED},
    {"BandwidthLimitExceeded", OUTCOME_THROTTLED},
    {"SlowDown", OUTCOME_THROTTLED},
    {"PriorRequestNotComplete", OUTCOME_THROTTLED},
    {"ServiceUnavailable", OUTCOME_SERVER_ERROR},
    {"ServiceUnavailableException", OUTCOME_SERVER_ERROR},
    {"InternalFailure", OUTCOME_SERVER_ERROR},
    {"InternalServiceError", OUTCOME_SERVER_ERROR},
    {"RequestTimeout", OUTCOME_SERVER_ERROR},
    {"RequestTimeoutException", OUTCOME_SERVER_ERROR},
    {"ExpiredToken", OUTCOME_EXPIRED_TOKEN},
    {"ExpiredTokenException", OUTCOME_EXPIRED_TOKEN},
    {"RequestExpired", OUTCOME_CLOCK_SKEW},
    {"RequestTimeTooSkewed", OUTCOME_CLOCK_SKEW},
    {"AccessDenied", OUTCOME_ACCESS_DENIED},
    {"AccessDeniedException", OUTCOME_ACCESS_DENIED},
    {"InvalidClientTokenId", OUTCOME_ACCESS_DENIED},
    {"UnrecognizedClientException", OUTCOME_ACCESS_DENIED},
    {"SignatureDoesNotMatch", OUTCOME_ACCESS_DENIED},
    {"InvalidSignatureException", OUTCOME_ACCESS_DENIED},
    {"MissingAuthenticationToken", OUTCOME_ACCESS_DENIED},
    {"MissingAuthenticationTokenException", OUTCOME_ACCESS_DENIED},
    {"IncompleteSignature", OUTCOME_ACCESS_DENIED},
    {"OptInRequired", OUTCOME_ACCESS_DENIED},
    {"NotFoundException", OUTCOME_NOT_FOUND},
    {"MalformedQueryString", OUTCOME_BAD_REQUEST},
};

static enum outcome classify_status(int status)
{
    if (status == 200)
        return OUTCOME_OK;
    if (status == 429)
        return OUTCOME_THROTTLED;
    if (status >= 500 && status <= 599)
        return OUTCOME_SERVER_ERROR;
    if (status == 401 || status == 403)
        return OUTCOME_ACCESS_DENIED;
    if (status == 400)
        return OUTCOME_BAD_REQUEST;
    if (status == 404)
        return OUTCOME_NOT_FOUND;
    return OUTCOME_REFUSED;
}

enum outcome outcome_classify(int status, const char *code)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (status != 200 && strcmp(codes[i].code, code) == 0)
            return codes[i].outcome;
    }
    return classify_status(status);
}

bool outcome_passes(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_THROTTLED:
    case OUTCOME_SERVER_ERROR:
    case OUTCOME_NETWORK:
    case OUTCOME_MALFORMED_REPLY:
        return true;
    case OUTCOME_OK:
    case OUTCOME_EXPIRED_TOKEN:
    case OUTCOME_CLOCK_SKEW:
    case OUTCOME_NO_CREDENTIALS:
    case OUTCOME_ACCESS_DENIED:
    case OUTCOME_BAD_REQUEST:
    case OUTCOME_NOT_FOUND:
    case OUTCOME_REFUSED:
    case OUTCOME_STOPPED:
    case OUTCOME_LOCAL:
        break;
    }
    return false;
}

int outcome_exit_code(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_OK:
    case OUTCOME_LOCAL:
        return 0;
    case OUTCOME_NO_CREDENTIALS:
        return EX_CONFIG;
    case OUTCOME_THROTTLED:
    case OUTCOME_SERVER_ERROR:
    case OUTCOME_NETWORK:
    case OUTCOME_STOPPED:
        return EX_TEMPFAIL;
    case OUTCOME_EXPIRED_TOKEN:
    case OUTCOME_CLOCK_SKEW:
    case OUTCOME_ACCESS_DENIED:
        return EX_NOPERM;
    case OUTCOME_BAD_REQUEST:
        return EX_DATAERR;
    case OUTCOME_NOT_FOUND:
    case OUTCOME_REFUSED:
        return EX_UNAVAILABLE;
    case OUTCOME_MALFORMED_REPLY:
        return EX_PROTOCOL;
    }
    return EX_SOFTWARE;
}

static bool is_among(const char *const words[], const char *code)
{
    for (; *words != NULL; words++) {
        if (strcmp(*words, code) == 0)
            return true;
    }
    return false;
}

bool outcome_may_be_skew(const char *code)
{
    static const char *const words[] = {"RequestExpired",
                                        "RequestTimeTooSkewed",
                                        "SignatureDoesNotMatch",
                                        "InvalidSignatureException",
                                        "AuthFailure",
                                        "RequestInTheFuture",
                                        NULL};

    return is_among(words, code);
}

bool outcome_may_be_rotation(const char *code)
{
    static const char *const words[] = {"ExpiredToken", "ExpiredTokenException",
                                        "InvalidClientTokenId", "UnrecognizedClientException",
                                        NULL};

    return is_among(words, code);
}

void outcome_set_code(struct outcome_error *error, const char *text)
{
    const char *start = text != NULL ? text : "";
    size_t length = strcspn(start, ":");
    const char *hash = memrchr(start, '#', length);

    if (hash != NULL) {
        length -= (size_t)(hash + 1 - start);
        start = hash + 1;
    }
    (void)snprintf(error->code, sizeof error->code, "%.*s", (int)length, start);
}

void outcome_set_message(struct outcome_error *error, const char *text)
{
    const char *start = text != NULL ? text : "";

    (void)snprintf(error->message, sizeof error->message, "%.*s", (int)strcspn(start, "\r\n"),
                   start);
}

void outcome_escape(char *out, size_t size, const char *text)
{
    size_t used = strlen(out);

    for (; *text != '\0' && used + 5 <= size; text++) {
        unsigned char octet = (unsigned char)*text;
        if (octet >= 0x20 && octet < 0x7f && octet != '\\')
            out[used++] = (char)octet;
        else
            used += (size_t)snprintf(out + used, size - used, "\\x%02X", octet);
    }
    out[used] = '\0';
}
