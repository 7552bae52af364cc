/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Failed local identities that were to be looked up no more, until recheck-failed was set.
 */
#ifndef SYNC_LOCAL_RECALL_H
#define SYNC_LOCAL_RECALL_H

#include "common/settings.h"
#include "common/store.h"

/* Makes them due, spread over success-interval. */
bool local_recall(struct store *store, const struct settings *settings, struct failure *why);

#endif
