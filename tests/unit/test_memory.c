/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A lack of memory is never told as a fault of what is read, or a good backup would look broken:
 * each parser is run with the first allocation failing, then the second, and so on, the libraries'
 * own included.
 */
#include "common/identity.h"
#include "common/settings.h"
#include "ctl/attributes.h"
#include "ses/api_v1.h"
#include "ses/api_v2.h"
#include "ses/json.h"
#include "ses/keys.h"
#include "ses/sts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

/* So many allocations succeed, then one does not; negative: all succeed. */
static long left = -1;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#ifndef HAS_SANITIZER
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

static bool fails(void)
{
    if (left < 0 || left-- > 0)
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}
#endif

static bool ignore_item(void *context, const struct attributes_item *item, struct failure *why)
{
    (void)context, (void)item, (void)why;
    return true;
}

static void ignore_refusal(void *context, const struct failure *reason)
{
    bool *refused = context;

    (void)reason;
    *refused = true;
}

#define ATTRIBUTES                                                                                 \
    "{\"MailFromDomainAttributes\":{\"gr\xc3\xbc\xc3\x9f"                                          \
    "e.example\":{\"MailFromDomain\":\"m.gr\xc3\xbc\xc3\x9f"                                       \
    "e.example\",\"MailFromDomainStatus\":\"Success\","                                            \
    "\"BehaviorOnMXFailure\":\"RejectMessage\"}}}"

static bool import(struct failure *why)
{
    return attributes_read(ATTRIBUTES, strlen(ATTRIBUTES), 1, ignore_item, NULL, why);
}

static bool import_puts(struct failure *why)
{
    bool refused = false;
    bool good = attributes_read_puts(ATTRIBUTES, strlen(ATTRIBUTES), ignore_item, ignore_refusal,
                                     &refused, why);

    assert_false(refused);
    return good;
}

static bool read_page(struct failure *why)
{
    static const char json[] = "{\"EmailIdentities\":[{\"IdentityName\":\"a.example\"}]}";
    struct api_v2_page page;

    if (!api_v2_read_page(&page, json, strlen(json), why))
        return false;
    api_v2_page_reset(&page);
    return true;
}

static bool read_identity(struct failure *why)
{
    static const char json[] = "{\"MailFromAttributes\":{\"BehaviorOnMxFailure\":\"\"}}";
    struct api_v2_identity identity;

    return api_v2_read_identity(&identity, json, strlen(json), why);
}

#define KEYS "\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Version\":1}"

static bool read_process(struct failure *why)
{
    static const char json[] = "{" KEYS;
    struct keys keys;

    return keys_read_process(&keys, json, strlen(json), why);
}

static bool read_metadata(struct failure *why)
{
    static const char json[] = "{\"Code\":\"Success\"," KEYS;
    struct keys keys;
    enum outcome outcome = keys_read_metadata(&keys, "imds", json, strlen(json), why);

    assert_true(outcome == OUTCOME_OK || outcome == OUTCOME_LOCAL);
    return outcome == OUTCOME_OK;
}

static bool read_xml(struct failure *why)
{
    static const char xml[] = "<R><MailFromDomainAttributes/></R>";
    static const char *const asked[] = {"a.example"};
    struct api_v1_mail_from answer;

    return api_v1_read_mail_from(xml, strlen(xml), asked, 1, &answer, why);
}

static bool read_sts(struct failure *why)
{
    static const char xml[] =
        "<R><Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        "<Expiration>2026-01-02T03:04:05Z</Expiration></Credentials></R>";
    struct keys keys;

    return sts_read_keys(&keys, "sts", xml, strlen(xml), why);
}

static bool read_domain(struct failure *why)
{
    static const char name[] = "gr\xc3\xbc\xc3\x9f"
                               "e.example";
    char out[IDENTITY_DOMAIN_MAX + 1];

    return identity_parse_domain(out, name, strlen(name), why);
}

static const struct {
    const char *name;
    bool (*parse)(struct failure *why);
} parsers[] = {
    {"import", import},
    {"put --from", import_puts},
    {"a page of identities", read_page},
    {"an identity", read_identity},
    {"credential_process", read_process},
    {"metadata", read_metadata},
    {"attributes", read_xml},
    {"credentials of STS", read_sts},
    {"a domain", read_domain},
};

static void tells_a_lack_of_memory_from_bad_syntax(void **state)
{
    (void)state;
#ifdef HAS_SANITIZER
    skip();
#endif
    for (size_t i = 0; i < sizeof parsers / sizeof parsers[0]; i++) {
        struct failure why = {.exit_code = 0};
        bool good = false;
        long allowed = 0;

        print_message("%s\n", parsers[i].name);
        for (; !good; allowed++) {
            left = allowed;
            good = parsers[i].parse(&why);
            left = -1;
            assert_true(allowed < 10000);
            if (!good && why.exit_code != EX_OSERR)
                fail_msg("%s, %ld allocations: %d %s", parsers[i].name, allowed, why.exit_code,
                         why.text);
        }
        assert_true(allowed > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tells_a_lack_of_memory_from_bad_syntax)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
