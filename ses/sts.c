/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/sts.h"

#include "ses/api_v1.h"
#include "ses/endpoint.h"
#include "ses/file.h"
#include "ses/secret.h"
#include "ses/timestamp.h"
#include "ses/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { BODY_SIZE = 80 * 1024 };

/* What the elements of a reply say. */
struct reading {
    struct {
        char text[KEYS_TOKEN_MAX + 1];
    } access_key, secret_key, session_token, expiration;
    bool too_long;
};

static void take(struct reading *reading, char out[KEYS_TOKEN_MAX + 1], const char *text)
{
    if (strlen(text) > KEYS_TOKEN_MAX)
        reading->too_long = true;
    else
        (void)snprintf(out, KEYS_TOKEN_MAX + 1, "%s", text);
}

static void leave(void *context, const char *path, const char *text)
{
    struct reading *reading = context;

    if (xml_path_ends(path, "Credentials/AccessKeyId"))
        take(reading, reading->access_key.text, text);
    else if (xml_path_ends(path, "Credentials/SecretAccessKey"))
        take(reading, reading->secret_key.text, text);
    else if (xml_path_ends(path, "Credentials/SessionToken"))
        take(reading, reading->session_token.text, text);
    else if (xml_path_ends(path, "Credentials/Expiration"))
        take(reading, reading->expiration.text, text);
}

static bool set_keys(struct keys *keys, const char *provider, const struct reading *reading,
                     struct failure *why)
{
    int64_t expiration;

    if (reading->too_long || !timestamp_parse(reading->expiration.text, &expiration))
        return failure_set(why, EX_PROTOCOL, "the reply of STS has no usable Expiration or key");
    if (!keys_set(keys, provider, reading->access_key.text, reading->secret_key.text,
                  reading->session_token.text, why)) {
        why->exit_code = EX_PROTOCOL;
        return failure_prefix(why, "the reply of STS");
    }
    keys->expiration = expiration;
    return true;
}

bool sts_read_keys(struct keys *keys, const char *provider, const char *xml, size_t length,
                   struct failure *why)
{
    struct reading *reading = calloc(1, sizeof *reading);
    bool fine;

    if (reading == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    fine = xml_parse(xml, length, leave, reading, why) && set_keys(keys, provider, reading, why);
    explicit_bzero(reading, sizeof *reading);
    free(reading);
    return fine;
}

/* Appends "&NAME=VALUE"; a value of NULL is left out. */
static bool add(char body[BODY_SIZE], const char *name, const char *value)
{
    size_t used = strlen(body);

    if (value == NULL)
        return true;
    if (snprintf(body + used, BODY_SIZE - used, "&%s=", name) >= (int)(BODY_SIZE - used))
        return false;
    return call_encode(body, BODY_SIZE, value);
}

static bool write_body(char body[BODY_SIZE], const char *action, const struct provider *provider,
                       const struct sts_role *role, const char *token)
{
    char session_name[64];

    (void)snprintf(session_name, sizeof session_name, "mailfrom-milter-%lld",
                   (long long)provider->now);
    (void)snprintf(body, BODY_SIZE, "Action=%s&Version=2011-06-15", action);
    return add(body, "RoleArn", role->arn) &&
           add(body, "RoleSessionName",
               role->session_name != NULL ? role->session_name : session_name) &&
           add(body, "ExternalId", role->external_id) &&
           add(body, "DurationSeconds", role->duration_seconds) &&
           add(body, "WebIdentityToken", token);
}

/* Once more with the server's clock if ours is what it refuses. */
static enum outcome perform(const struct provider *provider, const struct call *call,
                            struct http_reply *reply, struct failure *why)
{
    struct outcome_error error;
    int64_t date, skew;
    enum outcome outcome =
        call_perform(call, provider->transport, provider->now, reply, &error, &date, why);

    skew = outcome != OUTCOME_OK ? call_skew(&error, date, provider->now) : 0;
    if (skew != 0)
        outcome = call_perform(call, provider->transport, provider->now + skew, reply, &error,
                               &date, why);
    if (outcome_exit_code(outcome) != 0)
        why->exit_code = outcome_exit_code(outcome);
    return outcome;
}

static bool find_endpoint(struct endpoint *endpoint, const struct provider *provider,
                          struct failure *why)
{
    struct endpoint_settings settings = {.environment = provider->environment,
                                         .profile = provider->profile};

    if (provider->region == NULL)
        return failure_set(why, EX_CONFIG, "a region is needed to ask STS for credentials");
    return endpoint_resolve(endpoint, ENDPOINT_STS, provider->region, &settings, why);
}

static enum outcome ask(const struct provider *provider, const struct keys *source,
                        const char *name, const char *body, struct keys *keys, struct failure *why)
{
    struct endpoint endpoint;
    struct http_reply reply;
    struct call call = {.method = "POST",
                        .endpoint = &endpoint,
                        .path = "/",
                        .query = "",
                        .content_type = API_V1_CONTENT_TYPE,
                        .body = body,
                        .region = provider->region,
                        .service = "sts",
                        .keys = source,
                        .read_error = api_v1_read_error};
    enum outcome outcome;
    bool fine;

    if (!find_endpoint(&endpoint, provider, why))
        return OUTCOME_NO_CREDENTIALS;
    outcome = perform(provider, &call, &reply, why);
    if (outcome != OUTCOME_OK)
        return provider_called(outcome);
    fine = sts_read_keys(keys, name, reply.body, reply.body_length, why);
    http_reply_reset(&reply);
    if (fine || why->exit_code == EX_OSERR)
        return provider_worked(fine, why);
    return OUTCOME_MALFORMED_REPLY;
}

enum outcome sts_assume_role(const struct provider *provider, const struct sts_role *role,
                             const struct keys *source, struct keys *keys, struct failure *why)
{
    char *body = malloc(BODY_SIZE);
    enum outcome outcome = OUTCOME_LOCAL;

    if (body == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
    } else if (write_body(body, "AssumeRole", provider, role, NULL)) {
        outcome = ask(provider, source, "assume-role", body, keys, why);
    } else {
        (void)failure_set(why, EX_CONFIG, "the settings of the role are too long");
        outcome = OUTCOME_NO_CREDENTIALS;
    }
    free(body);
    if (outcome != OUTCOME_OK)
        (void)failure_prefix(why, "AssumeRole %.200s", role->arn);
    return outcome;
}

static enum outcome ask_with_token(const struct provider *provider, const struct sts_role *role,
                                   const struct file *token, struct keys *keys, struct failure *why)
{
    char *body = malloc(BODY_SIZE);
    enum outcome outcome = OUTCOME_NO_CREDENTIALS;

    if (body == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        return OUTCOME_LOCAL;
    }
    if (write_body(body, "AssumeRoleWithWebIdentity", provider, role, token->bytes))
        outcome = ask(provider, NULL, "web-identity", body, keys, why);
    else
        (void)failure_set(why, EX_CONFIG, "the web identity token cannot be sent: it is too long");
    if (outcome != OUTCOME_OK)
        secret_cut(why->text, token->bytes);
    explicit_bzero(body, BODY_SIZE);
    free(body);
    return outcome;
}

enum outcome sts_assume_role_with_web_identity(const struct provider *provider,
                                               const struct sts_role *role, const char *token_file,
                                               struct keys *keys, struct failure *why)
{
    struct file token;
    enum outcome outcome;

    if (!file_read(&token, token_file, STS_TOKEN_FILE_MAX, why))
        return provider_worked(false, why);
    outcome = ask_with_token(provider, role, &token, keys, why);
    file_reset(&token);
    if (outcome != OUTCOME_OK)
        (void)failure_prefix(why, "AssumeRoleWithWebIdentity %.200s", role->arn);
    return outcome;
}
