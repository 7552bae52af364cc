/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * AWS Signature Version 4, in headers. Pure: time and credentials are arguments, no allocation.
 * Any thread may call it. Of what it derives from the secret key nothing stays in memory.
 */
#ifndef SES_SIGV4_H
#define SES_SIGV4_H

#include "common/failure.h"

#include <stddef.h>
#include <stdint.h>

enum {
    SIGV4_HASH_SIZE = 65, /* SHA-256 in hexadecimal, terminated */
    SIGV4_DATE_SIZE = 17, /* 20260102T030405Z */
    SIGV4_AUTHORIZATION_SIZE = 640,
    SIGV4_SECRET_MAX = 256,
    SIGV4_PARAMETERS_MAX = 32 /* of a query */
};

/* All strings as they go over the wire. */
struct sigv4_request {
    const char *method;
    const char *host;         /* the Host header: with the port unless it is the scheme's own */
    const char *path;         /* "/v2/email/identities/a%2Bb%40x.org": no dot or empty segments */
    const char *query;        /* "PageSize=1000&NextToken=abc%3D", in any order; "" for none */
    const char *content_type; /* NULL: not signed */
    const void *body;
    size_t body_length;
};

/* Who signs, for what. */
struct sigv4_signer {
    const char *access_key;
    const char *secret_key;
    const char *session_token; /* "" for none; then goes out as x-amz-security-token */
    const char *region;
    const char *service; /* "ses" for both SES APIs, whatever the host is called */
};

struct sigv4_signature {
    char date[SIGV4_DATE_SIZE];                   /* for the header x-amz-date */
    char authorization[SIGV4_AUTHORIZATION_SIZE]; /* for the header authorization */
    char canonical_request[SIGV4_HASH_SIZE];      /* the hash of it */
    char signature[SIGV4_HASH_SIZE];
};

/* now: seconds since the epoch. Fails with EX_DATAERR on what cannot be signed (a query of too many
 * parameters, a key that is too long), EX_SOFTWARE if the cryptographic library fails. */
bool sigv4_sign(struct sigv4_signature *signature, const struct sigv4_request *request,
                const struct sigv4_signer *signer, int64_t now, struct failure *why);

/* Overwrites memory that held a secret, in a way that no compiler leaves out. */
void sigv4_wipe(void *memory, size_t size);

#endif
