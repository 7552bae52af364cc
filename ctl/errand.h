/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What mailfrom-sync, while it runs, is asked to do: requests left in the store, and waiting until
 * they are gone.
 */
#ifndef CTL_ERRAND_H
#define CTL_ERRAND_H

#include "ctl/selection.h"

/* Does a mailfrom-sync run on the store of these settings? */
bool errand_is_served(const struct settings *settings, bool *served, struct failure *why);

/* Asks for the identities of the selection; all: for everything there is in SES. */
bool errand_leave(struct store *store, const struct selection *selection, bool all,
                  struct failure *why);

/* Waits until it is done. Fails if mailfrom-sync meets with something that a person has to mend,
 * with the exit code of that; and with EX_TEMPFAIL if it takes longer than the budget explains, or
 * if mailfrom-sync ends meanwhile and does not come back. The requests stay. */
bool errand_wait(const struct settings *settings, struct store *store,
                 const struct selection *selection, bool all, struct failure *why);

/* Of a wait for mailfrom-sync. */
struct errand_watch {
    const struct settings *settings;
    int64_t seen; /* when it ran last, in milliseconds since the epoch; 0: not yet */
};

/* As errand_is_served, but one that was seen and is gone for a few seconds is being restarted. */
bool errand_is_awaited(struct errand_watch *watch, bool *awaited, struct failure *why);

/* Between two looks at the store. */
void errand_pause(void);

#endif
