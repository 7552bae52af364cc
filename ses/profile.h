/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * One profile of the AWS config and credentials files, the two merged: where both set a key, the
 * credentials file counts. In the config file the profile "default" may be written [default] or
 * [profile default]; of two sections of one profile the last counts. Files are read anew each time,
 * for whoever rotates keys in them.
 */
#ifndef SES_PROFILE_H
#define SES_PROFILE_H

#include "ses/environment.h"

#include "common/failure.h"

enum profile_key {
    PROFILE_ACCESS_KEY,
    PROFILE_SECRET_KEY,
    PROFILE_SESSION_TOKEN,
    PROFILE_SECURITY_TOKEN, /* the old name of the session token */
    PROFILE_REGION,
    PROFILE_ENDPOINT_URL,
    PROFILE_CA_BUNDLE,
    PROFILE_SERVICES,
    PROFILE_USE_FIPS_ENDPOINT,
    PROFILE_USE_DUALSTACK_ENDPOINT,
    PROFILE_IGNORE_CONFIGURED_ENDPOINT_URLS,
    PROFILE_ROLE_ARN,
    PROFILE_SOURCE_PROFILE,
    PROFILE_CREDENTIAL_SOURCE,
    PROFILE_CREDENTIAL_PROCESS,
    PROFILE_WEB_IDENTITY_TOKEN_FILE,
    PROFILE_ROLE_SESSION_NAME,
    PROFILE_EXTERNAL_ID,
    PROFILE_DURATION_SECONDS,
    PROFILE_MFA_SERIAL,
    PROFILE_SSO_SESSION,
    PROFILE_SSO_START_URL,
    PROFILE_METADATA_ENDPOINT,
    PROFILE_METADATA_ENDPOINT_MODE,
    PROFILE_METADATA_V1_DISABLED,
    PROFILE_SES_ENDPOINT_URL, /* from the section that `services` names: `ses =`, `endpoint_url =`
                               */
    PROFILE_SESV2_ENDPOINT_URL,
    PROFILE_STS_ENDPOINT_URL
};
enum { PROFILE_KEY_COUNT = PROFILE_STS_ENDPOINT_URL + 1 };

struct profile {
    char *values[PROFILE_KEY_COUNT]; /* NULL where unset or empty */
    bool exists;                     /* either file has a section for it */
    bool keys_in_credentials_file;   /* the static keys come from there, or from the config file */
    bool lacks_services;             /* the section that `services` names is not there */
};

/* The name of the profile in use: the setting, else AWS_PROFILE, AWS_DEFAULT_PROFILE, "default". */
const char *profile_name(const char *setting, const struct environment *environment);

/* Reads the profile from AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE (by default below ~/.aws).
 * A missing file is an empty one, and a missing profile has no values. EX_CONFIG or EX_NOPERM:
 * file, line and what is wrong. Free it with profile_reset, which also wipes it; after a failure
 * too. */
bool profile_read(struct profile *profile, const char *name, const struct environment *environment,
                  struct failure *why);
void profile_reset(struct profile *profile);

/* A profile that somebody asked for must be there; the one called "default" need not. EX_CONFIG. */
bool profile_check(const struct profile *profile, const char *name, struct failure *why);

#endif
