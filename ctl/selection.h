/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The identities to refresh, each with the section it belongs to.
 */
#ifndef CTL_SELECTION_H
#define CTL_SELECTION_H

#include "common/settings.h"
#include "common/store.h"
#include "ctl/identities.h"

struct selected {
    char *key;
    char *name; /* as SES spells it, for calls */
    const struct settings_ses *section;
    bool known; /* is there a record in the store? */
};

struct selection {
    struct selected *list; /* section by section; in each those that are known come first */
    size_t count;
};

/* The identities that were named. wanted: as in section_choose. Fails also for one whose record has
 * another source than SES. Reset after success and failure. */
bool selection_read_named(struct selection *selection, const struct settings *settings,
                          struct store *store, const struct identities *identities,
                          const char *wanted, struct failure *why);

/* All in the store that came from SES, or from the one section wanted (NULL: from any). Those whose
 * section is not in the settings any more are left out. */
bool selection_read_all(struct selection *selection, const struct settings *settings,
                        struct store *store, const char *wanted, struct failure *why);

void selection_reset(struct selection *selection);

#endif
