/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Requests of mailfromctl to look up local identities before all others: found in the store, put
 * before those that wait, and removed with the answer.
 */
#ifndef SYNC_LOCAL_REQUESTS_H
#define SYNC_LOCAL_REQUESTS_H

#include "common/store.h"
#include "sync/local_job.h"

enum { LOCAL_REQUESTS_MAX = 200 /* that are seen to at a time */ };

/* Sees to what is requested, and adds jobs for it. What is being asked already is left for the next
 * time: its answer may be older than the request. */
bool local_requests_look(struct local_jobs *jobs, struct mx_lookup *lookup, struct store *store,
                         struct failure *why);

#endif
