/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The AWS account and region of one section, called by an administrator: with the administrator's
 * own credentials, within the budget that mailfrom-sync keeps too, and with advice where AWS
 * refuses.
 */
#ifndef CTL_ACCOUNT_H
#define CTL_ACCOUNT_H

#include "common/settings.h"
#include "common/store.h"
#include "ses/client.h"
#include "ses/endpoint.h"

struct account;

/* store: where the time of the last call is kept, open for writing; NULL if there is none. Section
 * and store stay the caller's, and in use. The credentials are those of the environment or of
 * AWS_PROFILE, else of the section's profile. No network yet. */
struct account *account_open(const struct settings_ses *section, struct store *store,
                             struct failure *why);
void account_close(struct account *account); /* NULL is fine */

const struct settings_ses *account_section(const struct account *account);

/* Each waits for its turn first, some seconds at most. After a failure *why has SES's own words and
 * what to do. */
enum outcome account_get_mail_from(struct account *account, const char *const identities[],
                                   size_t count, struct api_v1_mail_from answers[],
                                   struct failure *why);
enum outcome account_get_identity(struct account *account, const char *identity,
                                  struct api_v2_identity *answer, struct failure *why);

/* domain "" clears. */
enum outcome account_put_mail_from(struct account *account, const char *identity,
                                   const char *domain, enum mail_from_behavior behavior,
                                   struct failure *why);

/* The region of a section without asking anybody over the network: that of the section, else that
 * of the AWS environment or of the section's profile. False and "" if it is not known so. */
bool account_region(const struct settings_ses *section, char region[ENDPOINT_REGION_MAX + 1]);

#endif
