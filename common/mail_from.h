/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The record: the custom MAIL FROM attributes of one identity, in the words of SES
 * (GetIdentityMailFromDomainAttributes and PutEmailIdentityMailFromAttributes), and its coding in
 * the store. Pure.
 */
#ifndef COMMON_MAIL_FROM_H
#define COMMON_MAIL_FROM_H

#include "common/identity.h"

#include <stdint.h>

enum mail_from_status {
    MAIL_FROM_PENDING,
    MAIL_FROM_SUCCESS,
    MAIL_FROM_FAILED,
    MAIL_FROM_TEMPORARY_FAILURE
};
enum { MAIL_FROM_STATUS_COUNT = MAIL_FROM_TEMPORARY_FAILURE + 1 };
extern const char *const mail_from_status_words[MAIL_FROM_STATUS_COUNT];    /* v1: "Pending", .. */
extern const char *const mail_from_status_words_v2[MAIL_FROM_STATUS_COUNT]; /* v2: "PENDING", .. */

enum mail_from_behavior { MAIL_FROM_USE_DEFAULT_VALUE, MAIL_FROM_REJECT_MESSAGE };
enum { MAIL_FROM_BEHAVIOR_COUNT = MAIL_FROM_REJECT_MESSAGE + 1 };
extern const char *const mail_from_behavior_words[MAIL_FROM_BEHAVIOR_COUNT];
extern const char *const mail_from_behavior_words_v2[MAIL_FROM_BEHAVIOR_COUNT];

enum mail_from_source { MAIL_FROM_SES, MAIL_FROM_LOCAL, MAIL_FROM_FILE };
enum { MAIL_FROM_SOURCE_COUNT = MAIL_FROM_FILE + 1 };
extern const char *const mail_from_source_words[MAIL_FROM_SOURCE_COUNT]; /* "ses", .. */

enum {
    MAIL_FROM_ERROR_MAX = 200,
    MAIL_FROM_FOUND_MAX = 200,
    MAIL_FROM_SECTION_MAX = 60,
    MAIL_FROM_CODED_MAX =
        80 + IDENTITY_DOMAIN_MAX + MAIL_FROM_ERROR_MAX + MAIL_FROM_FOUND_MAX + MAIL_FROM_SECTION_MAX
};

/* Times are seconds since the epoch, 0 for never. */
struct mail_from {
    enum identity_kind kind;
    enum mail_from_source source;
    enum mail_from_source
        former; /* of a local one: what it was adopted from; local if it was not */
    char
        section[MAIL_FROM_SECTION_MAX + 1]; /* title of the settings section of the source, or "" */
    bool verified;     /* may the identity send? An unverified one is skipped. */
    bool feedback_off; /* bounces are not forwarded to the sender (EmailForwardingEnabled false) */
    char domain[IDENTITY_DOMAIN_MAX + 1]; /* the custom MAIL FROM domain, "" for none */
    enum mail_from_status status;         /* means nothing without a domain */
    enum mail_from_behavior behavior;     /* BehaviorOnMXFailure */
    int64_t status_since;
    int64_t checked;       /* when the attributes were last confirmed by their source */
    int64_t refresh_after; /* 0: nobody refreshes it */
    int64_t expire_after;  /* 0: it never expires */
    int64_t found_at;      /* of a local one: when its MX was last looked up */
    int64_t unclear_since; /* of a local one: no look-up since then said anything definite */
    char last_error[MAIL_FROM_ERROR_MAX + 1]; /* of the last refresh, "" for none */
    char found[MAIL_FROM_FOUND_MAX + 1];      /* at found_at: "MX 10 mx.example.com", "NXDOMAIN" */
};

/* SES's rule for a MAIL FROM domain: a true subdomain of the identity's own domain (for an
 * address, of the part after the @). Fails with EX_DATAERR and SES's wording. */
bool mail_from_check_domain(const struct identity *identity, const char *domain,
                            struct failure *why);

/* The value that the store keeps for a record. The checksum covers key and record, so that a
 * damaged page is noticed. Returns the coded length. */
size_t mail_from_encode(const struct mail_from *record, const char *key, size_t key_length,
                        unsigned char out[MAIL_FROM_CODED_MAX]);

/* False for anything that mail_from_encode did not make for this key. Reads no octet beyond
 * length; *record is undefined after a failure. */
bool mail_from_decode(struct mail_from *record, const char *key, size_t key_length,
                      const void *value, size_t length);

#endif
