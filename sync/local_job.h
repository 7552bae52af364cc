/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The local identities that are being looked up: from when they were due until what the answer
 * makes of them is in the store.
 */
#ifndef SYNC_LOCAL_JOB_H
#define SYNC_LOCAL_JOB_H

#include "sync/mx_lookup.h"
#include "sync/outage.h"
#include "sync/transition.h"

struct local_job {
    struct mx_question question; /* first: the one is found by the other */
    char key[IDENTITY_SIZE];
    char domain[IDENTITY_DOMAIN_MAX + 1];
    enum outage_before before;
    bool is_requested; /* by mailfromctl, whose request goes with the answer */
    int64_t answered;  /* when, in milliseconds since the epoch */
    double random;     /* drawn for the answer, see sync/local_state.h */
    bool changed;      /* the status, as transition says */
    struct transition transition;
};

/* All zero: none. */
struct local_jobs {
    void *by_key; /* see tsearch(3) */
    size_t count;
};

/* The job for a record that is due, to be asked; NULL in *added if there is one already. False: out
 * of memory. */
bool local_job_add(struct local_jobs *jobs, const char *key, const struct mail_from *record,
                   struct local_job **added);

/* The job of this identity; NULL: there is none. */
struct local_job *local_job_find(const struct local_jobs *jobs, const char *key);

void local_job_remove(struct local_jobs *jobs, struct local_job *job);
void local_jobs_reset(struct local_jobs *jobs);

#endif
