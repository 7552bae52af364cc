/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The REST API of SES (2019-09-27): paths and bodies of requests, and what the replies say. Pure:
 * the network is ses/client.h.
 */
#ifndef SES_API_V2_H
#define SES_API_V2_H

#include "ses/api_v1.h"

#define API_V2_CONTENT_TYPE    "application/json"
#define API_V2_IDENTITIES_PATH "/v2/email/identities"

enum {
    API_V2_PAGE_MAX = 1000, /* identities a page */
    API_V2_TOKEN_MAX = 4096,
    API_V2_PATH_SIZE = 3 * IDENTITY_INPUT_MAX + 64,
    API_V2_QUERY_SIZE = 64 + 3 * API_V2_TOKEN_MAX,
    API_V2_BODY_SIZE = 512
};

extern const char *const api_v2_verification_words[API_VERIFICATION_COUNT]; /* "PENDING", .. */

/* What ListEmailIdentities says of one identity. */
struct api_v2_listed {
    char name[IDENTITY_SIZE]; /* as SES spells it */
    enum identity_kind kind;
    enum api_sending sending; /* SendingEnabled: it is verified */
};

struct api_v2_page {
    struct api_v2_listed *listed;
    size_t count;
    size_t passed_over; /* items without a usable name: any identity may be one */
    char next_token[API_V2_TOKEN_MAX + 1]; /* "": this was the last page */
};

/* What GetEmailIdentity says. */
struct api_v2_identity {
    enum identity_kind kind;
    enum api_sending sending; /* VerifiedForSendingStatus */
    struct api_v1_mail_from mail_from;
};

/* Paths and queries as on the wire. EX_DATAERR: too long, or empty. */
bool api_v2_write_path(char path[API_V2_PATH_SIZE], const char *identity, const char *suffix,
                       struct failure *why);
bool api_v2_write_list_query(char query[API_V2_QUERY_SIZE], unsigned page_size,
                             const char *next_token, struct failure *why);

/* The body of PutEmailIdentityMailFromAttributes; domain NULL or "" clears. It replaces both
 * attributes, so both are always in it. */
bool api_v2_write_mail_from(char body[API_V2_BODY_SIZE], const char *domain,
                            enum mail_from_behavior behavior, struct failure *why);

/* EX_PROTOCOL if it is not such a reply. Free a page with api_v2_page_reset. */
bool api_v2_read_page(struct api_v2_page *page, const char *json, size_t length,
                      struct failure *why);
void api_v2_page_reset(struct api_v2_page *page);
bool api_v2_read_identity(struct api_v2_identity *identity, const char *json, size_t length,
                          struct failure *why);

/* The error in a reply: its name in a header, or in the body. */
void api_v2_read_error(struct outcome_error *error, const struct http_reply *reply);

#endif
