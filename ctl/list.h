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
    bool json;
};

bool list_print(const struct list *list, struct invocation *invocation, struct failure *why);

/* The MAIL FROM domains whose bounces come to this gateway, and those that are gone only as long as
 * a bounce may still come; one per line, sorted. */
bool list_domains_print(struct invocation *invocation, struct failure *why);

#endif
