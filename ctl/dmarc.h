/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * DMARC as far as a MAIL FROM domain is concerned: which policy a From domain has, and would SPF
 * align? The organisational domain is found by the walk up the tree of RFC 7489's successor, which
 * needs no list of public suffixes. Of the outside it knows only the inquiry.
 */
#ifndef CTL_DMARC_H
#define CTL_DMARC_H

#include "common/identity.h"
#include "ctl/dmarc_record.h"
#include "ctl/inquiry.h"

enum { DMARC_WALK_MAX = 8 }; /* domains that are asked; the last has two labels */

enum dmarc_finding {
    DMARC_FOUND,
    DMARC_MISSING, /* neither the domain nor a parent has a record */
    DMARC_BROKEN,  /* there is something that receivers pass over: see why */
    DMARC_UNCLEAR  /* no answer: see why */
};

/* The rest only means something if found. */
struct dmarc {
    enum dmarc_finding finding;
    struct failure why;
    bool several;                     /* broken, for there is more than one record */
    char at[IDENTITY_DOMAIN_MAX + 1]; /* the domain whose record counts */
    char organisation[IDENTITY_DOMAIN_MAX + 1];
    struct dmarc_record record;
    enum dmarc_policy policy; /* that for the From domain */
};

/* from: canonical. */
void dmarc_find(struct dmarc *dmarc, const char *from, struct inquiry *inquiry);

/* Would SPF for this MAIL FROM domain align with From, if DMARC was found? */
bool dmarc_aligns(const struct dmarc *dmarc, const char *from, const char *mail_from);

#endif
