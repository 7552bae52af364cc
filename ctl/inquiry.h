/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Questions to the DNS for as long as somebody answers. Who is asked is the caller's: a resolver,
 * or the table of a test.
 */
#ifndef CTL_INQUIRY_H
#define CTL_INQUIRY_H

#include "dns/resolver.h"

enum { INQUIRY_PATIENCE = 3 }; /* questions in a row that nobody answers */

struct inquiry {
    const struct dns_answer *(*ask)(void *context, const char *name, enum dns_type type);
    void *context;
    unsigned unanswered; /* in a row */
};

/* The answer, valid until the next question. Once so many questions in a row had none, nobody is
 * asked any more, and the result is always DNS_UNREACHABLE. */
const struct dns_answer *inquire(struct inquiry *inquiry, const char *name, enum dns_type type);

bool inquiry_is_over(const struct inquiry *inquiry);

/* Asks until there is an answer or the inquiry is over, and returns the last. */
const struct dns_answer *inquire_patiently(struct inquiry *inquiry, const char *name,
                                           enum dns_type type);

/* Is it an answer at all, whatever it says? */
bool inquiry_is_answer(const struct dns_answer *answer);

#endif
