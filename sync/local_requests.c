/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/local_requests.h"

#include "common/lookup_request.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct looking {
    struct local_jobs *jobs;
    struct mx_lookup *lookup;
    char (*keys)[IDENTITY_SIZE];
    size_t count;
};

static bool collect(void *context, const char *identity)
{
    struct looking *looking = context;

    if (strlen(identity) < IDENTITY_SIZE)
        memcpy(looking->keys[looking->count++], identity, strlen(identity) + 1);
    return looking->count < LOCAL_REQUESTS_MAX;
}

/* False: there is nothing to look up, so nobody will. */
static bool see_to(struct looking *looking, struct store *store, const char *key)
{
    struct mail_from record;
    struct local_job *job;
    struct failure ignored;
    enum store_result result = store_get(store, key, &record, &ignored);

    if (result == STORE_NOT_FOUND ||
        (result == STORE_FOUND && (record.source != MAIL_FROM_LOCAL || record.domain[0] == '\0')))
        return false;
    if (result != STORE_FOUND || !local_job_add(looking->jobs, key, &record, &job))
        return true;
    if (job != NULL)
        mx_lookup_add(looking->lookup, &job->question);
    job = local_job_find(looking->jobs, key);
    if (mx_lookup_hurry(looking->lookup, &job->question))
        job->is_requested = true;
    return true;
}

static bool remove_all(struct store *store, void *context, struct failure *why)
{
    const struct looking *looking = context;

    for (size_t i = 0; i < looking->count; i++) {
        if (!lookup_request_remove(store, looking->keys[i], why))
            return false;
    }
    return true;
}

/* Keeps those that are nobody's. From the last to the first, since each goes before the others. */
static void see_to_all(struct looking *looking, struct store *store)
{
    size_t kept = looking->count;

    for (size_t i = looking->count; i-- > 0;) {
        if (!see_to(looking, store, looking->keys[i]))
            memmove(looking->keys[--kept], looking->keys[i], IDENTITY_SIZE);
    }
    looking->count -= kept;
    memmove(looking->keys, looking->keys + kept, looking->count * IDENTITY_SIZE);
}

bool local_requests_look(struct local_jobs *jobs, struct mx_lookup *lookup, struct store *store,
                         struct failure *why)
{
    struct looking looking = {jobs, lookup, calloc(LOCAL_REQUESTS_MAX, IDENTITY_SIZE), 0};
    bool worked;

    if (looking.keys == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    worked = lookup_request_each(store, collect, &looking, why);
    if (worked)
        see_to_all(&looking, store);
    if (worked && looking.count > 0)
        worked = store_update(store, remove_all, &looking, why);
    free(looking.keys);
    return worked;
}
