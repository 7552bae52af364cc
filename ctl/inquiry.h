/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Questions to the DNS for as long as somebody answers. Who is asked is the caller's: a resolver,
 * or the table of a test.
 *
 * One domain whose servers are down says nothing about the others. Nobody answers any more when
 * three domains in a row had no answer, or when there is none for "localhost" either, which every
 * resolver answers by itself. A domain that is silent is not asked about for ever: each question
 * costs a time-out.
 */
#ifndef CTL_INQUIRY_H
#define CTL_INQUIRY_H

#include "dns/resolver.h"

enum {
    INQUIRY_DOMAINS = 3,  /* without an answer, in a row */
    INQUIRY_PATIENCE = 6, /* questions about one domain */
    INQUIRY_KNOWN = 32,   /* silent domains that are remembered; of more, the latest */
    INQUIRY_DOMAIN_SIZE = 256,
    INQUIRY_SERVERS_SIZE = 256
};

struct inquiry_domain {
    char name[INQUIRY_DOMAIN_SIZE];
    unsigned unanswered;
    unsigned run; /* the last run of silence that it was in */
};

/* Zeroed but for the first two, and is_over where there is nobody to ask. */
struct inquiry {
    const struct dns_answer *(*ask)(void *context, const char *name, enum dns_type type);
    void *context;
    bool is_over;
    unsigned run;    /* of silence: grows with each answer after one */
    unsigned silent; /* domains in this run */
    struct inquiry_domain domains[INQUIRY_KNOWN];
    size_t domain_count; /* also of those that had to make room */
    struct dns_answer answer;
    char servers[INQUIRY_SERVERS_SIZE]; /* those who said nothing last */
};

/* The answer, valid until the next question. Once it is over, nobody is asked, and the result is
 * always DNS_UNREACHABLE; about a domain that was silent for long enough it is DNS_TIMEOUT. */
const struct dns_answer *inquire(struct inquiry *inquiry, const char *name, enum dns_type type);

bool inquiry_is_over(const struct inquiry *inquiry);

#endif
