/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/credentials.h"

#include "ses/container.h"
#include "ses/imds.h"
#include "ses/role.h"

#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { REFRESH_AHEAD = 15 * 60, RETRY_AFTER = 60, JITTER_MIN = 2 * 60, JITTER_RANGE = 8 * 60 + 1 };

static enum outcome read_environment(const struct provider *provider, struct keys *keys,
                                     struct failure *why)
{
    return role_read_environment(provider->environment, keys, why);
}

static enum outcome read_credentials_file(const struct provider *provider, struct keys *keys,
                                          struct failure *why)
{
    if (provider->profile->keys_in_credentials_file)
        return role_read_static(provider->profile, keys, why);
    (void)failure_set(why, EX_CONFIG, "no keys in the credentials file");
    return OUTCOME_NOT_FOUND;
}

static enum outcome run_process(const struct provider *provider, struct keys *keys,
                                struct failure *why)
{
    return role_run_process(provider, keys, why);
}

static enum outcome read_config_file(const struct provider *provider, struct keys *keys,
                                     struct failure *why)
{
    return role_read_static(provider->profile, keys, why);
}

static enum outcome refuse_single_sign_on(const struct provider *provider, struct keys *keys,
                                          struct failure *why)
{
    (void)keys;
    return role_refuse_single_sign_on(provider->profile, why);
}

/* In the order in which they are asked; the first that is not absent decides. */
static const struct step {
    const char *name;
    bool from_profile; /* its failures name the profile */
    bool skip_if_named;
    enum outcome (*read)(const struct provider *, struct keys *, struct failure *);
} steps[] = {
    {"environment", false, true, read_environment},
    {"role", true, false, role_assume},
    {"web identity", true, false, role_assume_with_web_identity},
    {"credentials file", true, false, read_credentials_file},
    {"credential_process", true, false, run_process},
    {"config file", true, false, read_config_file},
    {"single sign-on", true, false, refuse_single_sign_on},
    {"container", false, false, container_read_keys},
    {"instance metadata", false, false, imds_read_keys},
};

void credentials_init(struct credentials *credentials, const char *profile,
                      const struct environment *environment, const struct call_transport *transport)
{
    memset(credentials, 0, sizeof *credentials);
    credentials->profile = profile;
    credentials->environment = environment;
    credentials->transport = transport;
}

void credentials_reset(struct credentials *credentials)
{
    explicit_bzero(credentials, sizeof *credentials);
}

static enum outcome ask_steps(const struct provider *provider, struct keys *keys,
                              struct failure *why)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct step *step = &steps[i];
        enum outcome outcome;
        if (step->skip_if_named && provider->profile_is_named)
            continue;
        outcome = step->read(provider, keys, why);
        if (outcome == OUTCOME_NOT_FOUND)
            continue;
        if (outcome != OUTCOME_OK && step->from_profile)
            (void)failure_prefix(why, "credentials, profile \"%.80s\"", provider->profile_name);
        else if (outcome != OUTCOME_OK)
            (void)failure_prefix(why, "credentials");
        return outcome;
    }
    (void)failure_prefix(why,
                         "no AWS credentials: neither in the environment, nor in the profile "
                         "\"%.80s\", nor from a container",
                         provider->profile_name);
    return OUTCOME_NO_CREDENTIALS;
}

static bool come_from_metadata(const struct credentials *credentials)
{
    return credentials->loaded && strcmp(credentials->keys.provider, "imds") == 0;
}

static enum outcome load(const struct credentials *credentials, int64_t now, struct keys *keys,
                         struct failure *why)
{
    bool is_named = credentials->profile != NULL && credentials->profile[0] != '\0';
    struct profile profile;
    struct provider provider = {.environment = credentials->environment,
                                .transport = credentials->transport,
                                .profile = &profile,
                                .profile_name =
                                    profile_name(credentials->profile, credentials->environment),
                                .profile_is_named = is_named,
                                .has_metadata = come_from_metadata(credentials),
                                .region = credentials->region,
                                .now = now};
    enum outcome outcome = provider_worked(
        profile_read(&profile, provider.profile_name, credentials->environment, why) &&
            profile_check(&profile, provider.profile_name, why),
        why);

    if (outcome == OUTCOME_OK)
        outcome = ask_steps(&provider, keys, why);
    profile_reset(&profile);
    return outcome;
}

/* The metadata service in trouble hands out the last keys it had, and AWS goes on to accept them.
 */
static void plan_refresh(struct credentials *credentials, int64_t now)
{
    const struct keys *keys = &credentials->keys;
    int64_t left = keys->expiration - now;

    credentials->overdue_is_fine = false;
    if (keys->expiration == 0) {
        credentials->refresh_at = 0;
    } else if (strcmp(keys->provider, "imds") == 0 && left < REFRESH_AHEAD) {
        credentials->overdue_is_fine = true;
        credentials->refresh_at = now + REFRESH_AHEAD + JITTER_MIN + now % JITTER_RANGE;
    } else {
        credentials->refresh_at =
            keys->expiration - (left / 2 < REFRESH_AHEAD ? left / 2 : REFRESH_AHEAD);
    }
}

enum outcome credentials_renew(struct credentials *credentials, int64_t now, struct failure *why)
{
    struct keys keys = {.provider = NULL};
    enum outcome outcome = load(credentials, now, &keys, why);

    if (outcome == OUTCOME_OK) {
        credentials->keys = keys;
        credentials->loaded = true;
        credentials->is_told = false;
        plan_refresh(credentials, now);
    }
    keys_reset(&keys);
    return outcome;
}

void credentials_doubt(struct credentials *credentials)
{
    if (credentials->loaded)
        credentials->refresh_at = 1;
}

static bool hold(const struct credentials *credentials, int64_t now)
{
    return credentials->keys.expiration == 0 || credentials->overdue_is_fine ||
           now < credentials->keys.expiration;
}

static void keep_old_keys(struct credentials *credentials, int64_t now, const struct failure *why)
{
    credentials->refresh_at = now + RETRY_AFTER;
    if (!credentials->overdue_is_fine && credentials->keys.expiration != 0 &&
        credentials->refresh_at > credentials->keys.expiration)
        credentials->refresh_at = credentials->keys.expiration;
    if (credentials->is_told)
        return;
    credentials->is_told = true;
    if (credentials->keys.expiration == 0) {
        log_write(LOG_WARNING, "AWS credentials cannot be refreshed: %s; those in use are kept",
                  why->text);
        return;
    }
    log_write(LOG_WARNING, "AWS credentials cannot be refreshed: %s; those in use %s %lld s",
              why->text, now < credentials->keys.expiration ? "hold for" : "are kept, overdue for",
              llabs((long long)(credentials->keys.expiration - now)));
}

enum outcome credentials_get(struct credentials *credentials, int64_t now, const struct keys **keys,
                             struct failure *why)
{
    enum outcome outcome;

    *keys = &credentials->keys;
    if (credentials->loaded && (credentials->refresh_at == 0 || now < credentials->refresh_at))
        return OUTCOME_OK;
    outcome = credentials_renew(credentials, now, why);
    if (outcome == OUTCOME_OK || !credentials->loaded || !hold(credentials, now))
        return outcome;
    keep_old_keys(credentials, now, why);
    return OUTCOME_OK;
}
