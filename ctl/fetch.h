/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Fetches identities from SES into the store, where no mailfrom-sync does: the least calls, within
 * the budget.
 */
#ifndef CTL_FETCH_H
#define CTL_FETCH_H

#include "ctl/selection.h"

struct fetch_outcome {
    size_t fetched;
    size_t changed; /* of them: domain, status or behaviour are others now */
    size_t missing; /* SES does not know them, or refuses to speak of them: told on stderr */
};

/* Fills *outcome also after a failure. store: open for writing. */
bool fetch_selection(const struct selection *selection, struct store *store,
                     struct fetch_outcome *outcome, struct failure *why);

#endif
