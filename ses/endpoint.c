/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/endpoint.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

/* The first that begins like the region; "" is the last. */
static const struct partition {
    const char *prefix;
    const char *suffix;
    const char *dual_stack_suffix; /* NULL: there is no dual stack */
} partitions[] = {
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
    {"eu-isoe-", "cloud.adc-e.uk", NULL},
    {"us-isob-", "sc2s.sgov.gov", NULL},
    {"us-isof-", "csp.hci.ic.gov", NULL},
    {"us-iso-", "c2s.ic.gov", NULL},
    {"", "amazonaws.com", "api.aws"},
};

static const struct service {
    const char *host;
    const char *url_variable;
    enum profile_key url_key;
} services[] = {
    [ENDPOINT_SES] = {"email", "AWS_ENDPOINT_URL_SES", PROFILE_SES_ENDPOINT_URL},
    [ENDPOINT_SESV2] = {"email", "AWS_ENDPOINT_URL_SESV2", PROFILE_SESV2_ENDPOINT_URL},
    [ENDPOINT_STS] = {"sts", "AWS_ENDPOINT_URL_STS", PROFILE_STS_ENDPOINT_URL},
};

static bool consists_of(const char *text, size_t length, const char *allowed)
{
    return length > 0 && strspn(text, allowed) >= length;
}

/* Shows what cannot be a password or a token: they go into URLs in many ways. */
static bool fail(const char *url, const char *secret_from, const char *what, struct failure *why)
{
    const char *after_scheme = strstr(url, "://");
    size_t start = after_scheme == NULL ? 0 : (size_t)(after_scheme - url) + 3;
    size_t length = start + strcspn(url + start, secret_from);

    return failure_set(why, EX_CONFIG, "endpoint \"%.*s%s\": %s", length > 200 ? 200 : (int)length,
                       url, url[length] == '\0' ? "" : "...", what);
}

static bool take_scheme(struct endpoint *endpoint, const char **rest)
{
    endpoint->https = strncasecmp(*rest, "https://", 8) == 0;
    if (!endpoint->https && strncasecmp(*rest, "http://", 7) != 0)
        return false;
    *rest += endpoint->https ? 8 : 7;
    return true;
}

/* The length of the host name or bracketed address that text begins with; 0 for neither. */
static size_t measure_host(const char *text, size_t length)
{
    const char *bracket = memchr(text, ']', length);
    size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

    if (text[0] != '[')
        return name;
    if (bracket == NULL ||
        !consists_of(text + 1, (size_t)(bracket - text - 1), "0123456789abcdefABCDEF:."))
        return 0;
    return (size_t)(bracket - text) + 1;
}

static bool take_port(const char *text, size_t length, bool https, long *port)
{
    char number[6] = "";

    *port = 0;
    if (length == 0)
        return true;
    if (length > 6 || !consists_of(text + 1, length - 1, "0123456789"))
        return false;
    memcpy(number, text + 1, length - 1);
    *port = strtol(number, NULL, 10);
    if (*port < 1 || *port > 65535)
        return false;
    if (*port == (https ? 443 : 80))
        *port = 0;
    return true;
}

static bool take_host(struct endpoint *endpoint, const char **rest)
{
    size_t length = strcspn(*rest, "/?#");
    size_t name = measure_host(*rest, length);
    char port_text[8] = "";
    long port;

    if (name == 0 || name > ENDPOINT_HOST_MAX - 6 || (name < length && (*rest)[name] != ':') ||
        !take_port(*rest + name, length - name, endpoint->https, &port))
        return false;
    if (port != 0)
        (void)snprintf(port_text, sizeof port_text, ":%ld", port);
    (void)snprintf(endpoint->host, sizeof endpoint->host, "%.*s%s", (int)name, *rest, port_text);
    *rest += length;
    return true;
}

/* libcurl and the signature would have to agree on what an odd path becomes. */
static bool take_path(struct endpoint *endpoint, const char *path)
{
    size_t length = strlen(path);

    while (length > 0 && path[length - 1] == '/')
        length--;
    if (length == 0)
        return true;
    if (length > ENDPOINT_PATH_MAX ||
        !consists_of(path, length,
                     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._~-"))
        return false;
    (void)snprintf(endpoint->path, sizeof endpoint->path, "%.*s", (int)length, path);
    return strstr(endpoint->path, "//") == NULL && strstr(endpoint->path, "/.") == NULL;
}

bool endpoint_parse_origin(struct endpoint *endpoint, const char *url, const char **rest,
                           struct failure *why)
{
    *rest = url;
    memset(endpoint, 0, sizeof *endpoint);
    if (memchr(url, '@', strcspn(url, "?#")) != NULL)
        return failure_set(why, EX_CONFIG,
                           "endpoint: a user or a password has no place in a URL of AWS");
    if (!take_scheme(endpoint, rest))
        return fail(url, ":%?#", "not a URL of http or https", why);
    if (!take_host(endpoint, rest))
        return fail(url, ":%?#", "not a host with an optional port", why);
    return true;
}

bool endpoint_parse(struct endpoint *endpoint, const char *url, struct failure *why)
{
    const char *rest;

    if (!endpoint_parse_origin(endpoint, url, &rest, why))
        return false;
    if (!take_path(endpoint, rest))
        return fail(url, "?#", "not a plain path", why);
    return true;
}

void endpoint_host_name(const struct endpoint *endpoint, char out[ENDPOINT_HOST_MAX + 1])
{
    bool bracketed = endpoint->host[0] == '[';
    const char *start = endpoint->host + bracketed;

    (void)snprintf(out, ENDPOINT_HOST_MAX + 1, "%.*s", (int)strcspn(start, bracketed ? "]" : ":"),
                   start);
}

bool endpoint_is_loopback(const struct endpoint *endpoint)
{
    char name[ENDPOINT_HOST_MAX + 1];
    struct in_addr ipv4;
    struct in6_addr ipv6;

    endpoint_host_name(endpoint, name);
    if (strcasecmp(name, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, name, &ipv4) == 1)
        return ntohl(ipv4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, name, &ipv6) == 1 && IN6_IS_ADDR_LOOPBACK(&ipv6);
}

const char *endpoint_configured_region(const char *setting, const struct environment *environment,
                                       const struct profile *profile)
{
    const char *region = setting != NULL && setting[0] != '\0' ? setting : NULL;

    if (region == NULL)
        region = environment_get(environment, "AWS_REGION");
    if (region == NULL)
        region = environment_get(environment, "AWS_DEFAULT_REGION");
    return region != NULL ? region : profile->values[PROFILE_REGION];
}

bool endpoint_check_region(const char *region, struct failure *why)
{
    size_t length = strlen(region);

    if (length <= ENDPOINT_REGION_MAX &&
        consists_of(region, length, "abcdefghijklmnopqrstuvwxyz0123456789-") && region[0] != '-' &&
        region[length - 1] != '-')
        return true;
    return failure_set(why, EX_CONFIG, "\"%.80s\" is not a region (an example: eu-west-1)", region);
}

static bool is_true(const struct endpoint_settings *settings, const char *variable,
                    enum profile_key key)
{
    const char *value = environment_get(settings->environment, variable);

    if (value == NULL)
        value = settings->profile->values[key];
    return value != NULL && strcasecmp(value, "true") == 0;
}

/* *url: NULL if there is none. Where a section of the config file is named that should hold one,
 * and is not there, the endpoint of AWS is not what was meant. */
static bool find_url(const char **url, enum endpoint_service service,
                     const struct endpoint_settings *settings, struct failure *why)
{
    const struct profile *profile = settings->profile;

    *url = settings->endpoint;
    if (service != ENDPOINT_STS && *url != NULL && (*url)[0] != '\0')
        return true;
    *url = NULL;
    if (is_true(settings, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                PROFILE_IGNORE_CONFIGURED_ENDPOINT_URLS))
        return true;
    *url = environment_get(settings->environment, services[service].url_variable);
    if (*url == NULL)
        *url = environment_get(settings->environment, "AWS_ENDPOINT_URL");
    if (*url == NULL && profile->lacks_services)
        return failure_set(why, EX_CONFIG,
                           "the AWS config file has no section [services %.80s], which the profile "
                           "names",
                           profile->values[PROFILE_SERVICES]);
    if (*url == NULL)
        *url = profile->values[services[service].url_key];
    if (*url == NULL)
        *url = profile->values[PROFILE_ENDPOINT_URL];
    return true;
}

static const struct partition *partition_of(const char *region)
{
    const struct partition *partition = partitions;

    while (strncmp(region, partition->prefix, strlen(partition->prefix)) != 0)
        partition++;
    return partition;
}

static bool make_host(struct endpoint *endpoint, enum endpoint_service service, const char *region,
                      bool fips, bool dual_stack, struct failure *why)
{
    const struct partition *partition = partition_of(region);
    const char *suffix = dual_stack ? partition->dual_stack_suffix : partition->suffix;
    /* STS of GovCloud is FIPS under its plain name. */
    bool marked =
        fips && !(service == ENDPOINT_STS && !dual_stack && strncmp(region, "us-gov-", 7) == 0);

    if (suffix == NULL)
        return failure_set(why, EX_CONFIG, "there are no dual-stack endpoints in %s", region);
    memset(endpoint, 0, sizeof *endpoint);
    endpoint->https = true;
    (void)snprintf(endpoint->host, sizeof endpoint->host, "%s%s.%s.%s", services[service].host,
                   marked ? "-fips" : "", region, suffix);
    return true;
}

bool endpoint_resolve(struct endpoint *endpoint, enum endpoint_service service, const char *region,
                      const struct endpoint_settings *settings, struct failure *why)
{
    const char *url;

    if (!endpoint_check_region(region, why) || !find_url(&url, service, settings, why))
        return false;
    if (url == NULL)
        return make_host(
            endpoint, service, region,
            is_true(settings, "AWS_USE_FIPS_ENDPOINT", PROFILE_USE_FIPS_ENDPOINT),
            is_true(settings, "AWS_USE_DUALSTACK_ENDPOINT", PROFILE_USE_DUALSTACK_ENDPOINT), why);
    if (!endpoint_parse(endpoint, url, why))
        return false;
    if (!endpoint->https && !endpoint_is_loopback(endpoint))
        return fail(url, "?#", "plain http only to an address of the loopback", why);
    return true;
}
