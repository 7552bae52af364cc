/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/local_due.h"

#include <stdio.h>

struct look {
    struct local_due *due;
    int64_t now;
};

static bool take_due(void *context, const char *key, const struct mail_from *record)
{
    struct look *look = context;
    struct local_due *due = look->due;
    int64_t when = record->refresh_after * 1000;

    if (record->found_at != 0 && when > look->now) {
        due->next = when;
        return false;
    }
    if (look->now - when > due->late_by)
        due->late_by = look->now - when;
    due->is_full = due->take(due->context, key, record) == LOCAL_DUE_FULL;
    return !due->is_full;
}

/* What is looked up meanwhile comes again, further on. */
static bool take_next(void *context, const char *key, const struct mail_from *record)
{
    struct local_due *due = ((struct look *)context)->due;

    if (record->found_at < due->began / 1000) {
        due->is_full = due->take(due->context, key, record) == LOCAL_DUE_FULL;
        if (due->is_full)
            return false;
    }
    due->has_last = true;
    due->last = *record;
    (void)snprintf(due->last_key, sizeof due->last_key, "%s", key);
    return true;
}

bool local_due_look(struct local_due *due, struct store *store, int64_t now, struct failure *why)
{
    struct look look = {due, now};

    due->is_full = false;
    due->next = INT64_MAX;
    due->late_by = 0;
    return due->once ? store_each_due(store, due->has_last ? due->last_key : NULL,
                                      due->has_last ? &due->last : NULL, take_next, &look, why)
                     : store_each_due(store, NULL, NULL, take_due, &look, why);
}
