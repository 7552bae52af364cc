/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/location.h"

#include "ses/imds.h"
#include "ses/path.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static enum outcome find_region(struct location *location, const struct location_settings *settings,
                                const struct profile *profile,
                                const struct call_transport *transport, struct failure *why)
{
    const char *region =
        endpoint_configured_region(settings->region, settings->environment, profile);
    struct provider provider = {
        .environment = settings->environment, .transport = transport, .profile = profile};
    enum outcome outcome;

    if (region != NULL) {
        if (!endpoint_check_region(region, why))
            return OUTCOME_LOCAL;
        (void)snprintf(location->region, sizeof location->region, "%s", region);
        return OUTCOME_OK;
    }
    outcome = imds_read_region(&provider, location->region, why);
    if (outcome == OUTCOME_OK)
        return outcome;
    (void)failure_prefix(why, "no region: neither a setting, nor AWS_REGION, nor in the profile");
    if (outcome_passes(outcome) || outcome == OUTCOME_STOPPED)
        return outcome;
    why->exit_code = EX_CONFIG;
    return OUTCOME_LOCAL;
}

static void find_ca_file(struct location *location, const struct location_settings *settings,
                         const struct profile *profile)
{
    const char *file = settings->ca_file;

    if (file == NULL || file[0] == '\0')
        file = environment_get(settings->environment, "AWS_CA_BUNDLE");
    if (file == NULL)
        file = profile->values[PROFILE_CA_BUNDLE];
    if (file == NULL)
        file = environment_get(settings->environment, "REQUESTS_CA_BUNDLE");
    path_expand_home(location->ca_file, file != NULL ? file : "", settings->environment);
}

static bool find_endpoints(struct location *location, const struct location_settings *settings,
                           const struct profile *profile, struct failure *why)
{
    struct endpoint_settings where = {
        .endpoint = settings->endpoint, .environment = settings->environment, .profile = profile};

    return endpoint_resolve(&location->v1, ENDPOINT_SES, location->region, &where, why) &&
           endpoint_resolve(&location->v2, ENDPOINT_SESV2, location->region, &where, why);
}

enum outcome location_find(struct location *location, const struct location_settings *settings,
                           const struct call_transport *transport, struct failure *why)
{
    const char *name = profile_name(settings->profile, settings->environment);
    enum outcome outcome = OUTCOME_LOCAL;
    struct profile profile;

    memset(location, 0, sizeof *location);
    if (profile_read(&profile, name, settings->environment, why) &&
        profile_check(&profile, name, why)) {
        find_ca_file(location, settings, &profile);
        outcome = find_region(location, settings, &profile, transport, why);
    }
    if (outcome == OUTCOME_OK && !find_endpoints(location, settings, &profile, why))
        outcome = OUTCOME_LOCAL;
    profile_reset(&profile);
    return outcome;
}
