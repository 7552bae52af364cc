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

enum { TIMEOUT = 1000, REPLY_MAX = 64 * 1024, TOKEN_SIZE = 1024, URL_SIZE = 512 };

struct metadata {
    const struct provider *provider;
    char base[URL_SIZE / 2];
    char token[TOKEN_SIZE]; /* "": version 1 */
};

static bool find_base(struct metadata *metadata, struct failure *why)
{
    const struct environment *environment = metadata->provider->environment;
    const char *url = environment_get(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *mode = environment_get(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
    struct endpoint endpoint;

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

static enum provider_result fail(struct failure *why, const char *path, int status)
{
    (void)failure_set(why, EX_UNAVAILABLE, "instance metadata: %s answers HTTP %d", path, status);
    return status == 404 ? PROVIDER_ABSENT : PROVIDER_FAILED;
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

/* Where version 2 is not there, the SDKs go on with version 1; only a 400 is an error. */
static bool fetch_token(struct metadata *metadata, struct failure *why)
{
    struct http_header lifetime = {"x-aws-ec2-metadata-token-ttl-seconds", "21600"};
    struct http_reply reply;
    enum http_result result = request(metadata, "PUT", TOKEN_PATH, lifetime, &reply, why);
    bool fine = false;

    if (result == HTTP_REPLIED && reply.status == 200)
        fine = take_word(&reply, "", metadata->token, sizeof metadata->token) ||
               failure_set(why, EX_PROTOCOL, "instance metadata: the token is malformed");
    else if (result == HTTP_REPLIED && reply.status == 400)
        (void)fail(why, TOKEN_PATH, reply.status);
    else if (environment_is_true(metadata->provider->environment, "AWS_EC2_METADATA_V1_DISABLED"))
        (void)failure_set(why, EX_UNAVAILABLE,
                          "instance metadata: no token, and version 1 is disabled");
    else
        fine = true;
    if (result == HTTP_REPLIED)
        http_reply_reset(&reply);
    return fine;
}

static enum provider_result fetch(const struct metadata *metadata, const char *path,
                                  struct http_reply *reply, struct failure *why)
{
    struct http_header token = {"x-aws-ec2-metadata-token",
                                metadata->token[0] != '\0' ? metadata->token : NULL};
    enum provider_result result;

    if (request(metadata, "GET", path, token, reply, why) != HTTP_REPLIED) {
        (void)failure_prefix(why, "instance metadata");
        return PROVIDER_ABSENT;
    }
    if (reply->status == 200)
        return PROVIDER_FOUND;
    result = fail(why, path, reply->status);
    http_reply_reset(reply);
    return result;
}

static enum provider_result open_metadata(struct metadata *metadata,
                                          const struct provider *provider, struct failure *why)
{
    memset(metadata, 0, sizeof *metadata);
    metadata->provider = provider;
    if (environment_is_true(provider->environment, "AWS_EC2_METADATA_DISABLED")) {
        (void)failure_set(why, EX_CONFIG, "AWS_EC2_METADATA_DISABLED is set");
        return PROVIDER_ABSENT;
    }
    return find_base(metadata, why) && fetch_token(metadata, why) ? PROVIDER_FOUND
                                                                  : PROVIDER_FAILED;
}

static enum provider_result fetch_word(const struct metadata *metadata, const char *path, char *out,
                                       size_t size, struct failure *why)
{
    struct http_reply reply;
    enum provider_result result = fetch(metadata, path, &reply, why);

    if (result != PROVIDER_FOUND)
        return result;
    if (!take_word(&reply, "/?#%\\", out, size)) {
        (void)failure_set(why, EX_PROTOCOL, "instance metadata: %s is malformed", path);
        result = PROVIDER_FAILED;
    }
    http_reply_reset(&reply);
    return result;
}

static enum provider_result fetch_keys(const struct metadata *metadata, const char *role,
                                       struct keys *keys, struct failure *why)
{
    char path[sizeof ROLE_PATH + 128];
    struct http_reply reply;
    enum provider_result result;

    (void)snprintf(path, sizeof path, ROLE_PATH "%s", role);
    result = fetch(metadata, path, &reply, why);
    if (result != PROVIDER_FOUND)
        return result;
    if (!keys_read_metadata(keys, "imds", reply.body, reply.body_length, why)) {
        (void)failure_prefix(why, "instance metadata, role %s", role);
        result = PROVIDER_FAILED;
    }
    http_reply_reset(&reply);
    return result;
}

enum provider_result imds_read_keys(const struct provider *provider, struct keys *keys,
                                    struct failure *why)
{
    struct metadata metadata;
    char role[128];
    enum provider_result result = open_metadata(&metadata, provider, why);

    if (result == PROVIDER_FOUND)
        result = fetch_word(&metadata, ROLE_PATH, role, sizeof role, why);
    if (result == PROVIDER_FOUND)
        result = fetch_keys(&metadata, role, keys, why);
    explicit_bzero(&metadata, sizeof metadata);
    return result;
}

enum provider_result imds_read_region(const struct provider *provider,
                                      char region[ENDPOINT_REGION_MAX + 1], struct failure *why)
{
    struct metadata metadata;
    enum provider_result result = open_metadata(&metadata, provider, why);

    if (result == PROVIDER_FOUND)
        result = fetch_word(&metadata, REGION_PATH, region, ENDPOINT_REGION_MAX + 1, why);
    explicit_bzero(&metadata, sizeof metadata);
    return result;
}
