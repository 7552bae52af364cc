/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Where an AWS service answers: the region, its host by the rules of the partitions, or a URL that
 * somebody configured. No network: what the instance metadata say about the region is an argument.
 */
#ifndef SES_ENDPOINT_H
#define SES_ENDPOINT_H

#include "ses/environment.h"
#include "ses/profile.h"

#include "common/failure.h"

enum { ENDPOINT_HOST_MAX = 263, ENDPOINT_PATH_MAX = 255, ENDPOINT_REGION_MAX = 63 };

struct endpoint {
    bool https;
    char host[ENDPOINT_HOST_MAX + 1]; /* as in the Host header: a port only if it is not the
                                       * scheme's own, IPv6 in brackets */
    char path[ENDPOINT_PATH_MAX + 1]; /* comes before each path; no slash at its end, "" for none */
};

enum endpoint_service { ENDPOINT_SES, ENDPOINT_SESV2, ENDPOINT_STS };

struct endpoint_settings {
    const char *endpoint; /* a URL for both SES APIs, NULL or "" to go on looking */
    const struct environment *environment;
    const struct profile *profile;
};

/* Takes a URL apart: http or https, a host, perhaps a port and a path; no user, query or fragment.
 * EX_CONFIG otherwise. Plain http is fine here: see endpoint_is_loopback. */
bool endpoint_parse(struct endpoint *endpoint, const char *url, struct failure *why);

/* The same for scheme and host alone: *rest is what follows in url, as it stands. */
bool endpoint_parse_origin(struct endpoint *endpoint, const char *url, const char **rest,
                           struct failure *why);

/* Is the host an address of the loopback, or "localhost"? */
bool endpoint_is_loopback(const struct endpoint *endpoint);

/* The host without port and brackets. */
void endpoint_host_name(const struct endpoint *endpoint, char out[ENDPOINT_HOST_MAX + 1]);

/* The region that was configured: the setting, AWS_REGION, AWS_DEFAULT_REGION, the profile's.
 * NULL if none was. */
const char *endpoint_configured_region(const char *setting, const struct environment *environment,
                                       const struct profile *profile);

/* Is this a word that can be a region? EX_CONFIG if not. */
bool endpoint_check_region(const char *region, struct failure *why);

/* Finds the endpoint of a service. Fails with EX_CONFIG, also for plain http to anywhere but the
 * loopback. */
bool endpoint_resolve(struct endpoint *endpoint, enum endpoint_service service, const char *region,
                      const struct endpoint_settings *settings, struct failure *why);

#endif
