/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What an account is asked next, and when. Pure: times are arguments.
 */
#ifndef SYNC_SCHEDULE_H
#define SYNC_SCHEDULE_H

#include "sync/table.h"

enum { SCHEDULE_BATCH_MAX = 100 };

/* The identities of the next call to fetch, none if nothing is due.
 *
 * Where a batch was refused, its parts come first, each by itself. Else those that are most
 * overdue, new ones before all; and as the call costs the same however many it carries, it is
 * filled up with those that will be due next. */
size_t schedule_pick(const struct table *table, int64_t now,
                     struct entry *picked[SCHEDULE_BATCH_MAX]);

struct schedule_facts {
    bool list_is_open;     /* pages of it have come, others have not */
    bool list_was_last;    /* the call before ended a list, and none was fetched since */
    int64_t list_due;      /* when the next list is to begin */
    int64_t list_backoff;  /* not before this, for it failed; 0 */
    int64_t fetch_due;     /* when the first identity is due; TABLE_NEVER */
    bool fetch_is_new;     /* that is one that the store does not have yet */
    int64_t fetch_backoff; /* as list_backoff */
    int64_t pace_ready;    /* not before this, whatever it is */
};

enum schedule_action { SCHEDULE_LIST, SCHEDULE_FETCH };
struct schedule_step {
    enum schedule_action action;
    int64_t when;
};

/* Fills fetch_due and fetch_is_new. */
void schedule_look(struct schedule_facts *facts, const struct table *table);

/* An open list is brought to its end. New identities come before the next list, so that lists do
 * not eat the calls that fill an empty store; a list comes before what is merely refreshed, but no
 * second one does: where lists take longer than list-every, refreshes have their turn in between.
 */
struct schedule_step schedule_next(const struct schedule_facts *facts, int64_t now);

/* When to refresh what was fetched now: somewhat before the interval is over, so that what came
 * together does not stay together. random: from 0 to less than 1. */
int64_t schedule_refresh(int64_t now, int64_t interval, double random);

#endif
