/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/requests.h"

#include "common/refresh_request.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { REQUESTS_AT_ONCE = 200 };

struct request {
    char identity[IDENTITY_SIZE];
    int64_t requested;
};

/* Times are those of requests: an account has seen to all up to then. Under the lock of the store.
 */
struct requests {
    size_t accounts;
    int64_t refreshed_all[SETTINGS_SES_MAX];
    int64_t listed[SETTINGS_SES_MAX];
};

struct looking {
    struct account *account;
    struct store *store;
    struct request *found;
    size_t count;
    int64_t now;
};

struct requests *requests_new(size_t accounts, struct failure *why)
{
    struct requests *requests = calloc(1, sizeof *requests);

    if (requests == NULL)
        (void)failure_set(why, EX_OSERR, "out of memory");
    else
        requests->accounts = accounts;
    return requests;
}

void requests_free(struct requests *requests)
{
    free(requests);
}

static bool collect(void *context, const char *identity, int64_t requested)
{
    struct looking *looking = context;
    struct request *request = &looking->found[looking->count];

    if (strlen(identity) >= sizeof request->identity)
        return true;
    memcpy(request->identity, identity, strlen(identity) + 1);
    request->requested = requested;
    return ++looking->count < REQUESTS_AT_ONCE;
}

static int64_t earliest(const int64_t times[], size_t count)
{
    int64_t first = times[0];

    for (size_t i = 1; i < count; i++)
        first = times[i] < first ? times[i] : first;
    return first;
}

/* A person waits: whatever holds calls back is tried once more. */
static void hurry(struct account *account, int64_t requested)
{
    if (requested <= account->request_seen)
        return;
    account->request_seen = requested;
    for (size_t i = 0; i < SOURCE_OPERATION_COUNT; i++)
        account->troubles[i].until = 0;
}

static void want_list(struct account *account, int64_t requested, int64_t now)
{
    if (account->last_complete_list < requested && account->listing.due > now)
        account->listing.due = now;
}

/* True: it was fetched since, or is not ours to fetch. */
static bool refresh_entry(struct entry *entry, int64_t requested, int64_t now)
{
    if (entry->standing == STANDING_FOREIGN || entry->answered >= requested)
        return true;
    if (entry->due > now)
        entry->due = now;
    return false;
}

/* True: all accounts are done with it. */
static bool refresh_all(struct looking *looking, int64_t requested)
{
    struct account *account = looking->account;
    struct requests *requests = account->around->requests;
    bool done = account->last_complete_list >= requested;

    hurry(account, requested);
    want_list(account, requested, looking->now);
    for (size_t i = 0; i < account->table.count; i++)
        done = refresh_entry(account->table.entries[i], requested, looking->now) && done;
    if (done)
        requests->refreshed_all[account->index] = requested;
    return earliest(requests->refreshed_all, requests->accounts) >= requested;
}

/* Of an identity that this account does not fetch: true if nobody will. */
static bool is_nobodys(struct looking *looking, const struct request *request)
{
    const struct requests *requests = looking->account->around->requests;
    struct mail_from record;
    struct failure unused;
    enum store_result result = store_get(looking->store, request->identity, &record, &unused);

    if (result == STORE_FOUND && record.source != MAIL_FROM_SES)
        return true;
    return result == STORE_NOT_FOUND &&
           earliest(requests->listed, requests->accounts) >= request->requested;
}

static bool refresh_one(struct looking *looking, const struct request *request)
{
    struct account *account = looking->account;
    struct entry *entry = table_find(&account->table, request->identity);

    if (entry != NULL && entry->standing != STANDING_FOREIGN) {
        hurry(account, request->requested);
        return refresh_entry(entry, request->requested, looking->now);
    }
    if (is_nobodys(looking, request))
        return true;
    want_list(account, request->requested, looking->now);
    return false;
}

static bool remove_done(struct store *store, void *context, struct failure *why)
{
    const struct looking *looking = context;

    for (size_t i = 0; i < looking->count; i++) {
        if (!refresh_request_remove(store, looking->found[i].identity, why))
            return false;
    }
    return true;
}

static bool see_to(struct looking *looking, const struct request *request)
{
    return strcmp(request->identity, REFRESH_REQUEST_ALL) == 0
               ? refresh_all(looking, request->requested)
               : refresh_one(looking, request);
}

/* Keeps those that are done. */
static void see_to_all(struct looking *looking)
{
    size_t done = 0;

    for (size_t i = 0; i < looking->count; i++) {
        if (see_to(looking, &looking->found[i]))
            looking->found[done++] = looking->found[i];
    }
    looking->count = done;
}

void requests_look(struct account *account, int64_t now)
{
    struct failure unused;
    struct store *store = shared_store_acquire(account->around->store, &unused);
    struct looking looking = {account, store, calloc(REQUESTS_AT_ONCE, sizeof *looking.found), 0,
                              now};

    if (store != NULL) {
        account->around->requests->listed[account->index] = account->last_complete_list;
        if (looking.found != NULL && refresh_request_each(store, collect, &looking, &unused)) {
            see_to_all(&looking);
            if (looking.count > 0)
                (void)store_update(store, remove_done, &looking, &unused);
        }
        shared_store_release(account->around->store);
    }
    free(looking.found);
}
