/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Where an account is called: region, endpoints, CA file, as settings, environment and AWS files
 * say now. Asks the instance metadata if nobody else knows the region.
 */
#ifndef SES_LOCATION_H
#define SES_LOCATION_H

#include "ses/call.h"
#include "ses/environment.h"

#include <limits.h>

struct location {
    char region[ENDPOINT_REGION_MAX + 1];
    char ca_file[PATH_MAX]; /* "": those of the system */
    struct endpoint v1;
    struct endpoint v2;
};

/* What settings say; NULL and "" for nothing. */
struct location_settings {
    const char *profile;
    const char *region;
    const char *endpoint;
    const char *ca_file;
    const struct environment *environment;
};

/* Fills *location. OUTCOME_LOCAL: something on this machine
 * is wrong; or what became of asking the metadata. */
enum outcome location_find(struct location *location, const struct location_settings *settings,
                           const struct call_transport *transport, struct failure *why);

#endif
