/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * One mailfrom-sync for a store. It holds the lock on sync.lock in the store's directory from its
 * start to its end, reloads included. So the lock tells whether it runs; what it last wrote into
 * the store, and when, does not.
 */
#ifndef COMMON_INSTANCE_H
#define COMMON_INSTANCE_H

#include "common/failure.h"

enum { INSTANCE_PID_SIZE = 32 };

struct instance {
    bool runs;
    char pid[INSTANCE_PID_SIZE]; /* of one that runs, as it wrote it into the file, or "unknown" */
};

/* Takes the lock until the process ends. EX_UNAVAILABLE: another one runs, and the text says which;
 * EX_NOPERM, EX_IOERR. */
bool instance_lock(const char *directory, struct failure *why);

/* Of a process that took the lock: makes sure that it holds that of the file which is there now. A
 * lock on a file says nothing once the directory was replaced, or the file removed: then the new
 * one is taken. EX_UNAVAILABLE: another mailfrom-sync has it, and the store is not ours. True for a
 * process that never took the lock. One thread at a time. */
bool instance_keep(const char *directory, struct failure *why);

/* Asks who holds the lock, and never takes it, so a mailfrom-sync that starts meanwhile can. No
 * store, no lock file: none runs. EX_NOPERM, EX_IOERR: not known, and *instance says that none
 * does. Any thread. */
bool instance_find(struct instance *instance, const char *directory, struct failure *why);

#endif
