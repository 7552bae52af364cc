/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Records of a section that the settings no longer have: nobody refreshes them, and they will
 * expire. A renamed section takes its records over as it fetches them; what is left, a person has
 * to judge.
 */
#ifndef SYNC_ORPHAN_H
#define SYNC_ORPHAN_H

#include "sync/shared_store.h"

#include "common/settings.h"

/* Logs how many there are, if any. */
void orphan_warn(struct shared_store *shared, const struct settings *settings);

#endif
