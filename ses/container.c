/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/container.h"

#include "ses/file.h"
#include "ses/secret.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

enum { TIMEOUT = 2000, TRIES = 3, REPLY_MAX = 64 * 1024, TOKEN_MAX = 16 * 1024, URL_SIZE = 2048 };

static bool is_address(const char *name, int family, const char *expected)
{
    unsigned char address[sizeof(struct in6_addr)] = {0}, other[sizeof(struct in6_addr)] = {0};

    return inet_pton(family, name, address) == 1 && inet_pton(family, expected, other) == 1 &&
           memcmp(address, other, sizeof address) == 0;
}

static bool is_allowed_host(const struct endpoint *endpoint)
{
    char name[ENDPOINT_HOST_MAX + 1];

    endpoint_host_name(endpoint, name);
    return endpoint->https || endpoint_is_loopback(endpoint) ||
           is_address(name, AF_INET, "169.254.170.2") ||
           is_address(name, AF_INET, "169.254.170.23") ||
           is_address(name, AF_INET6, "fd00:ec2::23");
}

static bool is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text > '~')
            return false;
    }
    return true;
}

static bool check_full_url(const char *url, struct failure *why)
{
    struct endpoint endpoint;
    const char *rest;

    if (!endpoint_parse_origin(&endpoint, url, &rest, why))
        return failure_prefix(why, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (!is_allowed_host(&endpoint))
        return failure_set(why, EX_CONFIG,
                           "AWS_CONTAINER_CREDENTIALS_FULL_URI: plain http to %s is not allowed",
                           endpoint.host);
    return true;
}

static enum outcome find_url(const struct environment *environment, char url[URL_SIZE],
                             struct failure *why)
{
    const char *relative = environment_get(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = environment_get(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
    int length;

    if (relative == NULL && full == NULL) {
        (void)failure_set(why, EX_CONFIG, "AWS_CONTAINER_CREDENTIALS_* is not set");
        return OUTCOME_NOT_FOUND;
    }
    length = relative != NULL ? snprintf(url, URL_SIZE, "http://169.254.170.2%s", relative)
                              : snprintf(url, URL_SIZE, "%s", full);
    if (length >= URL_SIZE || !is_plain(url) || (relative != NULL && relative[0] != '/')) {
        (void)failure_set(why, EX_CONFIG, "AWS_CONTAINER_CREDENTIALS_* is malformed");
        return OUTCOME_NO_CREDENTIALS;
    }
    return relative != NULL || check_full_url(url, why) ? OUTCOME_OK : OUTCOME_NO_CREDENTIALS;
}

/* EKS replaces the file every so often, so it is read each time. *token: "" for none. */
static bool read_token(const struct environment *environment, char token[TOKEN_MAX + 1],
                       struct failure *why)
{
    const char *path = environment_get(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *value = environment_get(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    struct file file = {.bytes = NULL};

    if (path != NULL && !file_read(&file, path, TOKEN_MAX, why))
        return false;
    (void)snprintf(token, TOKEN_MAX + 1, "%s",
                   path != NULL    ? file.bytes
                   : value != NULL ? value
                                   : "");
    file_reset(&file);
    for (const char *c = token; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return failure_set(why, EX_CONFIG,
                               "the container's authorization token has a line break or another "
                               "control character in it");
    }
    return true;
}

static void wait_a_second(void)
{
    struct timespec second = {.tv_sec = 1};

    (void)nanosleep(&second, NULL);
}

static enum http_result request(const struct provider *provider, const char *url, const char *token,
                                struct http_reply *reply, struct failure *why)
{
    const struct call_transport *transport = provider->transport;
    struct http_request http = {
        .method = "GET",
        .url = url,
        .headers = {{"Accept", "application/json"}, {"Authorization", token}},
        .headers_count = token[0] != '\0' ? 2 : 1,
        .body_max = REPLY_MAX,
        .connect_timeout = TIMEOUT,
        .first_byte_timeout = TIMEOUT,
        .timeout = TIMEOUT,
        .ca_file = transport->ca_file,
        .direct = true,
        .stop = transport->stop,
        .stop_context = transport->stop_context};

    return http_perform(transport->http, &http, reply, why);
}

static enum outcome try_once(const struct provider *provider, const char *url, const char *token,
                             struct keys *keys, struct failure *why)
{
    struct http_reply reply;
    enum outcome outcome = provider_exchanged(request(provider, url, token, &reply, why));

    if (outcome != OUTCOME_OK)
        return outcome;
    if (reply.status == 200) {
        outcome = keys_read_metadata(keys, "container", reply.body, reply.body_length, why);
    } else {
        (void)failure_set(why, EX_UNAVAILABLE, "HTTP %d", reply.status);
        outcome = provider_called(outcome_classify(reply.status, ""));
    }
    http_reply_reset(&reply);
    return outcome;
}

static enum outcome fetch(const struct provider *provider, const char *url, const char *token,
                          struct keys *keys, struct failure *why)
{
    enum outcome outcome = OUTCOME_NETWORK;

    for (int try = 0; try < TRIES && outcome_passes(outcome); try++) {
        if (try > 0)
            wait_a_second();
        outcome = try_once(provider, url, token, keys, why);
    }
    if (outcome == OUTCOME_OK)
        return outcome;
    secret_cut(why->text, token);
    (void)failure_prefix(why, "container credentials");
    return outcome;
}

enum outcome container_read_keys(const struct provider *provider, struct keys *keys,
                                 struct failure *why)
{
    char url[URL_SIZE], token[TOKEN_MAX + 1];
    enum outcome outcome = find_url(provider->environment, url, why);

    if (outcome != OUTCOME_OK)
        return outcome;
    outcome = read_token(provider->environment, token, why) ? fetch(provider, url, token, keys, why)
                                                            : provider_worked(false, why);
    explicit_bzero(token, sizeof token);
    return outcome;
}
