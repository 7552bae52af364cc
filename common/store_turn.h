/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Writers of the store take turns, by locks on the file write.lock beside it. LMDB has a lock of
 * its own, which is waited for without end and does not say who has it; this one comes before it.
 */
#ifndef COMMON_STORE_TURN_H
#define COMMON_STORE_TURN_H

#include "common/failure.h"

#include <stdint.h>
#include <sys/types.h>

enum { STORE_PATIENCE = 10000 /* milliseconds */ };

struct store_patience {
    int64_t milliseconds;
    bool (*is_over)(void *context); /* asked meanwhile: true ends the wait. NULL: never */
    void *context;
};

/* How long this process waits for another that writes. Before there are threads. */
void store_set_patience(struct store_patience wanted);

struct store;

/* When LMDB has opened a store that is to be written, and before the first transaction. Without the
 * file there are no turns, and LMDB's own lock is all there is. Until store_turn_close. */
void store_turn_open(struct store *store);
void store_turn_close(struct store *store);

/* Around each write transaction. Fails with EX_TEMPFAIL and the name of the process that is at
 * it. */
bool store_turn_take(struct store *store, struct failure *why);
void store_turn_give(struct store *store);

/* Who writes the store in a directory just now, 0 for no one. */
pid_t store_turn_find(const char *directory);

/* The same, and 0 if that process comes to its end within some seconds, or lets another one in. */
pid_t store_turn_find_stuck(const char *directory);

#endif
