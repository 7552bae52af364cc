/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The identities of the gateway's own as a source of records: looks up the MX of those that are
 * due, and takes over into the store what that makes of their status. Which are due, the store
 * knows; nothing is kept here but what is being looked up. Used by one thread, but for the numbers
 * of its progress.
 */
#ifndef SYNC_LOCAL_SOURCE_H
#define SYNC_LOCAL_SOURCE_H

#include "sync/shared_store.h"
#include "sync/transition.h"

#include "common/settings.h"
#include "common/source_state.h"

#include <stddef.h>

struct local_source;

/* once: looks everything up, due or not, a single time. What is given stays the caller's, and in
 * use. */
bool local_source_open(struct local_source **source, const struct settings *settings,
                       struct shared_store *store, struct transitions *transitions, bool once,
                       struct failure *why);

/* Notes in the store that nobody is at work any more. NULL is fine. */
void local_source_close(struct local_source *source);

/* Does what is to be done, for a tenth of a second at most. Returns when to come again:
 * milliseconds since the epoch. */
int64_t local_source_step(struct local_source *source, int64_t now);

/* Of one that was opened with once: has everything been looked up? */
bool local_source_is_done(const struct local_source *source);

/* After that: prints a line; false if no look-up at all said anything definite. */
bool local_source_report(const struct local_source *source, struct failure *why);

/* How many were looked up so far. Any thread. */
size_t local_source_progress(const struct local_source *source);

#endif
