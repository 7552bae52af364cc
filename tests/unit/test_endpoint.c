/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Variables as {NAME, VALUE, NAME, VALUE, .., NULL}. */
static const char *get(void *context, const char *name)
{
    const char **variables = context;

    for (; variables != NULL && variables[0] != NULL; variables += 2) {
        if (strcmp(variables[0], name) == 0)
            return variables[1];
    }
    return NULL;
}

static const struct {
    const char *region, *fips, *dual_stack, *ses, *sts;
} hosts[] = {
    {"eu-west-1", "", "", "email.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com"},
    {"us-east-1", "true", "", "email-fips.us-east-1.amazonaws.com",
     "sts-fips.us-east-1.amazonaws.com"},
    {"us-east-1", "", "TRUE", "email.us-east-1.api.aws", "sts.us-east-1.api.aws"},
    {"us-east-1", "true", "true", "email-fips.us-east-1.api.aws", "sts-fips.us-east-1.api.aws"},
    {"us-gov-west-1", "true", "", "email-fips.us-gov-west-1.amazonaws.com",
     "sts.us-gov-west-1.amazonaws.com"},
    {"us-gov-east-1", "false", "", "email.us-gov-east-1.amazonaws.com",
     "sts.us-gov-east-1.amazonaws.com"},
    {"cn-north-1", "", "", "email.cn-north-1.amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn"},
    {"cn-north-1", "", "true", "email.cn-north-1.api.amazonwebservices.com.cn",
     "sts.cn-north-1.api.amazonwebservices.com.cn"},
    {"eusc-de-east-1", "", "", "email.eusc-de-east-1.amazonaws.eu",
     "sts.eusc-de-east-1.amazonaws.eu"},
};

static void knows_the_hosts_of_the_partitions(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        const char *variables[] = {"AWS_USE_FIPS_ENDPOINT", hosts[i].fips,
                                   "AWS_USE_DUALSTACK_ENDPOINT", hosts[i].dual_stack, NULL};
        struct environment environment = {get, variables};
        struct profile profile = {.exists = false};
        struct endpoint_settings settings = {NULL, &environment, &profile};
        struct endpoint endpoint;
        struct failure why;
        assert_true(endpoint_resolve(&endpoint, ENDPOINT_SES, hosts[i].region, &settings, &why));
        assert_string_equal(endpoint.host, hosts[i].ses);
        assert_true(endpoint_resolve(&endpoint, ENDPOINT_SESV2, hosts[i].region, &settings, &why));
        assert_string_equal(endpoint.host, hosts[i].ses);
        assert_true(endpoint_resolve(&endpoint, ENDPOINT_STS, hosts[i].region, &settings, &why));
        assert_string_equal(endpoint.host, hosts[i].sts);
        assert_true(endpoint.https);
    }
}

static const char setting_url[] = "https://setting", own_url[] = "https://own",
                  all_url[] = "https://all", profile_own[] = "https://profile-own",
                  profile_all[] = "https://profile-all";

/* The host that is found with the first `skip` of these places empty. */
static const char *find(enum endpoint_service service, const char *variable, enum profile_key key,
                        int skip, bool ignore)
{
    static struct endpoint endpoint;
    const char *variables[] = {variable,
                               skip > 1 ? "" : own_url,
                               "AWS_ENDPOINT_URL",
                               skip > 2 ? "" : all_url,
                               "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                               ignore ? "true" : "",
                               NULL};
    struct environment environment = {get, variables};
    struct profile profile = {.exists = true};
    struct endpoint_settings settings = {skip > 0 ? "" : setting_url, &environment, &profile};
    struct failure why = {.text = ""};

    profile.values[key] = skip > 3 ? NULL : (char *)(uintptr_t)profile_own;
    profile.values[PROFILE_ENDPOINT_URL] = skip > 4 ? NULL : (char *)(uintptr_t)profile_all;
    if (!endpoint_resolve(&endpoint, service, "eu-west-1", &settings, &why))
        fail_msg("%s", why.text);
    return endpoint.host;
}

static void looks_for_urls_in_the_order_of_aws(void **state)
{
    static const struct {
        enum endpoint_service service;
        const char *variable;
        enum profile_key key;
        const char *host;
    } services[] = {
        {ENDPOINT_SES, "AWS_ENDPOINT_URL_SES", PROFILE_SES_ENDPOINT_URL,
         "email.eu-west-1.amazonaws.com"},
        {ENDPOINT_SESV2, "AWS_ENDPOINT_URL_SESV2", PROFILE_SESV2_ENDPOINT_URL,
         "email.eu-west-1.amazonaws.com"},
    };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        enum endpoint_service service = services[i].service;
        const char *variable = services[i].variable, *host = services[i].host;
        enum profile_key key = services[i].key;
        assert_string_equal(find(service, variable, key, 0, false), "setting");
        assert_string_equal(find(service, variable, key, 1, false), "own");
        assert_string_equal(find(service, variable, key, 2, false), "all");
        assert_string_equal(find(service, variable, key, 3, false), "profile-own");
        assert_string_equal(find(service, variable, key, 4, false), "profile-all");
        assert_string_equal(find(service, variable, key, 5, false), host);
        assert_string_equal(find(service, variable, key, 1, true), host);
        assert_string_equal(find(service, variable, key, 0, true), "setting");
    }
    /* The setting is for SES; v1's variable says nothing of v2. */
    assert_string_equal(
        find(ENDPOINT_STS, "AWS_ENDPOINT_URL_STS", PROFILE_STS_ENDPOINT_URL, 0, false), "own");
    assert_string_equal(
        find(ENDPOINT_SESV2, "AWS_ENDPOINT_URL_SES", PROFILE_SES_ENDPOINT_URL, 1, false), "all");
}

static const struct {
    const char *url, *host, *path;
    bool loopback;
} urls[] = {
    {"https://x.example", "x.example", "", false},
    {"HTTPS://x.example:443/", "x.example", "", false},
    {"http://127.0.0.1:80", "127.0.0.1", "", true},
    {"http://127.255.0.1:4579/a/b//", "127.255.0.1:4579", "/a/b", true},
    {"http://localhost:8080", "localhost:8080", "", true},
    {"http://[::1]:81/x", "[::1]:81", "/x", true},
    {"http://[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]", "", false},
    {"http://128.0.0.1", "128.0.0.1", "", false},
    {"http://127.0.0.1.example", "127.0.0.1.example", "", false},
    {"http://localhost.example", "localhost.example", "", false},
};

static void takes_urls_apart(void **state)
{
    struct endpoint endpoint;
    struct failure why;

    (void)state;
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        print_message("%s\n", urls[i].url);
        assert_true(endpoint_parse(&endpoint, urls[i].url, &why));
        assert_string_equal(endpoint.host, urls[i].host);
        assert_string_equal(endpoint.path, urls[i].path);
        assert_int_equal(endpoint_is_loopback(&endpoint), urls[i].loopback);
    }
}

static void refuses_what_is_no_plain_url(void **state)
{
    static const char *const bad[] = {"",
                                      "x.example",
                                      "ftp://x",
                                      "http://",
                                      "http:///a",
                                      "http://u@x",
                                      "http://u:p@x",
                                      "http://x:",
                                      "http://x:0",
                                      "http://x:65536",
                                      "http://x:a",
                                      "http://x?q",
                                      "http://x/a?b",
                                      "http://x/a#b",
                                      "http://x/../a",
                                      "http://x/a//b",
                                      "http://x\\@y",
                                      "http://[::1",
                                      "http://[x]",
                                      "http://x y",
                                      "http://x/%2e%2e/a",
                                      "http://x\r\ny",
                                      "http://\xc3\xbc",
                                      "http://x:000080"};
    struct endpoint endpoint;
    struct failure why;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (endpoint_parse(&endpoint, bad[i], &why))
            fail_msg("%s", bad[i]);
    }
}

static void finds_the_region_in_the_order_of_aws(void **state)
{
    const char *both[] = {"AWS_REGION", "one", "AWS_DEFAULT_REGION", "two", NULL};
    struct environment environment = {get, both}, nothing = {get, NULL};
    struct profile profile = {.exists = true}, none = {.exists = false};
    char region[] = "three";
    struct failure why;

    (void)state;
    profile.values[PROFILE_REGION] = region;
    assert_string_equal(endpoint_configured_region("zero", &environment, &profile), "zero");
    assert_string_equal(endpoint_configured_region("", &environment, &profile), "one");
    both[1] = "";
    assert_string_equal(endpoint_configured_region(NULL, &environment, &profile), "two");
    assert_string_equal(endpoint_configured_region(NULL, &nothing, &profile), "three");
    assert_null(endpoint_configured_region(NULL, &nothing, &none));
    assert_true(endpoint_check_region("eu-west-1", &why));
    assert_false(endpoint_check_region("", &why));
    assert_false(endpoint_check_region("eu-west-1.evil", &why));
    assert_false(endpoint_check_region("EU", &why));
    assert_false(endpoint_check_region("eu/..", &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_hosts_of_the_partitions),
        cmocka_unit_test(looks_for_urls_in_the_order_of_aws),
        cmocka_unit_test(takes_urls_apart),
        cmocka_unit_test(refuses_what_is_no_plain_url),
        cmocka_unit_test(finds_the_region_in_the_order_of_aws),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
