/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What a profile says about credentials: keys of its own, a program that prints them, a web
 * identity, or a role to assume with the credentials of another profile or place.
 */
#ifndef SES_ROLE_H
#define SES_ROLE_H

#include "ses/provider.h"

enum { ROLE_CHAIN_MAX = 8 /* profiles that lead from one to the other */ };

/* The keys that stand in the files. Half a pair is unusable, and names the missing half. */
enum outcome role_read_static(const struct profile *profile, struct keys *keys,
                              struct failure *why);

/* credential_process. Keys that have expired are none. */
enum outcome role_run_process(const struct provider *provider, struct keys *keys,
                              struct failure *why);

/* Single sign-on, which only people can do: never OUTCOME_OK. */
enum outcome role_refuse_single_sign_on(const struct profile *profile, struct failure *why);

/* role_arn with source_profile or credential_source. */
enum outcome role_assume(const struct provider *provider, struct keys *keys, struct failure *why);

/* A web identity: from AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or from the profile. */
enum outcome role_assume_with_web_identity(const struct provider *provider, struct keys *keys,
                                           struct failure *why);

/* AWS_ACCESS_KEY_ID and its companions. */
enum outcome role_read_environment(const struct environment *environment, struct keys *keys,
                                   struct failure *why);

#endif
