/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The budget of calls that an account has, shared with mailfrom-sync through the store.
 */
#ifndef CTL_BUDGET_H
#define CTL_BUDGET_H

#include "common/settings.h"
#include "common/store.h"
#include "ses/endpoint.h"

/* Waits until a call fits into the section's requests-per-second, and notes that it is made now.
 * Where others keep taking the turn, it goes ahead after some seconds. Says on a terminal that it
 * waits. store: open for writing, or NULL: then only the calls of this process are known. */
bool budget_wait(const struct settings_ses *section, struct store *store, struct failure *why);

#endif
