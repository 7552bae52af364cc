/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The Query API of SES (2010-12-01): bodies of requests, and what the replies say. Pure: the
 * network is ses/client.h.
 */
#ifndef SES_API_V1_H
#define SES_API_V1_H

#include "ses/http.h"
#include "ses/outcome.h"

#include "common/mail_from.h"

#define API_V1_CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"

enum {
    API_V1_IDENTITIES_MAX = 100, /* SES's own limit for a call */
    API_V1_BODY_SIZE = 192 * 1024
};

/* What a reply says of one of the identities that were asked for. */
enum api_answer {
    API_UNKNOWN, /* nothing: SES does not know the identity */
    API_ANSWERED,
    API_UNREADABLE /* something that cannot be read, or may be of another: *error says what. It is
                    * neither "unknown" nor "not set", so what was known before stays. */
};

/* May an identity send? What a reply leaves out, or says in a way that cannot be read, is unsaid:
 * then what was known before stays. */
enum api_sending { API_SENDING_UNSAID, API_SENDING_NO, API_SENDING_YES };

struct api_v1_mail_from {
    enum api_answer answer;
    char domain[IDENTITY_DOMAIN_MAX + 1]; /* canonical form, "" for no custom MAIL FROM domain */
    enum mail_from_status status;         /* means nothing without a domain */
    enum mail_from_behavior behavior;
    char error[MAIL_FROM_ERROR_MAX + 1];
};

/* Of an identity, not of its MAIL FROM domain. */
enum api_verification {
    API_VERIFICATION_PENDING,
    API_VERIFICATION_SUCCESS,
    API_VERIFICATION_FAILED,
    API_VERIFICATION_TEMPORARY_FAILURE,
    API_VERIFICATION_NOT_STARTED
};
enum { API_VERIFICATION_COUNT = API_VERIFICATION_NOT_STARTED + 1 };
extern const char *const api_v1_verification_words[API_VERIFICATION_COUNT]; /* "Pending", .. */

struct api_v1_verification {
    enum api_answer answer;
    enum api_verification status;
    char error[MAIL_FROM_ERROR_MAX + 1];
};

/* The form for an action that takes a list of identities. EX_DATAERR: none, more than 100, or more
 * text than the body holds. */
bool api_v1_write_identities(char body[API_V1_BODY_SIZE], const char *action,
                             const char *const identities[], size_t count, struct failure *why);

/* The reply to GetIdentityMailFromDomainAttributes, GetIdentityVerificationAttributes: fills one
 * answer for each of the identities that were asked for, and passes over others. Identities are
 * matched exactly, else with the case of the domain ignored. EX_PROTOCOL if it is not such a reply.
 */
bool api_v1_read_mail_from(const char *xml, size_t length, const char *const identities[],
                           size_t count, struct api_v1_mail_from answers[], struct failure *why);
bool api_v1_read_verification(const char *xml, size_t length, const char *const identities[],
                              size_t count, struct api_v1_verification answers[],
                              struct failure *why);

/* The error in a reply, of SES or STS; what is no such reply leaves code and message empty. */
void api_v1_read_error(struct outcome_error *error, const struct http_reply *reply);

#endif
