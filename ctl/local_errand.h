/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Local identities that mailfrom-sync is to look up now, before all others that are due. Their own
 * time in the store says so as well, so nothing is lost if nobody runs.
 */
#ifndef CTL_LOCAL_ERRAND_H
#define CTL_LOCAL_ERRAND_H

#include "common/settings.h"
#include "common/store.h"
#include "ctl/identities.h"

struct local_errand {
    const struct identities *identities;
    struct mail_from *asked; /* each as it was left; without a domain nothing is awaited */
};

/* Makes all of them due, and asks for them, in one transaction. Reset after success and failure. */
bool local_errand_leave(struct local_errand *errand, struct store *store,
                        const struct identities *identities, struct failure *why);

/* Waits until all have been looked up. Fails with EX_TEMPFAIL if no mailfrom-sync runs, or if it
 * takes longer than the settings explain; they stay due. */
bool local_errand_wait(const struct local_errand *errand, const struct settings *settings,
                       struct store *store, struct failure *why);

void local_errand_reset(struct local_errand *errand);

#endif
