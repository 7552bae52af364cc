/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Look-ups that say nothing definite, over time: is it one domain, or does nobody get an answer?
 * What is everybody's trouble is worth one line in the log, not one for each identity. It takes
 * many domains to tell: one that is broken is looked up more often than all that are in order.
 * Pure.
 */
#ifndef SYNC_OUTAGE_H
#define SYNC_OUTAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OUTAGE_RUN = 10,        /* so many domains that were in order, one after the other, or all there
                               are, and so many look-ups */
    OUTAGE_DOMAINS_MAX = 64 /* of which "all there are" can be told */
};

/* All zero: none. Times are milliseconds since the epoch. */
struct outage {
    unsigned run;  /* unclear look-ups since the last that was clear */
    int64_t since; /* the first of them */
    uint64_t domains[OUTAGE_DOMAINS_MAX];
    unsigned count;  /* of the domains of that run, each once */
    unsigned broken; /* of these, which were in order before */
    bool is_on;
};

/* What the look-ups of a domain brought before. */
enum outage_before {
    OUTAGE_CLEAR,       /* something definite, or there was none */
    OUTAGE_UNCLEAR,     /* once nothing definite */
    OUTAGE_LONG_UNCLEAR /* more than once */
};

enum outage_news {
    OUTAGE_NOTHING,
    OUTAGE_ONE,   /* this domain is in trouble: it was unclear twice, and others are not */
    OUTAGE_BEGAN, /* nobody gets an answer */
    OUTAGE_ENDED
};

/* domains: how many are looked up. */
enum outage_news outage_add(struct outage *outage, const char *domain, enum outage_before before,
                            bool is_clear, uint64_t domains, int64_t now);

#endif
