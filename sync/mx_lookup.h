/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Look-ups of MX records: as many at a time, and as many queries a second, as the section local
 * allows.
 * Used by one thread.
 */
#ifndef SYNC_MX_LOOKUP_H
#define SYNC_MX_LOOKUP_H

#include "common/settings.h"
#include "dns/mx.h"

/* The caller's, until it is answered. */
struct mx_question {
    const char *domain;
    enum mx_finding finding; /* of an answered one, as are the next two */
    enum dns_result result;
    char found[MX_TEXT_SIZE];
    struct mx_lookup *lookup; /* the module's own, as is next */
    struct mx_question *next;
};

struct mx_lookup;

/* answered is called from within mx_lookup_run only, once for each question. The settings stay the
 * caller's, and in use. */
bool mx_lookup_open(struct mx_lookup **lookup, const struct settings *settings,
                    void (*answered)(void *context, struct mx_question *question), void *context,
                    struct failure *why);
void mx_lookup_close(struct mx_lookup *lookup); /* drops what is open; NULL is fine */

/* It will be asked in its turn. */
void mx_lookup_add(struct mx_lookup *lookup, struct mx_question *question);

/* Puts it before all others that wait; false if it does not wait, since it was asked. */
bool mx_lookup_hurry(struct mx_lookup *lookup, struct mx_question *question);

/* As dns_take_news. */
bool mx_lookup_take_news(struct mx_lookup *lookup, char text[DNS_NEWS_SIZE]);

/* Asks what may be asked, and waits for answers, for so many milliseconds at most. Returns how long
 * there is nothing to do here: 0 while questions are open. */
int64_t mx_lookup_run(struct mx_lookup *lookup, int64_t milliseconds);

#endif
