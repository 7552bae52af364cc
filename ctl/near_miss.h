/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What was probably meant: records that are there, and that nobody finds or reads, since something
 * small is wrong. Of the outside it knows only the inquiry.
 */
#ifndef CTL_NEAR_MISS_H
#define CTL_NEAR_MISS_H

#include "common/identity.h"
#include "ctl/inquiry.h"

enum { NEAR_MISS_SIZE = 600 };

/* What a zone file makes of a name without its final dot: is host one of ours, and some domain that
 * name is in? "mx.gateway.example.shop.example" for bounce.shop.example. */
bool near_miss_target(const char *host, const char *ours, const char *name);

/* The same of the name on the left: are there such records at bounce.shop.example.shop.example? Not
 * those of a wildcard. is_it: is a record one? at: where they are. */
bool near_miss_owner(struct inquiry *inquiry, const char *name, enum dns_type type,
                     bool (*is_it)(const void *context, const char *text), const void *context,
                     char at[IDENTITY_DOMAIN_MAX + 1]);

/* Of a text that is no SPF record, though it was to be one: what is wrong with it, as in "has
 * quotation marks in the text". False: it is something else, or right. */
bool near_miss_spf(const char *text, char what[NEAR_MISS_SIZE]);
bool near_miss_dmarc(const char *text, char what[NEAR_MISS_SIZE]);

/* Asks for all that an SPF record may be where there is none, or a DMARC record where there is none
 * at _dmarc.FROM. what: a sentence; advice: what to do. */
bool near_miss_find_spf(struct inquiry *inquiry, const char *domain, char what[NEAR_MISS_SIZE],
                        char advice[NEAR_MISS_SIZE]);
bool near_miss_find_dmarc(struct inquiry *inquiry, const char *from, char what[NEAR_MISS_SIZE],
                          char advice[NEAR_MISS_SIZE]);

#endif
