/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/imds.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#define TOKEN_PATH  "/latest/api/token"
#define ROLE_PATH   "/latest/meta-data/iam/security-credentials/"
#define REGION_PATH "/latest/meta-data/placement/region"

enum {
    TIMEOUT = 1000,
    REPLY_MAX = 64 * 1024,
    TOKEN_SIZE = 1024,
    NO_TOKEN_SIZE = 300,
    URL_SIZE = 512
};

struct metadata {
    const struct provider *provider;
    char base[URL_SIZE / 2];
    bool is_configured;     /* its address is, so it has to be there */
    char token[TOKEN_SIZE]; /* "": version 1 */
    char no_token[NO_TOKEN_SIZE];
    enum outcome without_token; /* the class of what kept the token away */
};

/* The environment comes before the profile. */
static const char *configured(const struct provider *provider, const char *variable,
                              enum profile_key key)
{
    const char *value = environment_get(provider->environment, variable);

    return value != NULL ? value : provider->profile->values[key];
}

static bool is_version_1_disabled(const struct provider *provider)
{
    const char *value =
        configured(provider, "AWS_EC2_METADATA_V1_DISABLED", PROFILE_METADATA_V1_DISABLED);

    return value != NULL && strcasecmp(value, "true") == 0;
}

static bool find_base(struct metadata *metadata, struct failure *why)
{
    const struct provider *provider = metadata->provider;
    const char *url =
        configured(provider, "AWS_EC2_METADATA_SERVICE_ENDPOINT", PROFILE_METADATA_ENDPOINT);
    const char *mode = configured(provider, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                                  PROFILE_METADATA_ENDPOINT_MODE);
    struct endpoint endpoint;

    metadata->is_configured = url != NULL;
    if (url == NULL)
        url = mode != NULL && strcasecmp(mode, "IPv6") == 0 ? "http://[fd00:ec2::254]"
                                                            : "http://169.254.169.254";
    if (!endpoint_parse(&endpoint, url, why))
        return failure_prefix(why, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (snprintf(metadata->base, sizeof metadata->base, "%s://%s%s",
                 endpoint.https ? "https" : "http", endpoint.host,
                 endpoint.path) >= (int)sizeof metadata->base)
        return failure_set(why, EX_CONFIG, "AWS_EC2_METADATA_SERVICE_ENDPOINT is too long");
    return true;
}

static enum http_result request(const struct metadata *metadata, const char *method,
                                const char *path, struct http_header header,
                                struct http_reply *reply, struct failure *why)
{
    const struct call_transport *transport = metadata->provider->transport;
    char url[URL_SIZE];
    struct http_request http = {.method = method,
                                .url = url,
                                .headers = {header},
                                .headers_count = header.value != NULL,
                                .body_max = REPLY_MAX,
                                .connect_timeout = TIMEOUT,
                                .first_byte_timeout = TIMEOUT,
                                .timeout = TIMEOUT,
                                .ca_file = transport->ca_file,
                                .direct = true,
                                .stop = transport->stop,
                                .stop_context = transport->stop_context};

    (void)snprintf(url, sizeof url, "%s%s", metadata->base, path);
    return http_perform(transport->http, &http, reply, why);
}

/* The first line of a reply, which must be such that it can go into a header, or without what is
 * forbidden into a URL. */
static bool take_word(const struct http_reply *reply, const char *forbidden, char *out, size_t size)
{
    size_t length = strcspn(reply->body, "\r\n");

    if (length == 0 || length >= size)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (reply->body[i] <= ' ' || reply->body[i] > '~' || strchr(forbidden, reply->body[i]))
            return false;
    }
    (void)snprintf(out, size, "%.*s", (int)length, reply->body);
    return true;
}

/* In a container the reply to the request for a token does not come through, unless the instance
 * allows one more hop: version 1 answers then, or says 401. */
static void note_lost_token(struct metadata *metadata, enum http_result result,
                            const struct failure *why)
{
    metadata->without_token = provider_exchanged(result);
    (void)snprintf(metadata->no_token, sizeof metadata->no_token,
                   "no token: %.200s; in a container the instance needs "
                   "http-put-response-hop-limit 2",
                   why->text);
}

/* Where version 2 is not there, the SDKs go on with version 1; only a 400 is an error. */
static enum outcome judge_token(struct metadata *metadata, const struct http_reply *reply,
                                struct failure *why)
{
    if (reply->status == 200) {
        if (take_word(reply, "", metadata->token, sizeof metadata->token))
            return OUTCOME_OK;
        (void)failure_set(why, EX_PROTOCOL, "instance metadata: the token is malformed");
        return OUTCOME_MALFORMED_REPLY;
    }
    metadata->without_token = provider_called(outcome_classify(reply->status, ""));
    (void)snprintf(metadata->no_token, sizeof metadata->no_token, "no token: %s answers HTTP %d",
                   TOKEN_PATH, reply->status);
    if (reply->status != 400)
        return OUTCOME_OK;
    (void)failure_set(why, EX_UNAVAILABLE, "instance metadata: %s", metadata->no_token);
    return OUTCOME_NO_CREDENTIALS;
}

/* Nobody there: then this machine has none, unless it is known to. */
static enum outcome unreached(const struct metadata *metadata, struct failure *why)
{
    (void)failure_prefix(why, "instance metadata");
    return metadata->provider->has_metadata || metadata->is_configured ? OUTCOME_NETWORK
                                                                       : OUTCOME_NOT_FOUND;
}

static enum outcome fetch_token(struct metadata *metadata, struct failure *why)
{
    struct http_header lifetime = {"x-aws-ec2-metadata-token-ttl-seconds", "21600"};
    struct http_reply reply;
    enum http_result result = request(metadata, "PUT", TOKEN_PATH, lifetime, &reply, why);
    enum outcome outcome = OUTCOME_OK;

    if (result == HTTP_UNREACHED)
        return unreached(metadata, why);
    if (result == HTTP_STOPPED || result == HTTP_UNSENT)
        return provider_exchanged(result);
    if (result == HTTP_REPLIED) {
        outcome = judge_token(metadata, &reply, why);
        http_reply_reset(&reply);
    } else {
        note_lost_token(metadata, result, why);
    }
    if (outcome != OUTCOME_OK || metadata->token[0] != '\0' ||
        !is_version_1_disabled(metadata->provider))
        return outcome;
    (void)failure_set(why, EX_UNAVAILABLE, "instance metadata: version 1 is disabled, and %s",
                      metadata->no_token);
    return metadata->without_token;
}

/* Version 1 is refused where a token is demanded: then what kept the token away is the cause. */
static enum outcome judge_status(const struct metadata *metadata, const char *path, int status,
                                 struct failure *why)
{
    (void)failure_set(why, EX_UNAVAILABLE, "instance metadata: %s answers HTTP %d%s%s", path,
                      status, metadata->no_token[0] != '\0' ? "; " : "", metadata->no_token);
    if (status == 404)
        return OUTCOME_NOT_FOUND;
    if (status == 401 && metadata->no_token[0] != '\0')
        return metadata->without_token;
    return provider_called(outcome_classify(status, ""));
}

static enum outcome fetch(const struct metadata *metadata, const char *path,
                          struct http_reply *reply, struct failure *why)
{
    struct http_header token = {"x-aws-ec2-metadata-token",
                                metadata->token[0] != '\0' ? metadata->token : NULL};
    enum http_result result = request(metadata, "GET", path, token, reply, why);
    enum outcome outcome;

    if (result != HTTP_REPLIED) {
        (void)failure_prefix(why, "instance metadata");
        return provider_exchanged(result);
    }
    if (reply->status == 200)
        return OUTCOME_OK;
    outcome = judge_status(metadata, path, reply->status, why);
    http_reply_reset(reply);
    return outcome;
}

static enum outcome open_metadata(struct metadata *metadata, const struct provider *provider,
                                  struct failure *why)
{
    memset(metadata, 0, sizeof *metadata);
    metadata->provider = provider;
    if (environment_is_true(provider->environment, "AWS_EC2_METADATA_DISABLED")) {
        (void)failure_set(why, EX_CONFIG, "AWS_EC2_METADATA_DISABLED is set");
        return OUTCOME_NOT_FOUND;
    }
    return find_base(metadata, why) ? fetch_token(metadata, why) : OUTCOME_NO_CREDENTIALS;
}

static enum outcome fetch_word(const struct metadata *metadata, const char *path, char *out,
                               size_t size, struct failure *why)
{
    struct http_reply reply;
    enum outcome outcome = fetch(metadata, path, &reply, why);

    if (outcome != OUTCOME_OK)
        return outcome;
    if (!take_word(&reply, "/?#%\\", out, size)) {
        (void)failure_set(why, EX_PROTOCOL, "instance metadata: %s is malformed", path);
        outcome = OUTCOME_MALFORMED_REPLY;
    }
    http_reply_reset(&reply);
    return outcome;
}

static enum outcome fetch_keys(const struct metadata *metadata, const char *role, struct keys *keys,
                               struct failure *why)
{
    char path[sizeof ROLE_PATH + 128];
    struct http_reply reply;
    enum outcome outcome;

    (void)snprintf(path, sizeof path, ROLE_PATH "%s", role);
    outcome = fetch(metadata, path, &reply, why);
    if (outcome != OUTCOME_OK)
        return outcome;
    outcome = keys_read_metadata(keys, "imds", reply.body, reply.body_length, why);
    if (outcome != OUTCOME_OK)
        (void)failure_prefix(why, "instance metadata, role %s", role);
    http_reply_reset(&reply);
    return outcome;
}

enum outcome imds_read_keys(const struct provider *provider, struct keys *keys, struct failure *why)
{
    struct metadata metadata;
    char role[128];
    enum outcome outcome = open_metadata(&metadata, provider, why);

    if (outcome == OUTCOME_OK)
        outcome = fetch_word(&metadata, ROLE_PATH, role, sizeof role, why);
    if (outcome == OUTCOME_OK)
        outcome = fetch_keys(&metadata, role, keys, why);
    explicit_bzero(&metadata, sizeof metadata);
    return outcome;
}

enum outcome imds_read_region(const struct provider *provider, char region[ENDPOINT_REGION_MAX + 1],
                              struct failure *why)
{
    struct metadata metadata;
    enum outcome outcome = open_metadata(&metadata, provider, why);

    if (outcome == OUTCOME_OK)
        outcome = fetch_word(&metadata, REGION_PATH, region, ENDPOINT_REGION_MAX + 1, why);
    explicit_bzero(&metadata, sizeof metadata);
    return outcome;
}
