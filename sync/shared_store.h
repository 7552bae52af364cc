/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The store, shared by the threads of mailfrom-sync: one handle under one lock, held for calls of
 * the store only, never over the network. A store that was replaced or damaged is opened anew; one
 * that is gone is waited for, since a new one would lack the local and imported identities, and
 * mail of theirs would pass as that of nobody. One in a directory where another mailfrom-sync is at
 * work is not touched until that has ended.
 */
#ifndef SYNC_SHARED_STORE_H
#define SYNC_SHARED_STORE_H

#include "common/store.h"

struct shared_store;

/* Makes the store if it is missing. The strings stay the caller's, and in use. */
struct shared_store *shared_store_open(const char *directory, const char *group,
                                       struct failure *why);
void shared_store_close(struct shared_store *shared); /* NULL is fine */

/* From now on, until false: whoever would wait for another program that writes gives up, as all do
 * while TERM or INT is pending. */
void shared_store_hurry(bool wanted);

/* Waits for the lock. NULL: it cannot be opened now; then nothing is to be released. Any thread. */
struct store *shared_store_acquire(struct shared_store *shared, struct failure *why);
void shared_store_release(struct shared_store *shared);

/* store_update on it, for who needs no more. */
bool shared_store_update(struct shared_store *shared,
                         bool (*change)(struct store *, void *, struct failure *), void *context,
                         struct failure *why);

#endif
