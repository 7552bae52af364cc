/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * SPF (RFC 7208): may a host send mail with a MAIL FROM domain? check_host() with its limits; the
 * explanation (exp=) is not fetched. Of the outside it knows only the inquiry.
 */
#ifndef CTL_SPF_H
#define CTL_SPF_H

#include "ctl/inquiry.h"
#include "ctl/spf_term.h"

enum spf_result {
    SPF_NONE,
    SPF_NEUTRAL,
    SPF_PASS,
    SPF_FAIL,
    SPF_SOFTFAIL,
    SPF_TEMPERROR,
    SPF_PERMERROR
};
enum { SPF_RESULT_COUNT = SPF_PERMERROR + 1 };
extern const char *const spf_result_words[SPF_RESULT_COUNT];

enum { SPF_LOOKUPS_MAX = 10, SPF_VOIDS_MAX = 2, SPF_NAMES_MAX = 10, SPF_RECORD_SHOWN = 512 };

/* Who would send: an address, or whatever hosts another domain authorises. With that domain, the
 * result is pass if the record includes it, or redirects to it, before anything else decides. */
struct spf_client {
    int family; /* AF_INET, AF_INET6, or AF_UNSPEC: see authority */
    unsigned char address[16];
    const char *authority;
};

struct spf_verdict {
    enum spf_result result;
    size_t records;                /* of SPF at the domain: more than one is an error */
    char record[SPF_RECORD_SHOWN]; /* that of the domain, cut; "" for none */
    char term[SPF_TERM_SHOWN];     /* what decided, as in "~all"; "" for nothing did */
    unsigned lookups;              /* that count for the limit */
    struct failure why;            /* of an error: where and what */
};

/* Reads an address: "192.0.2.1", "2001:db8::1". */
bool spf_client_read(struct spf_client *client, const char *text);

/* domain: A-labels; the sender is postmaster of it. */
void spf_check(struct spf_verdict *verdict, const char *domain, const struct spf_client *client,
               struct inquiry *inquiry);

#endif
