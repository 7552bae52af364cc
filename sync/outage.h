/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Look-ups that say nothing definite, over time: is it one domain, or does nobody get an answer?
 * What is everybody's trouble is worth one line in the log, not one for each identity. Pure.
 */
#ifndef SYNC_OUTAGE_H
#define SYNC_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

enum { OUTAGE_RUN = 10 /* so many unclear answers in a row are everybody's trouble */ };

/* All zero: none. Times are milliseconds since the epoch. */
struct outage {
    unsigned run;  /* unclear answers since the last that was clear */
    int64_t since; /* the first of them */
};

enum outage_news {
    OUTAGE_NOTHING,
    OUTAGE_ONE,   /* this identity's answer is worth a line */
    OUTAGE_BEGAN, /* nobody gets an answer */
    OUTAGE_ENDED
};

enum outage_news outage_add(struct outage *outage, bool is_clear, int64_t now);

/* Does nobody get an answer? */
bool outage_is_on(const struct outage *outage);

#endif
