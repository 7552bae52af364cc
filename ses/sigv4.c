/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { HASH_OCTETS = 32 };

struct parameter {
    const char *name;
    size_t name_length;
    const char *value;
    size_t value_length;
};

void sigv4_wipe(void *memory, size_t size)
{
    OPENSSL_cleanse(memory, size);
}

static void to_hexadecimal(const unsigned char hash[HASH_OCTETS], char out[SIGV4_HASH_SIZE])
{
    for (size_t i = 0; i < HASH_OCTETS; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

static bool sha256(const void *data, size_t length, char out[SIGV4_HASH_SIZE])
{
    unsigned char hash[HASH_OCTETS];

    if (EVP_Digest(data, length, hash, NULL, EVP_sha256(), NULL) != 1)
        return false;
    to_hexadecimal(hash, out);
    return true;
}

static bool hmac(const void *key, size_t key_length, const char *text,
                 unsigned char out[HASH_OCTETS])
{
    size_t length = 0;

    return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key, key_length,
                     (const unsigned char *)text, strlen(text), out, HASH_OCTETS,
                     &length) != NULL &&
           length == HASH_OCTETS;
}

static bool add(EVP_MD_CTX *context, const char *text, size_t length)
{
    return EVP_DigestUpdate(context, text, length) == 1;
}

static bool add_text(EVP_MD_CTX *context, const char *text)
{
    return add(context, text, strlen(text));
}

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           strchr("-._~", c) != NULL;
}

/* The server encodes the path of the wire once more before it compares, so '%' becomes "%25". */
static bool add_path(EVP_MD_CTX *context, const char *path)
{
    bool fine = true;

    for (; *path != '\0' && fine; path++) {
        char encoded[4];
        if (is_unreserved(*path) || *path == '/')
            fine = add(context, path, 1);
        else
            fine = add(context, encoded,
                       (size_t)snprintf(encoded, sizeof encoded, "%%%02X", (unsigned char)*path));
    }
    return fine;
}

static int compare_octets(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);

    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

static int compare_parameters(const void *left, const void *right)
{
    const struct parameter *a = left, *b = right;
    int order = compare_octets(a->name, a->name_length, b->name, b->name_length);

    return order != 0 ? order
                      : compare_octets(a->value, a->value_length, b->value, b->value_length);
}

static struct parameter parameter_of(const char *text, size_t length)
{
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals != NULL ? (size_t)(equals - text) : length;
    size_t before_value = equals != NULL ? name_length + 1 : length;

    return (struct parameter){text, name_length, text + before_value, length - before_value};
}

/* False: too many. */
static bool split_query(const char *query, struct parameter parameters[], size_t *count)
{
    *count = 0;
    while (*query != '\0') {
        size_t length = strcspn(query, "&");
        if (length > 0) {
            if (*count == SIGV4_PARAMETERS_MAX)
                return false;
            parameters[(*count)++] = parameter_of(query, length);
        }
        query += length + (query[length] == '&');
    }
    qsort(parameters, *count, sizeof parameters[0], compare_parameters);
    return true;
}

static bool add_query(EVP_MD_CTX *context, const struct parameter parameters[], size_t count)
{
    bool fine = true;

    for (size_t i = 0; i < count && fine; i++) {
        fine = (i == 0 || add(context, "&", 1)) &&
               add(context, parameters[i].name, parameters[i].name_length) &&
               add(context, "=", 1) &&
               add(context, parameters[i].value, parameters[i].value_length);
    }
    return fine;
}

static bool add_header(EVP_MD_CTX *context, const char *name, const char *value)
{
    return add_text(context, name) && add(context, ":", 1) && add_text(context, value) &&
           add(context, "\n", 1);
}

static const char *signed_headers(const struct sigv4_request *request,
                                  const struct sigv4_signer *signer)
{
    static const char *const names[2][2] = {
        {"host;x-amz-date", "host;x-amz-date;x-amz-security-token"},
        {"content-type;host;x-amz-date", "content-type;host;x-amz-date;x-amz-security-token"}};

    return names[request->content_type != NULL][signer->session_token[0] != '\0'];
}

/* In the order of their names, as signed_headers() lists them. */
static bool add_headers(EVP_MD_CTX *context, const struct sigv4_request *request,
                        const struct sigv4_signer *signer, const char *date)
{
    return (request->content_type == NULL ||
            add_header(context, "content-type", request->content_type)) &&
           add_header(context, "host", request->host) && add_header(context, "x-amz-date", date) &&
           (signer->session_token[0] == '\0' ||
            add_header(context, "x-amz-security-token", signer->session_token)) &&
           add(context, "\n", 1) && add_text(context, signed_headers(request, signer)) &&
           add(context, "\n", 1);
}

/* Hashed piece by piece: the canonical request itself holds the session token and is never kept. */
static bool hash_request(struct sigv4_signature *signature, const struct sigv4_request *request,
                         const struct sigv4_signer *signer, const struct parameter parameters[],
                         size_t count)
{
    char body_hash[SIGV4_HASH_SIZE];
    unsigned char hash[HASH_OCTETS];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool fine = context != NULL && sha256(request->body, request->body_length, body_hash) &&
                EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 &&
                add_text(context, request->method) && add(context, "\n", 1) &&
                add_path(context, request->path) && add(context, "\n", 1) &&
                add_query(context, parameters, count) && add(context, "\n", 1) &&
                add_headers(context, request, signer, signature->date) &&
                add_text(context, body_hash) && EVP_DigestFinal_ex(context, hash, NULL) == 1;

    EVP_MD_CTX_free(context);
    if (fine)
        to_hexadecimal(hash, signature->canonical_request);
    return fine;
}

/* key: HASH_OCTETS of it hold the signing key afterwards. */
static bool derive_key(const struct sigv4_signer *signer, const char *day,
                       unsigned char key[HASH_OCTETS])
{
    char first[4 + SIGV4_SECRET_MAX + 1];
    int length = snprintf(first, sizeof first, "AWS4%s", signer->secret_key);
    bool fine =
        hmac(first, (size_t)length, day, key) && hmac(key, HASH_OCTETS, signer->region, key) &&
        hmac(key, HASH_OCTETS, signer->service, key) && hmac(key, HASH_OCTETS, "aws4_request", key);

    sigv4_wipe(first, sizeof first);
    return fine;
}

static bool sign_text(const struct sigv4_signer *signer, const char *day, const char *text,
                      char out[SIGV4_HASH_SIZE])
{
    unsigned char key[HASH_OCTETS], hash[HASH_OCTETS];
    bool fine = derive_key(signer, day, key) && hmac(key, sizeof key, text, hash);

    sigv4_wipe(key, sizeof key);
    if (fine)
        to_hexadecimal(hash, out);
    return fine;
}

static bool format_date(int64_t now, char out[SIGV4_DATE_SIZE])
{
    time_t time = (time_t)now;
    struct tm broken_down;

    return gmtime_r(&time, &broken_down) != NULL &&
           strftime(out, SIGV4_DATE_SIZE, "%Y%m%dT%H%M%SZ", &broken_down) == SIGV4_DATE_SIZE - 1;
}

static bool finish(struct sigv4_signature *signature, const struct sigv4_request *request,
                   const struct sigv4_signer *signer)
{
    char day[9], scope[160], text[320];
    int length;

    (void)snprintf(day, sizeof day, "%.8s", signature->date);
    length = snprintf(scope, sizeof scope, "%s/%s/%s/aws4_request", day, signer->region,
                      signer->service);
    if (length < 0 || (size_t)length >= sizeof scope)
        return false;
    (void)snprintf(text, sizeof text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", signature->date, scope,
                   signature->canonical_request);
    if (!sign_text(signer, day, text, signature->signature))
        return false;
    length =
        snprintf(signature->authorization, sizeof signature->authorization,
                 "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
                 signer->access_key, scope, signed_headers(request, signer), signature->signature);
    return length > 0 && (size_t)length < sizeof signature->authorization;
}

bool sigv4_sign(struct sigv4_signature *signature, const struct sigv4_request *request,
                const struct sigv4_signer *signer, int64_t now, struct failure *why)
{
    struct parameter parameters[SIGV4_PARAMETERS_MAX];
    size_t count;

    if (strlen(signer->secret_key) > SIGV4_SECRET_MAX)
        return failure_set(why, EX_DATAERR, "the secret access key is longer than %d octets",
                           SIGV4_SECRET_MAX);
    if (!split_query(request->query, parameters, &count))
        return failure_set(why, EX_DATAERR, "a query has more than %d parameters",
                           SIGV4_PARAMETERS_MAX);
    if (!format_date(now, signature->date))
        return failure_set(why, EX_DATAERR, "the time %lld cannot be signed", (long long)now);
    if (!hash_request(signature, request, signer, parameters, count) ||
        !finish(signature, request, signer))
        return failure_set(why, EX_SOFTWARE, "a request cannot be signed");
    return true;
}
