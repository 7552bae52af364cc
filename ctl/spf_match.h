/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * An evaluation of SPF on its way, and the mechanisms that compare the client with what the DNS
 * says. For ctl/spf.c only.
 */
#ifndef CTL_SPF_MATCH_H
#define CTL_SPF_MATCH_H

#include "ctl/spf.h"
#include "ctl/spf_macro.h"

enum match { MATCH_NO, MATCH_YES, MATCH_TEMPERROR, MATCH_PERMERROR };

struct evaluation {
    struct inquiry *inquiry;
    const struct spf_client *client;
    struct spf_macros macros;
    unsigned lookups;
    unsigned voids;
    struct spf_verdict *verdict;
};

/* Fills why of the verdict, and returns MATCH_PERMERROR. */
enum match spf_broken(struct evaluation *evaluation, const char *domain, const char *text);

/* Can it be asked for? What cannot has no records. */
bool spf_is_name(const char *name);

/* MATCH_YES: there are records. */
enum match spf_ask(struct evaluation *evaluation, const char *name, enum dns_type type,
                   const struct dns_answer **answer);

/* ip4 and ip6; a, mx, ptr and exists for a name. */
enum match spf_match_network(const struct evaluation *evaluation, const struct spf_term *term);
enum match spf_match_address(struct evaluation *evaluation, const char *name,
                             const struct spf_term *term);
enum match spf_match_mx(struct evaluation *evaluation, const char *name,
                        const struct spf_term *term);
enum match spf_match_ptr(struct evaluation *evaluation, const char *target);
enum match spf_match_exists(struct evaluation *evaluation, const char *target);

#endif
