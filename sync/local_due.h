/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Which local identities are to be looked up now: those that are due, by the index of the store;
 * or, once, all of them.
 */
#ifndef SYNC_LOCAL_DUE_H
#define SYNC_LOCAL_DUE_H

#include "common/store.h"

enum local_due_taken {
    LOCAL_DUE_TAKEN,
    LOCAL_DUE_FULL /* no more can be taken now, nor this one */
};

/* Times are milliseconds since the epoch. */
struct local_due {
    enum local_due_taken (*take)(void *context, const char *key, const struct mail_from *record);
    void *context;
    bool once;
    int64_t began; /* with once: what was looked up since is passed over */
    /* What the last look has found: */
    bool is_full; /* more is due than could be taken */
    int64_t next; /* when the next one will be; INT64_MAX: none waits */
    int64_t
        late_by; /* how overdue the one is that waits for the longest, of those that were seen */
    /* With once, where the walk is: */
    bool has_last;
    char last_key[IDENTITY_SIZE];
    struct mail_from last;
};

/* Takes what is due. What was taken before, and is not in the store yet, is offered again. */
bool local_due_look(struct local_due *due, struct store *store, int64_t now, struct failure *why);

#endif
