/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/lookup.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/store_directory.h"
#include "common/word.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* One lock for one snapshot at a time: a lookup takes microseconds, and one reader slot in the
 * store is enough for however many connections there are. */
struct lookup {
    pthread_mutex_t lock;
    char *directory;
    struct store *store; /* NULL while it is unavailable */
    struct damaged {     /* the files that were found damaged: not tried again until one changes */
        struct stat data;
        struct stat lock;
    } damaged;
    bool is_damaged;
    struct store_verification verification; /* of the open store */
    int rest;                               /* calls of lookup_check until the next one begins */
    struct failure trouble; /* why there is no store; and what was logged last, "" if all is well */
    struct holder {         /* of the lock; read without it by lookup_check */
        atomic_int thread;  /* gettid(2) */
        _Atomic clockid_t clock; /* its processor time */
        atomic_ulong turn;       /* odd while the other two change */
    } holder;
    struct watch { /* lookup_check's own: the turn that it found going on, and since when */
        unsigned long turn;
        double since; /* seconds of processor time of that thread */
    } watch;
};

/* Mail waits meanwhile: when a store is opened, and each time that lookup_check is called. A store
 * of 10,000 identities is verified when it is opened, one of a million within minutes. */
enum { FIRST_MILLISECONDS = 10, SLICE_MILLISECONDS = 5, REST = 60 };

/* A damaged page can send LMDB in circles, which no fault ends. A lookup takes microseconds; one
 * that has used a processor this long, waiting for a disk not counted, will not come back. */
static const double circles_seconds = 2.0;

/* --- state, told once per change --- */

static void note_trouble(struct lookup *lookup, const struct failure *why)
{
    if (strcmp(lookup->trouble.text, why->text) == 0)
        return;
    lookup->trouble = *why;
    log_write(LOG_ERR, "%s; until then mail is judged as on-unavailable says", why->text);
}

static void note_all_is_well(struct lookup *lookup)
{
    struct failure ignored;
    uint64_t count = 0;

    lookup->trouble.text[0] = '\0';
    (void)store_count(lookup->store, &count, &ignored);
    log_write(LOG_INFO, "store %s: in use, %llu %s", lookup->directory, (unsigned long long)count,
              word_for(count, "identity", "identities"));
}

/* --- opening and closing; the lock is held --- */

/* lock.mdb is written all the time, and may be missing: its times say nothing. */
static bool take_files(const struct lookup *lookup, struct damaged *files)
{
    struct failure ignored;

    memset(files, 0, sizeof *files);
    (void)store_directory_stat_lock(lookup->directory, &files->lock);
    return store_directory_stat(lookup->directory, &files->data, &ignored);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size;
}

static bool is_still_the_damaged_one(const struct lookup *lookup)
{
    const struct damaged *old = &lookup->damaged;
    struct damaged now;

    return lookup->is_damaged && take_files(lookup, &now) && is_same_file(&now.data, &old->data) &&
           now.data.st_mtim.tv_sec == old->data.st_mtim.tv_sec &&
           now.data.st_mtim.tv_nsec == old->data.st_mtim.tv_nsec &&
           is_same_file(&now.lock, &old->lock);
}

static void give_up_store(struct lookup *lookup, const struct failure *why)
{
    store_close(lookup->store);
    lookup->store = NULL;
    lookup->is_damaged = why->exit_code == EX_DATAERR && take_files(lookup, &lookup->damaged);
    note_trouble(lookup, why);
}

/* The store must be sound as far as could be seen. */
static void verify(struct lookup *lookup, int milliseconds)
{
    struct failure why;

    if (!store_verify(lookup->store, &lookup->verification, milliseconds, &why))
        give_up_store(lookup, &why);
    else if (lookup->verification.is_complete)
        lookup->rest = REST;
}

static void try_store(struct lookup *lookup)
{
    struct failure why;

    if (is_still_the_damaged_one(lookup))
        return;
    if (!store_open(&lookup->store, lookup->directory, STORE_READ, NULL, &why)) {
        give_up_store(lookup, &why);
        return;
    }
    lookup->is_damaged = false;
    lookup->verification = (struct store_verification){.length = 0};
    lookup->rest = 0;
    verify(lookup, FIRST_MILLISECONDS);
}

/* An open store may still be empty; it counts as available only with a record in it. */
static void welcome(struct lookup *lookup)
{
    struct failure why;
    uint64_t count;

    if (lookup->store == NULL)
        return;
    if (!store_count(lookup->store, &count, &why))
        give_up_store(lookup, &why);
    else if (count > 0)
        note_all_is_well(lookup);
}

struct lookup *lookup_open(const char *directory)
{
    struct lookup *lookup = calloc(1, sizeof *lookup);

    if (lookup == NULL || (lookup->directory = strdup(directory)) == NULL) {
        free(lookup);
        return NULL;
    }
    (void)pthread_mutex_init(&lookup->lock, NULL);
    try_store(lookup);
    welcome(lookup);
    return lookup;
}

void lookup_close(struct lookup *lookup)
{
    if (lookup == NULL)
        return;
    store_close(lookup->store);
    (void)pthread_mutex_destroy(&lookup->lock);
    free(lookup->directory);
    free(lookup);
}

static void move_to(struct lookup *lookup, const char *directory)
{
    char *copy = strdup(directory);

    if (copy == NULL)
        return;
    free(lookup->directory);
    lookup->directory = copy;
    store_close(lookup->store);
    lookup->store = NULL;
    lookup->is_damaged = false;
}

/* Who is this? Asked once a thread, since it is a system call. */
static _Thread_local struct {
    pid_t thread;
    clockid_t clock;
} self;

static void lock(struct lookup *lookup)
{
    if (self.thread == 0) {
        self.thread = gettid();
        (void)pthread_getcpuclockid(pthread_self(), &self.clock);
    }
    (void)pthread_mutex_lock(&lookup->lock);
    atomic_fetch_add(&lookup->holder.turn, 1);
    atomic_store(&lookup->holder.thread, self.thread);
    atomic_store(&lookup->holder.clock, self.clock);
    atomic_fetch_add(&lookup->holder.turn, 1);
}

static void unlock(struct lookup *lookup)
{
    (void)pthread_mutex_unlock(&lookup->lock);
}

/* Looks again and again instead of waiting with pthread_mutex_clocklock(3), which ThreadSanitizer
 * does not know: it would see every store that is opened anew as a race. */
static bool lock_within_a_second(struct lookup *lookup)
{
    const struct timespec pause = {.tv_nsec = 10000000};

    for (int tries = 0; tries < 100; tries++) {
        if (pthread_mutex_trylock(&lookup->lock) == 0)
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

/* 0 for a thread that is no more. */
static double processor_seconds(clockid_t clock)
{
    struct timespec used;

    if (clock_gettime(clock, &used) != 0)
        return 0;
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

/* Somebody else keeps the lock: does he go in circles? */
static void watch_holder(struct lookup *lookup)
{
    unsigned long turn = atomic_load(&lookup->holder.turn);
    pid_t thread = atomic_load(&lookup->holder.thread);
    double used = processor_seconds(atomic_load(&lookup->holder.clock));

    if (turn == 0 || turn % 2 != 0 || turn != atomic_load(&lookup->holder.turn))
        return; /* it is moving */
    if (lookup->watch.turn != turn) {
        lookup->watch.turn = turn;
        lookup->watch.since = used;
    } else if (used - lookup->watch.since > circles_seconds) {
        fault_interrupt(thread);
    }
}

static void look_after(struct lookup *lookup)
{
    (void)store_clear_stale_readers(lookup->store);
    if (lookup->rest > 0)
        lookup->rest--;
    else
        verify(lookup, SLICE_MILLISECONDS);
}

bool lookup_check(struct lookup *lookup, const char *directory)
{
    struct failure why;
    bool was_open;

    if (!lock_within_a_second(lookup)) {
        watch_holder(lookup);
        return false;
    }
    if (strcmp(lookup->directory, directory) != 0)
        move_to(lookup, directory);
    if (lookup->store != NULL && !store_is_current(lookup->store, &why)) {
        if (why.exit_code == EX_TEMPFAIL) {
            /* Replaced by another file in one step: nothing was missing in between. */
            store_close(lookup->store);
            lookup->store = NULL;
        } else {
            give_up_store(lookup, &why);
        }
    }
    was_open = lookup->store != NULL;
    if (!was_open)
        try_store(lookup);
    else
        look_after(lookup);
    if (lookup->store != NULL && (!was_open || lookup->trouble.text[0] != '\0'))
        welcome(lookup);
    unlock(lookup);
    return true;
}

void lookup_forget_damage(struct lookup *lookup)
{
    if (!lock_within_a_second(lookup))
        return;
    lookup->is_damaged = false;
    unlock(lookup);
}

void lookup_describe(struct lookup *lookup, char *out, size_t size)
{
    struct failure why;
    uint64_t count;

    if (!lock_within_a_second(lookup)) {
        (void)snprintf(out, size, "the store does not answer");
        return;
    }
    if (lookup->store == NULL)
        (void)snprintf(out, size, "%s", lookup->trouble.text);
    else if (!store_count(lookup->store, &count, &why))
        (void)snprintf(out, size, "%s", why.text);
    else
        (void)snprintf(out, size, "%llu %s in %s", (unsigned long long)count,
                       word_for(count, "identity", "identities"), lookup->directory);
    unlock(lookup);
}

/* --- the mail path --- */

static enum lookup_result unavailable(const struct lookup *lookup, struct failure *why)
{
    *why = lookup->trouble;
    return LOOKUP_UNAVAILABLE;
}

/* What the store has answered. */
static enum lookup_result judge(struct lookup *lookup, enum store_result result,
                                const struct failure *why)
{
    switch (result) {
    case STORE_FOUND:
        return LOOKUP_FOUND;
    case STORE_NOT_FOUND:
        return LOOKUP_UNKNOWN;
    case STORE_FAILED:
        break;
    }
    if (why->exit_code == EX_DATAERR)
        give_up_store(lookup, why);
    else
        note_trouble(lookup, why);
    return LOOKUP_UNAVAILABLE;
}

/* Where it was replaced in the middle of a look-up, the one that is there now can say. */
static bool reopened(struct lookup *lookup, enum store_result result, const struct failure *why)
{
    if (result != STORE_FAILED || why->exit_code != EX_TEMPFAIL)
        return false;
    store_close(lookup->store);
    lookup->store = NULL;
    try_store(lookup);
    return lookup->store != NULL;
}

enum lookup_result lookup_find(struct lookup *lookup, const struct identity *sender,
                               bool strip_label, char key[IDENTITY_SIZE], struct mail_from *record,
                               const struct store_trace *trace, struct failure *why)
{
    enum store_result found = STORE_FAILED;
    enum lookup_result result;

    lock(lookup);
    if (lookup->store != NULL)
        found = store_find(lookup->store, sender, strip_label, key, record, trace, why);
    if (lookup->store != NULL && reopened(lookup, found, why))
        found = store_find(lookup->store, sender, strip_label, key, record, trace, why);
    result = lookup->store == NULL ? unavailable(lookup, why) : judge(lookup, found, why);
    unlock(lookup);
    return result;
}

enum lookup_result lookup_returns(struct lookup *lookup, const char *mail_from_domain,
                                  int64_t gone_after, struct store_return out[STORE_RETURNS_MAX],
                                  size_t *count, struct failure *why)
{
    enum lookup_result result;
    enum store_result found;

    *count = 0;
    lock(lookup);
    if (lookup->store == NULL) {
        result = unavailable(lookup, why);
    } else {
        found = store_returns(lookup->store, mail_from_domain, gone_after, out, count, why);
        if (reopened(lookup, found, why))
            found = store_returns(lookup->store, mail_from_domain, gone_after, out, count, why);
        /* A store without the index is all that the mail path needs: no trouble of the store's. */
        result = found == STORE_FAILED && why->exit_code == EX_UNAVAILABLE
                     ? LOOKUP_UNAVAILABLE
                     : judge(lookup, found, why);
    }
    unlock(lookup);
    return result;
}

/* --- whoever else wants to know --- */

bool lookup_with_store(struct lookup *lookup,
                       bool (*use)(struct store *store, void *context, struct failure *why),
                       void *context, struct failure *why)
{
    bool worked = false;

    lock(lookup);
    if (lookup->store == NULL)
        *why = lookup->trouble;
    else
        worked = use(lookup->store, context, why);
    if (!worked && lookup->store != NULL && why->exit_code == EX_DATAERR)
        give_up_store(lookup, why);
    unlock(lookup);
    return worked;
}
