/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/shared_store.h"
#include "common/instance.h"
#include "common/store_turn.h"
#include "sync/clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sysexits.h>

enum { CHECK_EVERY = 1000, STALE_EVERY = 60000 };

/* Nobody waits for another writer of the store any more, for this program ends or reloads. */
static atomic_bool hurry;

struct shared_store {
    const char *directory;
    const char *group;
    pthread_mutex_t lock;
    struct store *store; /* NULL while it cannot be opened */
    int64_t checked;
    int64_t cleared;
};

/* The signals are blocked, and main may be about to wait for the lock of a thread that waits. */
static bool is_in_a_hurry(void *context)
{
    sigset_t pending;

    (void)context;
    if (atomic_load(&hurry))
        return true;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

void shared_store_hurry(bool wanted)
{
    atomic_store(&hurry, wanted);
}

static bool reopen(struct shared_store *shared, enum store_access access, struct failure *why)
{
    store_close(shared->store);
    shared->store = NULL;
    return store_open(&shared->store, shared->directory, access, shared->group, why);
}

struct shared_store *shared_store_open(const char *directory, const char *group,
                                       struct failure *why)
{
    struct shared_store *shared = calloc(1, sizeof *shared);

    if (shared == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        return NULL;
    }
    store_set_patience((struct store_patience){STORE_PATIENCE, is_in_a_hurry, NULL});
    shared->directory = directory;
    shared->group = group;
    (void)pthread_mutex_init(&shared->lock, NULL);
    if (reopen(shared, STORE_WRITE, why))
        return shared;
    shared_store_close(shared);
    return NULL;
}

void shared_store_close(struct shared_store *shared)
{
    if (shared == NULL)
        return;
    store_close(shared->store);
    (void)pthread_mutex_destroy(&shared->lock);
    free(shared);
}

/* Looks after the store now and then. */
static bool look_after(struct shared_store *shared, struct failure *why)
{
    int64_t now = clock_now();
    struct failure unused;

    if (now >= shared->checked && now < shared->checked + CHECK_EVERY && shared->store != NULL)
        return true;
    shared->checked = now;
    if ((shared->store == NULL || !store_is_current(shared->store, &unused)) &&
        !reopen(shared, STORE_UPDATE, why))
        return false;
    /* In a directory that took the place of ours, another one may be at work. */
    if (!instance_keep(shared->directory, why)) {
        shared->checked = now - CHECK_EVERY;
        return false;
    }
    if (now < shared->cleared || now >= shared->cleared + STALE_EVERY) {
        shared->cleared = now;
        (void)store_clear_stale_readers(shared->store);
    }
    return true;
}

struct store *shared_store_acquire(struct shared_store *shared, struct failure *why)
{
    (void)pthread_mutex_lock(&shared->lock);
    if (look_after(shared, why))
        return shared->store;
    (void)pthread_mutex_unlock(&shared->lock);
    return NULL;
}

void shared_store_release(struct shared_store *shared)
{
    (void)pthread_mutex_unlock(&shared->lock);
}

bool shared_store_update(struct shared_store *shared,
                         bool (*change)(struct store *, void *, struct failure *), void *context,
                         struct failure *why)
{
    struct store *store = shared_store_acquire(shared, why);
    bool worked;

    if (store == NULL)
        return false;
    worked = store_update(store, change, context, why);
    shared_store_release(shared);
    return worked;
}
