/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Local identities that would wait too long for a look-up: the Failed ones, which were to be looked
 * up no more until recheck-failed was set, and those that a clock far ahead has put off.
 */
#ifndef SYNC_LOCAL_RECALL_H
#define SYNC_LOCAL_RECALL_H

#include "common/settings.h"
#include "common/store.h"

/* Makes them due, spread over success-interval or, what is put off, over pending-interval. Reads
 * the whole store. */
bool local_recall(struct store *store, const struct settings *settings, struct failure *why);

#endif
