/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What every provider of credentials is given, and how it answers.
 */
#ifndef SES_PROVIDER_H
#define SES_PROVIDER_H

#include "ses/call.h"
#include "ses/environment.h"
#include "ses/keys.h"
#include "ses/profile.h"

struct provider {
    const struct environment *environment;
    const struct call_transport *transport;
    const struct profile *profile; /* the one in use */
    const char *profile_name;
    bool profile_is_named; /* by a setting: then the environment's keys don't count */
    const char *region;    /* for STS */
    int64_t now;           /* seconds since the epoch */
};

/* A provider fills *keys for PROVIDER_FOUND. *why otherwise: for PROVIDER_ABSENT what is not there,
 * for PROVIDER_FAILED what is wrong with what is there; then no other provider is asked. */
enum provider_result { PROVIDER_FOUND, PROVIDER_ABSENT, PROVIDER_FAILED };

#endif
