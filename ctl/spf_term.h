/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The terms of an SPF record (RFC 7208, 4.6 and 12), one after the other. Pure.
 */
#ifndef CTL_SPF_TERM_H
#define CTL_SPF_TERM_H

#include "common/failure.h"

#include <stddef.h>

enum spf_kind {
    SPF_ALL,
    SPF_INCLUDE,
    SPF_A,
    SPF_MX,
    SPF_PTR,
    SPF_IP4,
    SPF_IP6,
    SPF_EXISTS,
    SPF_REDIRECT, /* the modifiers come last */
    SPF_EXP,
    SPF_UNKNOWN
};

enum { SPF_SPEC_MAX = 512, SPF_TERM_SHOWN = 64 };

struct spf_term {
    enum spf_kind kind;
    char qualifier;              /* + - ~ ? */
    char spec[SPF_SPEC_MAX + 1]; /* the domain, macros not expanded; "": that of the record */
    unsigned char network[16];   /* of ip4 the first four */
    unsigned prefix4;
    unsigned prefix6;
    char shown[SPF_TERM_SHOWN]; /* as it was written, cut */
};

/* Is it the version that makes a text an SPF record? */
bool spf_is_record(const char *text);

enum spf_reading { SPF_TERM, SPF_END, SPF_SYNTAX_ERROR };

/* Reads the next term. *cursor: at first the record, then where to go on. */
enum spf_reading spf_term_read(struct spf_term *term, const char **cursor, struct failure *why);

/* Reads all of a record and says whether its syntax is right. */
bool spf_check_syntax(const char *record, struct failure *why);

#endif
