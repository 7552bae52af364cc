/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The two forms of a signed return path: what the local part of an envelope sender becomes when it
 * moves to a MAIL FROM domain, and back.
 *
 *     prvs=XXXXXXXXXX=LOCAL          10 hexadecimal digits: 10 bits of date, 30 of signature
 *     SRS0=HHHHHHHH=TT=DOMAIN=LOCAL  40 bits of signature and the date, both in base32
 *
 * The first is for an original domain that the reader can guess: it tries those that are possible,
 * and the signature says which one it was. The shapes are those of BATV (draft-levine-smtp-batv-01)
 * and SRS, so that filters and forwarders know them. Relays fold addresses to lower case: nothing
 * depends on case, in ASCII or outside, and LOCAL keeps the one that it arrives with. The signature
 * is HMAC-SHA-256 over form, date, LOCAL, original domain and MAIL FROM domain, cut. Pure.
 */
#ifndef COMMON_RETURN_PATH_H
#define COMMON_RETURN_PATH_H

#include "common/identity.h"
#include "common/return_secrets.h"

enum return_form {
    RETURN_NONE,  /* no return path: a bounce does not come back */
    RETURN_PLAIN, /* unsigned, and comes back all the same: only one original domain is possible */
    RETURN_PRVS,
    RETURN_SRS
};
enum { RETURN_FORM_COUNT = RETURN_SRS + 1 };
extern const char *const return_form_words[RETURN_FORM_COUNT]; /* "none", "plain", .. */

enum { RETURN_LOCAL_MAX = 64 /* octets as written, RFC 5321 4.5.3.1.1 */ };

/* Days since the epoch. A signature has them modulo 1024. */
int64_t return_path_day(int64_t seconds);

/* An original sender. Neither text need be terminated. */
struct return_original {
    const char *local; /* the content of the local part, without quotes */
    size_t local_length;
    const char *domain; /* ASCII */
    size_t domain_length;
};

/* Signs with the first secret. form: RETURN_PRVS or RETURN_SRS. The content of the new local part
 * goes to out. False: as an MTA writes it, it would be longer than RETURN_LOCAL_MAX (or memory ran
 * out). */
bool return_path_sign(char out[LOCAL_PART_MAX], size_t *out_length, enum return_form form,
                      const struct return_original *original, const char *mail_from_domain,
                      const struct return_secrets *secrets, int64_t day);

/* What the content of a local part says of itself; nothing in it is true before it is verified.
 * Points into the content. */
struct return_tag {
    enum return_form form; /* RETURN_NONE: looks signed, but is damaged, or of another program */
    unsigned day;          /* modulo 1024 */
    uint64_t signature;
    struct return_original original; /* RETURN_PRVS: without a domain */
};

void return_path_read(struct return_tag *tag, const char *content, size_t length);

/* The index of the secret that signed the tag for this original domain, -1 for none. */
int return_path_verify(const struct return_tag *tag, const char *domain, size_t domain_length,
                       const char *mail_from_domain, const struct return_secrets *secrets);

/* How many days ago it was signed, as today is; -1: tomorrow, which a clock may do that is behind.
 */
int return_path_age(const struct return_tag *tag, int64_t today);

/* Would this local part be too long with a signature? Only then is it taken unsigned. */
bool return_path_is_too_long_to_sign(const char *content, size_t length);

#endif
