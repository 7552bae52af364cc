/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/local_job.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct local_job *)a)->key, ((const struct local_job *)b)->key);
}

/* The first unclear answer leaves its own time as that since when there is none that is clear. */
static enum outage_before before_of(const struct mail_from *record)
{
    if (record->unclear_since == 0)
        return OUTAGE_CLEAR;
    return record->unclear_since == record->found_at ? OUTAGE_UNCLEAR : OUTAGE_LONG_UNCLEAR;
}

bool local_job_add(struct local_jobs *jobs, const char *key, const struct mail_from *record,
                   struct local_job **added)
{
    struct local_job *job = calloc(1, sizeof *job);
    struct local_job **found;

    *added = NULL;
    if (job == NULL)
        return false;
    (void)snprintf(job->key, sizeof job->key, "%s", key);
    found = tsearch(job, &jobs->by_key, compare_keys);
    if (found == NULL || *found != job) {
        free(job);
        return found != NULL;
    }
    memcpy(job->domain, record->domain, sizeof job->domain);
    job->question.domain = job->domain;
    job->before = before_of(record);
    jobs->count++;
    *added = job;
    return true;
}

struct local_job *local_job_find(const struct local_jobs *jobs, const char *key)
{
    struct local_job wanted = {.answered = 0};
    struct local_job **found;

    (void)snprintf(wanted.key, sizeof wanted.key, "%s", key);
    found = tfind(&wanted, &jobs->by_key, compare_keys);
    return found != NULL ? *found : NULL;
}

void local_job_remove(struct local_jobs *jobs, struct local_job *job)
{
    (void)tdelete(job, &jobs->by_key, compare_keys);
    jobs->count--;
    free(job);
}

void local_jobs_reset(struct local_jobs *jobs)
{
    while (jobs->by_key != NULL)
        local_job_remove(jobs, *(struct local_job **)jobs->by_key);
}
