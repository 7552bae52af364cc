/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/runner.h"
#include "common/monotonic.h"
#include "common/word.h"
#include "sync/clock.h"
#include "sync/local_source.h"
#include "sync/requests.h"
#include "sync/ses_source.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>

/* A request of mailfromctl is noticed within this. */
enum { NAP_MAX = 500 };

/* No step takes as long: a call ends within its timeout, 10 minutes at most, and so does each of
 * the few that bring its credentials. */
enum { STEP_MAX = 60 * 60 * 1000 };

/* Of an account, or of the local source. */
struct worker {
    struct runner *runner;
    struct account *account;
    struct local_source *local;
    pthread_t thread;
    bool started;
    _Atomic int64_t began; /* the step that it is at, by monotonic_milliseconds(); 0: none */
    enum ses_source_progress progress;
    struct source_state before;
};

struct runner {
    struct surroundings around;
    atomic_bool stop;
    atomic_size_t working;
    bool once;
    int64_t began;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    size_t count;
    struct worker workers[];
};

/* --- a thread --- */

static void nap(struct runner *runner, int64_t milliseconds)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&runner->lock);
    while (!atomic_load(&runner->stop) &&
           pthread_cond_timedwait(&runner->wake, &runner->lock, &until) != ETIMEDOUT)
        continue;
    (void)pthread_mutex_unlock(&runner->lock);
}

static bool is_over(struct worker *worker)
{
    const struct runner *runner = worker->runner;

    if (atomic_load(&runner->stop))
        return true;
    if (!runner->once)
        return false;
    if (worker->local != NULL)
        return local_source_is_done(worker->local);
    worker->progress = ses_source_progress(worker->account, runner->began);
    return worker->progress != SES_SOURCE_AT_WORK;
}

static int64_t step(struct worker *worker, int64_t now)
{
    return worker->local != NULL ? local_source_step(worker->local, now)
                                 : ses_source_step(worker->account, now);
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct runner *runner = worker->runner;

    while (!is_over(worker)) {
        int64_t now = clock_now();
        int64_t when;

        atomic_store(&worker->began, monotonic_milliseconds());
        when = step(worker, now);
        atomic_store(&worker->began, 0);
        if (when > now)
            nap(runner, when - now < NAP_MAX ? when - now : NAP_MAX);
    }
    atomic_fetch_sub(&runner->working, 1);
    return NULL;
}

/* --- all of them --- */

static bool has_local_source(const struct settings *settings)
{
    return settings->local.expected_mx.count > 0;
}

bool runner_has_work(const struct settings *settings)
{
    return settings->ses_count > 0 || has_local_source(settings);
}

static struct runner *runner_new(const struct settings *settings, struct failure *why)
{
    size_t count = settings->ses_count + has_local_source(settings);
    struct runner *runner = calloc(1, sizeof *runner + count * sizeof *runner->workers);
    pthread_condattr_t attributes;

    if (runner == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        return NULL;
    }
    (void)pthread_mutex_init(&runner->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&runner->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    runner->began = clock_now();
    runner->count = count;
    for (size_t i = 0; i < count; i++)
        runner->workers[i].runner = runner;
    return runner;
}

/* libcurl is initialised by the first client, before any thread. */
static bool open_accounts(struct runner *runner, struct failure *why)
{
    for (size_t i = 0; i < runner->around.settings->ses_count; i++) {
        struct worker *worker = &runner->workers[i];
        worker->account = account_open(&runner->around, i, why);
        if (worker->account == NULL)
            return false;
        worker->before = worker->account->state;
        if (runner->once)
            ses_source_want_all(worker->account);
    }
    return true;
}

static bool open_local_source(struct runner *runner, struct failure *why)
{
    const struct surroundings *around = &runner->around;

    return !has_local_source(around->settings) ||
           local_source_open(&runner->workers[around->settings->ses_count].local, around->settings,
                             around->store, around->transitions, runner->once, why);
}

static bool start_threads(struct runner *runner, struct failure *why)
{
    for (size_t i = 0; i < runner->count; i++) {
        atomic_fetch_add(&runner->working, 1);
        runner->workers[i].started =
            pthread_create(&runner->workers[i].thread, NULL, work, &runner->workers[i]) == 0;
        if (!runner->workers[i].started)
            return failure_set(why, EX_OSERR, "cannot start a thread");
    }
    return true;
}

struct runner *runner_start(const struct settings *settings, struct shared_store *store,
                            struct transitions *transitions, bool once, struct failure *why)
{
    struct runner *runner = runner_new(settings, why);

    if (runner == NULL)
        return NULL;
    runner->once = once;
    runner->around = (struct surroundings){settings, store, transitions,
                                           requests_new(settings->ses_count, why), &runner->stop};
    if (runner->around.requests != NULL && open_accounts(runner, why) &&
        open_local_source(runner, why) && start_threads(runner, why))
        return runner;
    runner_stop(runner);
    return NULL;
}

void runner_stop(struct runner *runner)
{
    if (runner == NULL)
        return;
    (void)pthread_mutex_lock(&runner->lock);
    atomic_store(&runner->stop, true);
    (void)pthread_cond_broadcast(&runner->wake);
    (void)pthread_mutex_unlock(&runner->lock);
    shared_store_hurry(true);
    for (size_t i = 0; i < runner->count; i++) {
        if (runner->workers[i].started)
            (void)pthread_join(runner->workers[i].thread, NULL);
        account_close(runner->workers[i].account);
        local_source_close(runner->workers[i].local);
    }
    shared_store_hurry(false);
    requests_free(runner->around.requests);
    (void)pthread_cond_destroy(&runner->wake);
    (void)pthread_mutex_destroy(&runner->lock);
    free(runner);
}

bool runner_is_done(const struct runner *runner)
{
    return atomic_load(&runner->working) == 0;
}

bool runner_is_alive(const struct runner *runner)
{
    int64_t now = monotonic_milliseconds();

    for (size_t i = 0; i < runner->count; i++) {
        int64_t began = atomic_load(&runner->workers[i].began);
        if (began != 0 && now - began > STEP_MAX)
            return false;
    }
    return true;
}

struct runner_progress runner_progress(const struct runner *runner)
{
    struct runner_progress progress = {0, 0, 0};

    for (size_t i = 0; i < runner->count; i++) {
        const struct worker *worker = &runner->workers[i];
        if (worker->local != NULL) {
            progress.looked_up += local_source_progress(worker->local);
            continue;
        }
        progress.listed += atomic_load(&worker->account->progress_listed);
        progress.fetched += atomic_load(&worker->account->progress_fetched);
    }
    return progress;
}

static unsigned long long calls_of(const struct source_state *state)
{
    unsigned long long calls = 0;

    for (size_t i = 0; i < SOURCE_OPERATION_COUNT; i++)
        calls += state->calls[i];
    return calls;
}

static bool report_account(const struct worker *worker, struct failure *why)
{
    const struct account *account = worker->account;
    size_t refused = ses_source_refused(account);
    unsigned long long identities = account->state.identities;
    unsigned long long calls = calls_of(&account->state) - calls_of(&worker->before);
    unsigned long long changes = account->state.transitions - worker->before.transitions;
    char told[40] = "";

    if (refused > 0)
        (void)snprintf(told, sizeof told, ", %zu refused", refused);
    (void)printf("%s: %llu %s, %zu fetched in %llu %s, %llu %s of status%s%s\n", account->label,
                 identities, word_for(identities, "identity", "identities"),
                 atomic_load(&account->progress_fetched), calls, word_for(calls, "call", "calls"),
                 changes, word_for(changes, "change", "changes"), told,
                 worker->progress == SES_SOURCE_DONE ? "" : "; failed");
    if (worker->progress == SES_SOURCE_FAILED) {
        *why = account->failure;
        return failure_prefix(why, "%s", account->label);
    }
    return refused == 0 ||
           failure_set(why, EX_UNAVAILABLE, "%s: SES refuses or does not know %zu %s, see above",
                       account->label, refused, word_for(refused, "identity", "identities"));
}

bool runner_report(const struct runner *runner, struct failure *why)
{
    struct failure reason;
    bool fine = true;

    for (size_t i = 0; i < runner->count; i++) {
        const struct worker *worker = &runner->workers[i];
        if (worker->local != NULL ? local_source_report(worker->local, &reason)
                                  : report_account(worker, &reason))
            continue;
        if (fine)
            *why = reason;
        fine = false;
    }
    return fine;
}
