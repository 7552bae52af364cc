/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The table, or the array in JSON, of what is in the store.
 */
#ifndef CTL_LIST_H
#define CTL_LIST_H

#include "ctl/command.h"

struct list {
    const enum mail_from_source *only; /* records of this source alone; NULL: all */
    const size_t *status; /* likewise; MAIL_FROM_STATUS_COUNT: without a MAIL FROM domain */
    const char *match;    /* identities that a pattern of the shell matches alone; NULL: all */
    bool json;
    size_t columns; /* what a line of the table may have; 0: as many as it takes */
};

bool list_has(const struct list *list, const char *key, const struct mail_from *record);

bool list_print(const struct list *list, struct invocation *invocation, struct failure *why);

/* The MAIL FROM domains whose bounces come to this gateway, and those that are gone only as long as
 * a bounce may still come; one per line, sorted. */
bool list_domains_print(struct invocation *invocation, struct failure *why);

#endif
