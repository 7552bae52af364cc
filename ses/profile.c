/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/profile.h"

#include "ses/file.h"
#include "ses/ini.h"
#include "ses/path.h"

#include "common/word.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static const char *const key_words[PROFILE_KEY_COUNT] = {
    [PROFILE_ACCESS_KEY] = "aws_access_key_id",
    [PROFILE_SECRET_KEY] = "aws_secret_access_key",
    [PROFILE_SESSION_TOKEN] = "aws_session_token",
    [PROFILE_SECURITY_TOKEN] = "aws_security_token",
    [PROFILE_REGION] = "region",
    [PROFILE_ENDPOINT_URL] = "endpoint_url",
    [PROFILE_CA_BUNDLE] = "ca_bundle",
    [PROFILE_SERVICES] = "services",
    [PROFILE_USE_FIPS_ENDPOINT] = "use_fips_endpoint",
    [PROFILE_USE_DUALSTACK_ENDPOINT] = "use_dualstack_endpoint",
    [PROFILE_IGNORE_CONFIGURED_ENDPOINT_URLS] = "ignore_configured_endpoint_urls",
    [PROFILE_ROLE_ARN] = "role_arn",
    [PROFILE_SOURCE_PROFILE] = "source_profile",
    [PROFILE_CREDENTIAL_SOURCE] = "credential_source",
    [PROFILE_CREDENTIAL_PROCESS] = "credential_process",
    [PROFILE_WEB_IDENTITY_TOKEN_FILE] = "web_identity_token_file",
    [PROFILE_ROLE_SESSION_NAME] = "role_session_name",
    [PROFILE_EXTERNAL_ID] = "external_id",
    [PROFILE_DURATION_SECONDS] = "duration_seconds",
    [PROFILE_MFA_SERIAL] = "mfa_serial",
    [PROFILE_SSO_SESSION] = "sso_session",
    [PROFILE_SSO_START_URL] = "sso_start_url",
    [PROFILE_METADATA_ENDPOINT] = "ec2_metadata_service_endpoint",
    [PROFILE_METADATA_ENDPOINT_MODE] = "ec2_metadata_service_endpoint_mode",
    [PROFILE_METADATA_V1_DISABLED] = "ec2_metadata_v1_disabled"};

/* Keys of the section that `services` names, each with `endpoint_url` nested in it. */
static const char *const service_words[PROFILE_KEY_COUNT] = {[PROFILE_SES_ENDPOINT_URL] = "ses",
                                                             [PROFILE_SESV2_ENDPOINT_URL] = "sesv2",
                                                             [PROFILE_STS_ENDPOINT_URL] = "sts"};

/* What visit_* fill while one file is parsed. */
struct reading {
    struct profile *profile;
    char section[INI_NAME_MAX + 1];
    const char *other;              /* the other name that the section may have, NULL for none */
    char current[INI_NAME_MAX + 1]; /* the one of the two that was met last */
    bool found;
    bool is_credentials_file;
    bool out_of_memory;
};

const char *profile_name(const char *setting, const struct environment *environment)
{
    const char *name = setting != NULL && setting[0] != '\0' ? setting : NULL;

    if (name == NULL)
        name = environment_get(environment, "AWS_PROFILE");
    if (name == NULL)
        name = environment_get(environment, "AWS_DEFAULT_PROFILE");
    return name != NULL ? name : "default";
}

static void clear_value(char **value)
{
    if (*value != NULL)
        explicit_bzero(*value, strlen(*value));
    free(*value);
    *value = NULL;
}

static void set_value(struct reading *reading, enum profile_key key, const char *text)
{
    char **value = &reading->profile->values[key];

    clear_value(value);
    if (text[0] == '\0')
        return;
    *value = strdup(text);
    reading->out_of_memory |= *value == NULL;
}

/* A key pair is never put together from two files. */
static void forget_keys_of_config_file(struct profile *profile)
{
    if (profile->keys_in_credentials_file)
        return;
    for (int key = PROFILE_ACCESS_KEY; key <= PROFILE_SECURITY_TOKEN; key++)
        clear_value(&profile->values[key]);
    profile->keys_in_credentials_file = true;
}

/* Of a section under one name and then under the other, what came first is forgotten. */
static bool is_ours(struct reading *reading, const char *section)
{
    if (strcmp(section, reading->section) != 0 &&
        (reading->other == NULL || strcmp(section, reading->other) != 0))
        return false;
    if (reading->found && strcmp(section, reading->current) != 0) {
        for (int key = 0; key < PROFILE_KEY_COUNT; key++)
            clear_value(&reading->profile->values[key]);
    }
    reading->found = true;
    (void)snprintf(reading->current, sizeof reading->current, "%s", section);
    return true;
}

static void visit_profile(void *context, const struct ini_item *item)
{
    struct reading *reading = context;
    int key;

    if (!is_ours(reading, item->section))
        return;
    reading->profile->exists = true;
    if (item->key == NULL || item->nested != NULL)
        return;
    key = word_find(key_words, PROFILE_KEY_COUNT, item->key);
    if (key < 0)
        return;
    if (reading->is_credentials_file && key <= PROFILE_SECURITY_TOKEN)
        forget_keys_of_config_file(reading->profile);
    set_value(reading, (enum profile_key)key, item->value);
}

static void visit_services(void *context, const struct ini_item *item)
{
    struct reading *reading = context;
    int key;

    if (!is_ours(reading, item->section) || item->nested == NULL ||
        strcmp(item->nested, "endpoint_url") != 0)
        return;
    key = word_find(service_words, PROFILE_KEY_COUNT, item->key);
    if (key >= 0)
        set_value(reading, (enum profile_key)key, item->value);
}

static bool parse(struct reading *reading, const struct file *file,
                  void (*visit)(void *, const struct ini_item *), struct failure *why)
{
    if (!ini_parse(file->bytes, file->length, visit, reading, why))
        return failure_prefix(why, "%s", file->path);
    if (reading->out_of_memory)
        return failure_set(why, EX_OSERR, "out of memory");
    return true;
}

static bool read_file(struct file *file, const char *variable, const char *name_at_home,
                      const struct environment *environment, struct failure *why)
{
    const char *path = environment_get(environment, variable);
    const char *home = environment_get(environment, "HOME");
    char expanded[PATH_MAX];

    if (path == NULL && home == NULL)
        return true;
    if (path != NULL)
        path_expand(expanded, path, environment);
    else
        (void)snprintf(expanded, sizeof expanded, "%s/%s", home, name_at_home);
    return file_read(file, expanded, INI_FILE_MAX, why) || why->exit_code == EX_NOINPUT;
}

static bool parse_config(struct profile *profile, const char *name, const struct file *file,
                         struct failure *why)
{
    bool is_default = strcmp(name, "default") == 0;
    struct reading reading = {.profile = profile, .other = is_default ? "default" : NULL};
    struct reading services = {.profile = profile};

    (void)snprintf(reading.section, sizeof reading.section, "profile %s", name);
    if (!parse(&reading, file, visit_profile, why))
        return false;
    if (profile->values[PROFILE_SERVICES] == NULL)
        return true;
    (void)snprintf(services.section, sizeof services.section, "services %s",
                   profile->values[PROFILE_SERVICES]);
    if (!parse(&services, file, visit_services, why))
        return false;
    profile->lacks_services = !services.found;
    return true;
}

static bool parse_credentials(struct profile *profile, const char *name, const struct file *file,
                              struct failure *why)
{
    struct reading reading = {.profile = profile, .is_credentials_file = true};

    (void)snprintf(reading.section, sizeof reading.section, "%s", name);
    return parse(&reading, file, visit_profile, why);
}

bool profile_read(struct profile *profile, const char *name, const struct environment *environment,
                  struct failure *why)
{
    struct file config = {0}, credentials = {0};
    bool fine;

    memset(profile, 0, sizeof *profile);
    fine = read_file(&config, "AWS_CONFIG_FILE", ".aws/config", environment, why) &&
           read_file(&credentials, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials", environment,
                     why) &&
           parse_config(profile, name, &config, why) &&
           parse_credentials(profile, name, &credentials, why);
    file_reset(&config);
    file_reset(&credentials);
    return fine;
}

void profile_reset(struct profile *profile)
{
    for (int key = 0; key < PROFILE_KEY_COUNT; key++)
        clear_value(&profile->values[key]);
    memset(profile, 0, sizeof *profile);
}

bool profile_check(const struct profile *profile, const char *name, struct failure *why)
{
    if (profile->exists || strcmp(name, "default") == 0)
        return true;
    return failure_set(why, EX_CONFIG, "there is no AWS profile \"%.80s\"", name);
}
