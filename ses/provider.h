/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What every provider of credentials is given, and how it answers.
 *
 * A provider answers with an outcome, so that what passes by itself is still told from what needs a
 * person when it comes to whoever waits before the next try:
 *
 *     OUTCOME_OK              *keys are filled
 *     OUTCOME_NOT_FOUND       nothing of the kind is configured: the next provider is asked
 *     OUTCOME_NO_CREDENTIALS  what is configured does not work, and a person has to act
 *     any other               as of a call: a server in trouble, the network, memory, the end
 *
 * *why is filled for all but OUTCOME_OK.
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
    bool has_metadata;     /* instance metadata are known to be there, reached or not */
    const char *region;    /* for STS */
    int64_t now;           /* seconds since the epoch */
};

/* The outcome of something without a network: OUTCOME_LOCAL if memory is what it lacked. */
enum outcome provider_worked(bool fine, const struct failure *why);

/* The outcome of asking for credentials, from that of the call that did it. */
enum outcome provider_called(enum outcome outcome);

/* The same of an exchange without a reply that could be judged. */
enum outcome provider_exchanged(enum http_result result);

#endif
