/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/local_source.h"
#include "sync/clock.h"
#include "sync/local_due.h"
#include "sync/local_job.h"
#include "sync/local_recall.h"
#include "sync/local_requests.h"
#include "sync/local_state.h"
#include "sync/outage.h"

#include "common/duration.h"
#include "common/log.h"
#include "common/log_limit.h"
#include "common/lookup_request.h"
#include "common/word.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Times in milliseconds. What was answered is written together, after a while or when there is
 * enough of it: a transaction costs about the same for one as for hundreds. */
enum {
    STEP_MAX = 100,
    LOOK_EVERY = 500, /* what mailfromctl put is seen within this */
    WRITE_AFTER = 200,
    WRITE_AT = 500,
    STORE_RETRY = 5000,
    AT_WORK_MAX = 2000 /* the last of them for what is requested */
};

struct local_source {
    const struct settings *settings;
    struct shared_store *store;
    struct transitions *transitions;
    struct mx_lookup *lookup;
    struct source_state state;
    struct outage outage;
    uint64_t domains; /* how many are looked up */
    struct local_due due;
    struct local_jobs jobs;
    struct local_job *answered[AT_WORK_MAX]; /* of them, not in the store yet */
    size_t answered_count;
    int64_t next_look;
    int64_t next_request; /* when to look for those of mailfromctl */
    int64_t stepped;      /* what the clock showed at the last step; 0: none yet */
    int64_t store_retry;  /* not before this: the store could not be used */
    bool is_late;
    bool walked; /* with once: nothing is left to take */
    atomic_size_t progress;
    uint64_t transitions_before; /* the answers that are being written */
    uint64_t transitions_at_start;
};

static const char label[] = "local";

/* --- the store is not to be had --- */

static void fail_store(struct local_source *source, const struct failure *why)
{
    if (source->store_retry == 0)
        log_write(LOG_ERR, "%s: %s; nothing is looked up until this works", label, why->text);
    source->store_retry = clock_now() + STORE_RETRY;
}

/* A note of the future stays until what was put off together with it has been made due: it may be
 * that of a store that was away while the clock was set back. */
static bool write_note(struct store *store, struct local_source *source, struct failure *why)
{
    int64_t now = clock_now();
    struct source_state noted;

    if (source_state_read(store, SOURCE_STATE_LOCAL, &noted, why) == STORE_FAILED)
        return false;
    source->state.heartbeat = clock_was_set_back(noted.heartbeat, now) ? noted.heartbeat : now;
    return source_state_write(store, SOURCE_STATE_LOCAL, &source->state, why);
}

/* --- what is due --- */

static enum local_due_taken take_due(void *context, const char *key, const struct mail_from *record)
{
    struct local_source *source = context;
    struct local_job *job;

    if (source->jobs.count >= AT_WORK_MAX - LOCAL_REQUESTS_MAX ||
        !local_job_add(&source->jobs, key, record, &job))
        return LOCAL_DUE_FULL;
    if (job != NULL)
        mx_lookup_add(source->lookup, &job->question);
    return LOCAL_DUE_TAKEN;
}

static void tell_late(struct local_source *source, int64_t late_by)
{
    char text[DURATION_TEXT_SIZE];
    bool is_late = late_by > (source->is_late ? SOURCE_LATE / 2 : SOURCE_LATE);

    if (is_late && !source->is_late) {
        duration_format(late_by / 1000 * 1000, text);
        log_write(LOG_WARNING,
                  "%s: look-ups are %s behind: mailfrom-sync did not run, or queries-per-second "
                  "(%g) are too few for the identities",
                  label, text, source->settings->local.queries_per_second);
    }
    source->is_late = is_late;
    source->state.due_since = late_by > 0 ? clock_now() - late_by : 0;
}

/* Somebody waits for these, however much is due. */
static void look_for_requests(struct local_source *source, int64_t now)
{
    struct failure why;
    struct store *store;
    bool worked;

    if (now < source->next_request || source->jobs.count > AT_WORK_MAX - LOCAL_REQUESTS_MAX)
        return;
    source->next_request = now + LOOK_EVERY;
    store = shared_store_acquire(source->store, &why);
    worked = store != NULL && local_requests_look(&source->jobs, source->lookup, store, &why);
    if (store != NULL)
        shared_store_release(source->store);
    if (!worked)
        fail_store(source, &why);
}

/* No more is taken while there is plenty to do. */
static int64_t next_look(const struct local_source *source)
{
    return source->walked || source->jobs.count > AT_WORK_MAX / 2 ? INT64_MAX : source->next_look;
}

static bool count_domains(struct local_source *source, struct store *store, int64_t now,
                          struct failure *why)
{
    struct store_tally tally;
    const uint64_t *records;

    if (!store_tally(store, now / 1000, &tally, why))
        return false;
    records = tally.records[MAIL_FROM_LOCAL];
    source->domains = records[MAIL_FROM_PENDING] + records[MAIL_FROM_SUCCESS] +
                      records[MAIL_FROM_TEMPORARY_FAILURE] +
                      (source->settings->local.recheck_failed ? records[MAIL_FROM_FAILED] : 0);
    return true;
}

static void look_for_due(struct local_source *source, int64_t now)
{
    struct failure why;
    struct store *store;
    bool worked;

    if (now < next_look(source))
        return;
    source->next_look = now + LOOK_EVERY;
    store = shared_store_acquire(source->store, &why);
    worked = store != NULL && count_domains(source, store, now, &why) &&
             local_due_look(&source->due, store, now, &why);
    if (store != NULL)
        shared_store_release(source->store);
    if (!worked) {
        fail_store(source, &why);
        return;
    }
    if (source->due.is_full)
        source->next_look = now;
    source->walked = source->due.once && !source->due.is_full;
    if (!source->due.once)
        tell_late(source, source->due.late_by);
}

/* --- what was answered --- */

static struct log_limit unclear; /* a domain can be broken for long, and one of many */

static void tell_outage(struct local_source *source, const struct local_job *job, int64_t now)
{
    const struct settings *settings = source->settings;
    enum outage_news news = outage_add(&source->outage, job->domain, job->before,
                                       job->question.finding != MX_UNCLEAR, source->domains, now);
    char text[DURATION_TEXT_SIZE];

    if (news == OUTAGE_ONE) {
        log_limited(&unclear, LOG_INFO, "%s: look-up of %s is not clear: %s", label, job->domain,
                    job->question.found);
    } else if (news == OUTAGE_BEGAN) {
        duration_format(settings->local.indeterminate_grace, text);
        log_write(LOG_WARNING,
                  "%s: the last %u look-ups, of %u domains, brought nothing definite, this one %s; "
                  "no status changes for that within %s",
                  label, source->outage.run, source->outage.count, job->question.found, text);
    } else if (news == OUTAGE_ENDED) {
        duration_format((now - source->outage.since) / 1000 * 1000, text);
        log_write(LOG_NOTICE, "%s: look-ups bring definite answers again, after %s", label, text);
    }
}

/* Where the answers come from. */
static void tell_servers(struct local_source *source)
{
    char text[DNS_NEWS_SIZE];

    if (mx_lookup_take_news(source->lookup, text))
        log_write(LOG_NOTICE, "%s: %s", label, text);
}

static void count_answer(struct local_source *source, const struct local_job *job)
{
    struct source_state *state = &source->state;

    state->last_call = job->answered;
    state->calls[SOURCE_LOOKUP]++;
    source_state_count(state, SOURCE_LOOKUP, dns_result_words[job->question.result]);
    if (job->question.finding != MX_UNCLEAR) {
        state->last_success = job->answered;
        state->failing_since = 0;
        return;
    }
    state->failures[SOURCE_LOOKUP]++;
    state->last_error_at = job->answered;
    (void)snprintf(state->last_error, sizeof state->last_error, "MX of %s: %s", job->domain,
                   job->question.found);
    if (source->outage.is_on && state->failing_since == 0)
        state->failing_since = source->outage.since;
}

static void take_answer(void *context, struct mx_question *question)
{
    struct local_source *source = context;
    struct local_job *job = (struct local_job *)question;

    source->answered[source->answered_count++] = job;
    job->answered = clock_now();
    job->random = clock_random();
    tell_outage(source, job, job->answered);
    count_answer(source, job);
    atomic_fetch_add(&source->progress, 1);
}

/* Meanwhile mailfromctl may have removed the record, or set another domain: then the answer is
 * about nothing. */
static bool update_record(struct store *store, const struct local_source *source,
                          struct local_job *job, struct failure *why)
{
    struct mail_from record;
    struct mail_from old;
    enum store_result result = store_get(store, job->key, &record, why);

    job->changed = false;
    if (job->is_requested && !lookup_request_remove(store, job->key, why))
        return false;
    if (result != STORE_FOUND)
        return result == STORE_NOT_FOUND;
    if (record.source != MAIL_FROM_LOCAL || strcmp(record.domain, job->domain) != 0)
        return true;
    old = record;
    local_state_apply(&record, &job->question, job->answered / 1000, source->settings, job->random);
    job->changed = transition_between(&job->transition, job->key, &old, &record);
    return store_put(store, job->key, &record, why);
}

static bool update_all(struct store *store, void *context, struct failure *why)
{
    struct local_source *source = context;

    source->state.transitions = source->transitions_before;
    for (size_t i = 0; i < source->answered_count; i++) {
        if (!update_record(store, source, source->answered[i], why))
            return false;
        source->state.transitions += source->answered[i]->changed;
    }
    return write_note(store, source, why);
}

static void write_answers(struct local_source *source)
{
    const struct settings *settings = source->settings;
    struct failure why;

    source->transitions_before = source->state.transitions;
    if (!shared_store_update(source->store, update_all, source, &why)) {
        source->state.transitions = source->transitions_before;
        fail_store(source, &why);
        return;
    }
    for (size_t i = 0; i < source->answered_count; i++) {
        if (source->answered[i]->changed)
            transitions_report(source->transitions, &source->answered[i]->transition,
                               settings->local.on_transition,
                               settings->local.on_transition_timeout);
        if (source->answered[i]->is_requested)
            source->next_request = 0; /* there may be more than are seen to at a time */
        local_job_remove(&source->jobs, source->answered[i]);
    }
    source->answered_count = 0;
}

static bool is_time_to_write(const struct local_source *source, int64_t now)
{
    return source->answered_count >= WRITE_AT ||
           (source->answered_count > 0 && (source->answered_count == source->jobs.count ||
                                           now - source->answered[0]->answered >= WRITE_AFTER));
}

/* --- the source --- */

static bool write_note_alone(struct store *store, void *context, struct failure *why)
{
    return write_note(store, context, why);
}

static void beat(struct local_source *source, int64_t now)
{
    int64_t since = now - source->state.heartbeat;
    struct failure why;

    if (since >= 0 && since < SOURCE_HEARTBEAT)
        return;
    if (!shared_store_update(source->store, write_note_alone, source, &why))
        fail_store(source, &why);
}

static bool write_caught_up(struct store *store, void *context, struct failure *why)
{
    struct local_source *source = context;

    source->state.heartbeat = clock_now();
    return source_state_write(store, SOURCE_STATE_LOCAL, &source->state, why);
}

static bool recall(struct local_source *source)
{
    struct failure why;
    struct store *store = shared_store_acquire(source->store, &why);
    bool worked = store != NULL && local_recall(store, source->settings, &why) &&
                  store_update(store, write_caught_up, source, &why);

    if (store != NULL)
        shared_store_release(source->store);
    if (!worked)
        fail_store(source, &why);
    return worked;
}

/* Everything was put off until times of a clock that was ahead. False: not now, the store cannot be
 * used. */
static bool catch_up(struct local_source *source, int64_t now)
{
    if (source->store_retry > now + STORE_RETRY)
        source->store_retry = now;
    if (source->store_retry > now || !recall(source))
        return false;
    for (size_t i = 0; i < source->answered_count; i++) {
        if (source->answered[i]->answered > now)
            source->answered[i]->answered = now;
    }
    source->next_look = now;
    source->next_request = now;
    log_write(LOG_NOTICE, "%s: the clock was set back; what was put off is due", label);
    return true;
}

int64_t local_source_step(struct local_source *source, int64_t now)
{
    int64_t pause;

    if ((clock_was_set_back(source->stepped, now) ||
         clock_was_set_back(source->state.heartbeat, now)) &&
        !catch_up(source, now))
        return source->store_retry;
    source->stepped = now;
    if (source->store_retry > now)
        return source->store_retry;
    look_for_requests(source, now);
    look_for_due(source, now);
    source->state.next_call = source->due.next == INT64_MAX ? 0 : source->due.next;
    pause = mx_lookup_run(source->lookup, STEP_MAX);
    tell_servers(source);
    now = clock_now();
    if (is_time_to_write(source, now))
        write_answers(source);
    beat(source, now);
    if (source->store_retry > now)
        return source->store_retry;
    if (source->store_retry != 0)
        log_write(LOG_NOTICE, "%s: the store can be used again", label);
    source->store_retry = 0;
    if (source->jobs.count > 0 && now + pause < next_look(source))
        return now + pause;
    return next_look(source);
}

static bool load(struct local_source *source, struct failure *why)
{
    const struct settings *settings = source->settings;
    struct store *store = shared_store_acquire(source->store, why);
    bool worked;

    if (store == NULL)
        return false;
    worked = source_state_read(store, SOURCE_STATE_LOCAL, &source->state, why) != STORE_FAILED &&
             (!settings->local.recheck_failed || local_recall(store, settings, why));
    shared_store_release(source->store);
    source->transitions_at_start = source->state.transitions;
    return worked;
}

bool local_source_open(struct local_source **opened, const struct settings *settings,
                       struct shared_store *store, struct transitions *transitions, bool once,
                       struct failure *why)
{
    struct local_source *source = calloc(1, sizeof *source);

    if (source == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    source->settings = settings;
    source->store = store;
    source->transitions = transitions;
    source->due =
        (struct local_due){.take = take_due, .context = source, .once = once, .began = clock_now()};
    if (load(source, why) && mx_lookup_open(&source->lookup, settings, take_answer, source, why)) {
        *opened = source;
        return true;
    }
    local_source_close(source);
    return failure_prefix(why, "%s", label);
}

void local_source_close(struct local_source *source)
{
    if (source == NULL)
        return;
    if (source->answered_count > 0)
        write_answers(source);
    mx_lookup_close(source->lookup);
    local_jobs_reset(&source->jobs);
    free(source);
}

bool local_source_is_done(const struct local_source *source)
{
    return source->walked && source->jobs.count == 0;
}

bool local_source_report(const struct local_source *source, struct failure *why)
{
    const struct source_state *state = &source->state;
    size_t look_ups = local_source_progress(source);
    unsigned long long changes = state->transitions - source->transitions_at_start;

    (void)printf("%s: %zu %s, %llu %s of status%s\n", label, look_ups,
                 word_for(look_ups, "look-up", "look-ups"), changes,
                 word_for(changes, "change", "changes"), source->outage.is_on ? "; failed" : "");
    if (look_ups == 0 || state->last_success >= source->due.began)
        return true;
    return failure_set(why, EX_UNAVAILABLE,
                       "%s: no look-up brought anything definite; the last: %s", label,
                       state->last_error);
}

size_t local_source_progress(const struct local_source *source)
{
    return atomic_load(&source->progress);
}
