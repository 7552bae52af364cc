/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Does a MAIL FROM domain have the MX record that it should? Pure.
 */
#ifndef DNS_MX_H
#define DNS_MX_H

#include "common/settings.h"
#include "dns/resolver.h"

enum mx_finding {
    MX_FOUND,  /* as expected */
    MX_GONE,   /* definitely not: NXDOMAIN, none, null MX, others, too many */
    MX_UNCLEAR /* the answer says nothing of it: a time-out, SERVFAIL, .. */
};

enum { MX_TEXT_SIZE = MAIL_FROM_FOUND_MAX + 1 };

/* expected: canonical domains. The match is that of the settings: exactly-one wants a single MX,
 * one of those expected; only-these at least one and no other; any-of-these one of them among
 * whatever others. text: what was found, for a person: "MX 10 mx.example.com", "MX 10 a.example,
 * MX 20 b.example", "null MX", "no MX", "NXDOMAIN", "SERVFAIL from 127.0.0.1:53"; what is too long
 * ends in "and 12 more". */
enum mx_finding mx_judge(const struct dns_answer *answer, const struct settings_list *expected,
                         enum settings_mx_match match, char text[MX_TEXT_SIZE]);

#endif
