/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/role.h"

#include "ses/container.h"
#include "ses/imds.h"
#include "ses/process.h"
#include "ses/sts.h"

#include <string.h>
#include <sysexits.h>

enum { PROCESS_TIMEOUT = 60 * 1000 };

/* The profiles between the one in use and the one at hand, so that a circle is seen. */
struct chain {
    const struct chain *before;
    const char *name;
    unsigned length;
};

static enum outcome assume(const struct provider *provider, const struct chain *chain,
                           struct keys *keys, struct failure *why);

static enum outcome absent(struct failure *why, const char *what)
{
    (void)failure_set(why, EX_CONFIG, "%s", what);
    return OUTCOME_NOT_FOUND;
}

/* What is configured and does not work. */
static enum outcome unusable(struct failure *why, const char *what)
{
    (void)failure_set(why, EX_CONFIG, "%s", what);
    return OUTCOME_NO_CREDENTIALS;
}

enum outcome role_read_environment(const struct environment *environment, struct keys *keys,
                                   struct failure *why)
{
    const char *access_key = environment_get(environment, "AWS_ACCESS_KEY_ID");
    const char *secret_key = environment_get(environment, "AWS_SECRET_ACCESS_KEY");
    const char *token = environment_get(environment, "AWS_SESSION_TOKEN");

    if (access_key == NULL && secret_key == NULL)
        return absent(why, "AWS_ACCESS_KEY_ID is not set");
    if (access_key == NULL || secret_key == NULL) {
        (void)failure_set(why, EX_CONFIG, "%s is set, but %s is not",
                          access_key != NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                          access_key != NULL ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
        return OUTCOME_NO_CREDENTIALS;
    }
    if (token == NULL)
        token = environment_get(environment, "AWS_SECURITY_TOKEN");
    return provider_worked(keys_set(keys, "environment", access_key, secret_key, token, why), why);
}

enum outcome role_read_static(const struct profile *profile, struct keys *keys, struct failure *why)
{
    const char *access_key = profile->values[PROFILE_ACCESS_KEY];
    const char *secret_key = profile->values[PROFILE_SECRET_KEY];
    const char *token = profile->values[PROFILE_SESSION_TOKEN];

    if (access_key == NULL && secret_key == NULL)
        return absent(why, "the profile has no keys");
    if (access_key == NULL || secret_key == NULL) {
        (void)failure_set(why, EX_CONFIG, "%s is set, but %s is not",
                          access_key != NULL ? "aws_access_key_id" : "aws_secret_access_key",
                          access_key != NULL ? "aws_secret_access_key" : "aws_access_key_id");
        return OUTCOME_NO_CREDENTIALS;
    }
    if (token == NULL)
        token = profile->values[PROFILE_SECURITY_TOKEN];
    return provider_worked(
        keys_set(keys,
                 profile->keys_in_credentials_file ? "shared-credentials-file" : "config-file",
                 access_key, secret_key, token, why),
        why);
}

enum outcome role_run_process(const struct provider *provider, struct keys *keys,
                              struct failure *why)
{
    const char *command = provider->profile->values[PROFILE_CREDENTIAL_PROCESS];

    if (command == NULL)
        return absent(why, "the profile has no credential_process");
    return provider_worked(process_read_keys(command, PROCESS_TIMEOUT, keys, why) &&
                               (keys_check_expiration(keys, provider->now, why) ||
                                failure_prefix(why, "credential_process")),
                           why);
}

enum outcome role_refuse_single_sign_on(const struct profile *profile, struct failure *why)
{
    if (profile->values[PROFILE_SSO_SESSION] == NULL &&
        profile->values[PROFILE_SSO_START_URL] == NULL)
        return absent(why, "the profile has no single sign-on");
    return unusable(why, "single sign-on needs a person at a browser; give the profile a role, or "
                         "`credential_process = aws configure export-credentials --profile NAME`");
}

static struct sts_role role_of(const struct profile *profile)
{
    return (struct sts_role){.arn = profile->values[PROFILE_ROLE_ARN],
                             .session_name = profile->values[PROFILE_ROLE_SESSION_NAME],
                             .external_id = profile->values[PROFILE_EXTERNAL_ID],
                             .duration_seconds = profile->values[PROFILE_DURATION_SECONDS]};
}

static enum outcome assume_by_profile_token(const struct provider *provider, struct keys *keys,
                                            struct failure *why)
{
    const char *file = provider->profile->values[PROFILE_WEB_IDENTITY_TOKEN_FILE];
    struct sts_role role = role_of(provider->profile);

    if (file == NULL)
        return absent(why, "no web identity token file");
    if (role.arn == NULL)
        return unusable(why, "web_identity_token_file is set, but role_arn is not");
    role.external_id = NULL;
    return sts_assume_role_with_web_identity(provider, &role, file, keys, why);
}

enum outcome role_assume_with_web_identity(const struct provider *provider, struct keys *keys,
                                           struct failure *why)
{
    const struct environment *environment = provider->environment;
    const char *file = environment_get(environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
    struct sts_role role = {.arn = environment_get(environment, "AWS_ROLE_ARN"),
                            .session_name = environment_get(environment, "AWS_ROLE_SESSION_NAME")};

    if (provider->profile_is_named || file == NULL)
        return assume_by_profile_token(provider, keys, why);
    if (role.arn == NULL)
        role.arn = provider->profile->values[PROFILE_ROLE_ARN];
    if (role.arn == NULL)
        return unusable(why, "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not");
    return sts_assume_role_with_web_identity(provider, &role, file, keys, why);
}

/* What is named has to be there. */
static enum outcome demand(enum outcome outcome)
{
    return outcome == OUTCOME_NOT_FOUND ? OUTCOME_NO_CREDENTIALS : outcome;
}

static enum outcome read_source(const struct provider *provider, const char *source,
                                struct keys *keys, struct failure *why)
{
    struct provider other = *provider;

    other.has_metadata = true;
    if (strcmp(source, "Environment") == 0)
        return demand(role_read_environment(provider->environment, keys, why));
    if (strcmp(source, "Ec2InstanceMetadata") == 0)
        return demand(imds_read_keys(&other, keys, why));
    if (strcmp(source, "EcsContainer") == 0)
        return demand(container_read_keys(provider, keys, why));
    (void)failure_set(why, EX_CONFIG,
                      "credential_source \"%.80s\" is not Environment, Ec2InstanceMetadata or "
                      "EcsContainer",
                      source);
    return OUTCOME_NO_CREDENTIALS;
}

static bool is_in_chain(const struct chain *chain, const char *name)
{
    for (; chain != NULL; chain = chain->before) {
        if (strcmp(chain->name, name) == 0)
            return true;
    }
    return false;
}

static bool has_keys(const struct profile *profile)
{
    return profile->values[PROFILE_ACCESS_KEY] != NULL ||
           profile->values[PROFILE_SECRET_KEY] != NULL;
}

static bool has_role(const struct profile *profile)
{
    return profile->values[PROFILE_ROLE_ARN] != NULL &&
           profile->values[PROFILE_WEB_IDENTITY_TOKEN_FILE] == NULL;
}

/* What a source profile has of its own, in the order of AWS; but single sign-on, which nobody can
 * do here, comes last. */
static enum outcome read_own(const struct provider *provider, struct keys *keys,
                             struct failure *why)
{
    const struct profile *profile = provider->profile;
    enum outcome outcome = assume_by_profile_token(provider, keys, why);

    if (outcome == OUTCOME_NOT_FOUND && profile->keys_in_credentials_file)
        outcome = role_read_static(profile, keys, why);
    if (outcome == OUTCOME_NOT_FOUND)
        outcome = role_run_process(provider, keys, why);
    if (outcome == OUTCOME_NOT_FOUND)
        outcome = role_read_static(profile, keys, why);
    if (outcome == OUTCOME_NOT_FOUND)
        outcome = role_refuse_single_sign_on(profile, why);
    if (outcome == OUTCOME_NOT_FOUND)
        return unusable(why, "the profile has no keys");
    return outcome;
}

/* A profile may name itself, for its keys. */
static bool is_circle(const struct chain *chain, const struct profile *profile, const char *name)
{
    return is_in_chain(chain, name) && (strcmp(chain->name, name) != 0 || !has_keys(profile));
}

static enum outcome read_other(const struct provider *other, const struct chain *chain,
                               const struct chain *link, struct keys *keys, struct failure *why)
{
    if (!other->profile->exists)
        return unusable(why, "there is no such profile");
    if (is_circle(chain, other->profile, link->name) || link->length > ROLE_CHAIN_MAX)
        return unusable(why, "the profiles lead in a circle, or the chain is too long");
    if (has_keys(other->profile) || !has_role(other->profile))
        return read_own(other, keys, why);
    return assume(other, link, keys, why);
}

/* The profile at the other end of source_profile; it may be the very same one, for its keys. */
static enum outcome read_source_profile(const struct provider *provider, const struct chain *chain,
                                        const char *name, struct keys *keys, struct failure *why)
{
    struct chain link = {.before = chain, .name = name, .length = chain->length + 1};
    struct profile profile;
    struct provider other = *provider;
    enum outcome outcome =
        provider_worked(profile_read(&profile, name, provider->environment, why), why);

    other.profile = &profile;
    other.profile_name = name;
    if (outcome == OUTCOME_OK)
        outcome = read_other(&other, chain, &link, keys, why);
    profile_reset(&profile);
    if (outcome != OUTCOME_OK)
        (void)failure_prefix(why, "source_profile \"%.80s\"", name);
    return outcome;
}

static enum outcome read_base(const struct provider *provider, const struct chain *chain,
                              struct keys *keys, struct failure *why)
{
    const char *profile = provider->profile->values[PROFILE_SOURCE_PROFILE];
    const char *source = provider->profile->values[PROFILE_CREDENTIAL_SOURCE];

    if (provider->profile->values[PROFILE_MFA_SERIAL] != NULL)
        return unusable(why, "mfa_serial needs a person at a terminal");
    if ((profile == NULL) == (source == NULL))
        return unusable(why, "role_arn needs either source_profile or credential_source");
    return source != NULL ? read_source(provider, source, keys, why)
                          : read_source_profile(provider, chain, profile, keys, why);
}

static enum outcome assume(const struct provider *provider, const struct chain *chain,
                           struct keys *keys, struct failure *why)
{
    struct sts_role role = role_of(provider->profile);
    struct keys base = {.provider = NULL};
    enum outcome outcome = read_base(provider, chain, &base, why);

    if (outcome == OUTCOME_OK)
        outcome = sts_assume_role(provider, &role, &base, keys, why);
    keys_reset(&base);
    return outcome;
}

enum outcome role_assume(const struct provider *provider, struct keys *keys, struct failure *why)
{
    const struct profile *profile = provider->profile;
    struct chain chain = {.before = NULL, .name = provider->profile_name, .length = 1};

    if (!has_role(profile))
        return absent(why, "the profile has no role to assume");
    return assume(provider, &chain, keys, why);
}
