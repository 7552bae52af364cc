/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * One AWS account and region, called: finds region, endpoint and credentials, signs, sends, and
 * says what became of it. A call blocks for the time-out at most, twice or three times that if it
 * has to fetch credentials or is repeated. It is repeated once at most, and in two cases only: with
 * fresh credentials where AWS refused the old ones, and with AWS's time where ours is wrong. The
 * pace, and any other retry, is the caller's.
 *
 * What the AWS files say of region, endpoint and CA file is looked up again after a call that
 * failed, and the credentials after one that was not permitted: whoever mends them need not restart
 * anything.
 *
 * A client is used by one thread at a time.
 */
#ifndef SES_CLIENT_H
#define SES_CLIENT_H

#include "ses/api_v1.h"
#include "ses/api_v2.h"
#include "ses/environment.h"
#include "ses/outcome.h"

/* NULL, "" and 0 stand for what is usual. The strings stay the caller's, and in use. */
struct ses_client_settings {
    const char *profile;
    const char *region;
    const char *endpoint; /* a URL, for both APIs */
    const char *ca_file;
    long connect_timeout;                  /* milliseconds: 5000 */
    long first_byte_timeout;               /* 15000 */
    long timeout;                          /* of a whole exchange: 30000 */
    const struct environment *environment; /* that of the process */
    int64_t (*clock)(void *context);       /* seconds since the epoch; time(2) */
    void *clock_context;
    bool (*stop)(void *context); /* asked about once a second whether to give up; never */
    void *stop_context;
};

struct ses_client;

/* No network yet: what is wrong with region, endpoint or credentials shows in the first call. */
struct ses_client *ses_client_new(const struct ses_client_settings *settings, struct failure *why);
void ses_client_free(struct ses_client *client); /* NULL is fine */

/* v1, up to API_V1_IDENTITIES_MAX identities: one answer for each, in their order. */
enum outcome ses_client_get_mail_from(struct ses_client *client, const char *const identities[],
                                      size_t count, struct api_v1_mail_from answers[],
                                      struct failure *why);
enum outcome ses_client_get_verification(struct ses_client *client, const char *const identities[],
                                         size_t count, struct api_v1_verification answers[],
                                         struct failure *why);

/* v2. next_token: NULL or "" for the first page, then that of the page before. Free the page with
 * api_v2_page_reset after OUTCOME_OK. page_size: 1 to API_V2_PAGE_MAX. */
enum outcome ses_client_list(struct ses_client *client, unsigned page_size, const char *next_token,
                             struct api_v2_page *page, struct failure *why);
enum outcome ses_client_get_identity(struct ses_client *client, const char *identity,
                                     struct api_v2_identity *answer, struct failure *why);

/* v2. Replaces both attributes; domain NULL or "" clears them. */
enum outcome ses_client_put_mail_from(struct ses_client *client, const char *identity,
                                      const char *domain, enum mail_from_behavior behavior,
                                      struct failure *why);

/* What AWS said in the last call, if it was an error. Not escaped, unlike *why. */
const struct outcome_error *ses_client_error(const struct ses_client *client);

/* How many requests went to SES so far, repeated ones included: they all count in its budget. */
unsigned long ses_client_requests(const struct ses_client *client);

/* The region in use, "" before the first call. */
const char *ses_client_region(const struct ses_client *client);

#endif
