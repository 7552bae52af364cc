/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A thread for each account, and one for the local identities. Started and stopped by the main
 * thread, which handles the signals.
 */
#ifndef SYNC_RUNNER_H
#define SYNC_RUNNER_H

#include "sync/account.h"

struct runner;

/* Is there anything to do by these settings? */
bool runner_has_work(const struct settings *settings);

/* once: each thread ends when everything was refreshed, or cannot be. NULL: the failure is in *why.
 * What is given stays the caller's, and in use. */
struct runner *runner_start(const struct settings *settings, struct shared_store *store,
                            struct transitions *transitions, bool once, struct failure *why);

/* Ends the threads, within about a second also during a call. NULL is fine. */
void runner_stop(struct runner *runner);

/* Have all threads ended by themselves? */
bool runner_is_done(const struct runner *runner);

/* How far they are, summed over all accounts. Any time. */
struct runner_progress {
    size_t listed;
    size_t fetched;
    size_t looked_up;
};
struct runner_progress runner_progress(const struct runner *runner);

/* Do all threads go round? False if one has been at one step for longer than any step may take. */
bool runner_is_alive(const struct runner *runner);

/* After runner_is_done: prints a line for each source; false if one failed, with its failure. */
bool runner_report(const struct runner *runner, struct failure *why);

#endif
