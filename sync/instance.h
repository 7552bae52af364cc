/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * One mailfrom-sync for a store.
 */
#ifndef SYNC_INSTANCE_H
#define SYNC_INSTANCE_H

#include "common/failure.h"

/* Locks sync.lock in the store's directory until the process ends. EX_UNAVAILABLE: another one
 * runs, and the text says which; EX_NOPERM, EX_IOERR. */
bool instance_lock(const char *directory, struct failure *why);

#endif
