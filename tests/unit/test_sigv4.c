/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Signatures against vectors on which botocore and an independent HMAC agree.
 */
#include "ses/sigv4.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FORM "application/x-www-form-urlencoded; charset=utf-8"
#define BODY_1                                                                                     \
    "Action=GetIdentityMailFromDomainAttributes&Version=2010-12-01&"                               \
    "Identities.member.1=example.com&Identities.member.2=a%2Bb%40x.org"
#define BODY_4 "{\"MailFromDomain\":\"m.x.org\",\"BehaviorOnMxFailure\":\"REJECT_MESSAGE\"}"

enum { NOW = 1767323045 /* 2026-01-02T03:04:05Z */ };

static const struct vector {
    const char *name, *method, *path, *query, *content_type, *body, *token;
    const char *canonical_request, *signature;
} vectors[] = {
    {"T1: a v1 form", "POST", "/", "", FORM, BODY_1, "",
     "ce9ab22ff80d9a1dbbaeef5dbad261778929792fe0d14518d53431cde54bdb17",
     "d98d978e1fd77eca6b112db6cc46fcffafdf6ac5620a6e1bd3427d16784994c7"},
    {"T2: with a session token", "POST", "/", "", FORM, BODY_1,
     "TOK/EN+x==", "b6635efd11bbd62dbce4b38863095005752d2e9ed9c03ca9fa2c6be665eaa630",
     "b1f5422004faee87d5bf21e319ea39f05a4d093b82169a3f9295bb3cd8d26084"},
    {"T3: content type unsigned", "POST", "/", "", NULL, BODY_1, "",
     "7bfc7d6c7ca87205c7810376741539ad8185da04530f11bb33991ca988f6841f",
     "f349fea34810cff22f8f95a5e0cad76db07ea44ff3452acefca7014781e91b48"},
    {"T4: an address in the path", "PUT", "/v2/email/identities/a%2Bb%40x.org/mail-from", "",
     "application/json", BODY_4, "",
     "dcb96f06b94317ff1523f6e14d928bbe549176e82226acff3c95b90794e285c0",
     "fe9e80d506deac09337357c1ecff781cd9b2fd7ab2d85fea94d5c3c58aff5881"},
    {"T5: an unsorted query", "GET", "/v2/email/identities", "PageSize=1000&NextToken=abc%3D%2F%2B",
     NULL, "", "", "7fef0e86b571b5c8ed8ddd10c8c9ac7e69f22f492ccdc235bfc586fcd5406162",
     "184cbf5912a4b8c4b304ecd28cf5696b855ea0a03c1dcdea4e919cf2254b7bb9"},
};

static struct sigv4_signer signer_with(const char *token)
{
    return (struct sigv4_signer){.access_key = "AKIDEXAMPLE",
                                 .secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                 .session_token = token,
                                 .region = "eu-west-1",
                                 .service = "ses"};
}

static struct sigv4_request request_of(const struct vector *vector)
{
    return (struct sigv4_request){.method = vector->method,
                                  .host = "email.eu-west-1.amazonaws.com",
                                  .path = vector->path,
                                  .query = vector->query,
                                  .content_type = vector->content_type,
                                  .body = vector->body,
                                  .body_length = strlen(vector->body)};
}

static void signs_the_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct sigv4_request request = request_of(&vectors[i]);
        struct sigv4_signer signer = signer_with(vectors[i].token);
        struct sigv4_signature signature;
        struct failure why;
        print_message("%s\n", vectors[i].name);
        assert_true(sigv4_sign(&signature, &request, &signer, NOW, &why));
        assert_string_equal(signature.date, "20260102T030405Z");
        assert_string_equal(signature.canonical_request, vectors[i].canonical_request);
        assert_string_equal(signature.signature, vectors[i].signature);
    }
}

static void names_what_is_signed(void **state)
{
    struct sigv4_request request = request_of(&vectors[1]);
    struct sigv4_signer signer = signer_with(vectors[1].token);
    struct sigv4_signature signature;
    struct failure why;

    (void)state;
    assert_true(sigv4_sign(&signature, &request, &signer, NOW, &why));
    assert_string_equal(
        signature.authorization,
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-west-1/ses/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, "
        "Signature=b1f5422004faee87d5bf21e319ea39f05a4d093b82169a3f9295bb3cd8d26084");
}

static bool signs_with(const char *query, const char *secret, const char *region, int64_t now,
                       struct failure *why)
{
    struct sigv4_request request = request_of(&vectors[4]);
    struct sigv4_signer signer = signer_with("");
    struct sigv4_signature signature;

    request.query = query;
    signer.secret_key = secret;
    signer.region = region;
    return sigv4_sign(&signature, &request, &signer, now, why);
}

static void refuses_what_it_cannot_sign(void **state)
{
    char secret[SIGV4_SECRET_MAX + 2], query[4 * SIGV4_PARAMETERS_MAX + 8] = "", region[300];
    struct failure why;

    (void)state;
    memset(secret, 's', sizeof secret - 1);
    secret[sizeof secret - 1] = '\0';
    assert_false(signs_with("", secret, "eu-west-1", NOW, &why));
    assert_null(strstr(why.text, "sss"));
    secret[sizeof secret - 2] = '\0';
    assert_true(signs_with("", secret, "eu-west-1", NOW, &why));
    for (int i = 0; i < SIGV4_PARAMETERS_MAX; i++)
        (void)strcat(query, "a=&");
    assert_true(signs_with(query, "s", "eu-west-1", NOW, &why));
    (void)strcat(query, "a=");
    assert_false(signs_with(query, "s", "eu-west-1", NOW, &why));
    memset(region, 'r', sizeof region - 1);
    region[sizeof region - 1] = '\0';
    assert_false(signs_with("", "s", region, NOW, &why));
    assert_false(signs_with("", "s", "eu-west-1", INT64_MAX, &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_the_vectors),
        cmocka_unit_test(names_what_is_signed),
        cmocka_unit_test(refuses_what_it_cannot_sign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
