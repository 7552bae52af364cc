/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/transition.h"
#include "sync/hook.h"

#include "common/log.h"
#include "common/word.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct queued {
    struct transition transition;
    int64_t timeout;
    char program[];
};

struct transitions {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct queued *queue[TRANSITION_QUEUE_MAX];
    size_t first;
    size_t count;
    unsigned long dropped; /* since the queue was last full */
    bool running;
    bool stopping;
};

/* --- what it is --- */

static const char none[] = "None";
static const char removed[] = "Removed";

const char *transition_status(const struct mail_from *record)
{
    if (record == NULL)
        return removed;
    return record->domain[0] == '\0' ? none : mail_from_status_words[record->status];
}

/* Of an identity of the gateway's own. That it was set, mailfromctl knows: that leads to Pending.
 */
static const char *local_reason(const struct mail_from *old, const struct mail_from *new)
{
    switch (new->status) {
    case MAIL_FROM_PENDING:
        return "the MAIL FROM domain was set";
    case MAIL_FROM_SUCCESS:
        return old->status == MAIL_FROM_TEMPORARY_FAILURE ? "the MX record was found again"
                                                          : "the MX record was found";
    case MAIL_FROM_FAILED:
        return "the MX record was not found in time";
    case MAIL_FROM_TEMPORARY_FAILURE:
        return new->unclear_since == 0
                   ? "the MX record is gone"
                   : "for longer than indeterminate-grace no look-up was definite";
    }
    return "";
}

static const char *reason_of(const struct mail_from *old, const struct mail_from *new)
{
    if (new != NULL &&new->source == MAIL_FROM_LOCAL)
        return local_reason(old, new);
    if (new == NULL)
        return "the identity is no longer in the account";
    if (new->domain[0] == '\0')
        return "the custom MAIL FROM domain was taken away";
    switch (new->status) {
    case MAIL_FROM_PENDING:
        return "the MAIL FROM domain was set; SES looks for its MX record";
    case MAIL_FROM_SUCCESS:
        return old->domain[0] != '\0' && old->status == MAIL_FROM_TEMPORARY_FAILURE
                   ? "SES found the MX record again"
                   : "SES found the MX record";
    case MAIL_FROM_FAILED:
        return "SES did not find the MX record in time, and looks no more";
    case MAIL_FROM_TEMPORARY_FAILURE:
        return "SES no longer finds the MX record";
    }
    return "SES says so";
}

bool transition_between(struct transition *transition, const char *key, const struct mail_from *old,
                        const struct mail_from *new)
{
    const struct mail_from *shown = new == NULL ? old : new;

    transition->old_status = transition_status(old);
    transition->new_status = transition_status(new);
    if (strcmp(transition->old_status, transition->new_status) == 0)
        return false;
    transition->reason = reason_of(old, new);
    (void)snprintf(transition->identity, sizeof transition->identity, "%s", key);
    (void)snprintf(transition->domain, sizeof transition->domain, "%s", shown->domain);
    (void)snprintf(transition->section, sizeof transition->section, "%s", shown->section);
    (void)snprintf(transition->found, sizeof transition->found, "%s",
                   shown->source == MAIL_FROM_LOCAL ? shown->found : "");
    return true;
}

/* --- the program --- */

static bool is_stopping(void *context)
{
    struct transitions *transitions = context;
    bool stopping;

    (void)pthread_mutex_lock(&transitions->lock);
    stopping = transitions->stopping;
    (void)pthread_mutex_unlock(&transitions->lock);
    return stopping;
}

static void hand_over(struct transitions *transitions, const struct queued *queued)
{
    static const char *const names[] = {"IDENTITY",   "DOMAIN",     "SECTION", "REASON",
                                        "OLD_STATUS", "NEW_STATUS", "FOUND"};
    const struct transition *transition = &queued->transition;
    const char *const values[] = {
        transition->identity,   transition->domain,     transition->section, transition->reason,
        transition->old_status, transition->new_status, transition->found};
    enum { COUNT = sizeof names / sizeof *names };
    char texts[COUNT][IDENTITY_SIZE + 32];
    const char *variables[COUNT + 1] = {NULL};
    struct failure why;

    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "MAILFROM_%s=%s", names[i], values[i]);
        variables[i] = texts[i];
    }
    if (!hook_run(queued->program, variables, queued->timeout, is_stopping, transitions, &why))
        log_write(LOG_WARNING, "on-transition: %s for %s: %s", queued->program,
                  transition->identity, why.text);
}

/* The lock is held. NULL: stopping. */
static struct queued *next(struct transitions *transitions)
{
    struct queued *queued;

    while (transitions->count == 0 && !transitions->stopping)
        (void)pthread_cond_wait(&transitions->changed, &transitions->lock);
    if (transitions->stopping)
        return NULL;
    queued = transitions->queue[transitions->first];
    transitions->first = (transitions->first + 1) % TRANSITION_QUEUE_MAX;
    transitions->count--;
    transitions->running = true;
    return queued;
}

/* The lock is held. */
static void tell_dropped(struct transitions *transitions)
{
    if (transitions->dropped == 0 || transitions->count > TRANSITION_QUEUE_MAX / 2)
        return;
    log_write(LOG_ERR, "on-transition: %lu %s not handed to the program", transitions->dropped,
              word_for(transitions->dropped, "transition was", "transitions were"));
    transitions->dropped = 0;
}

static void *work(void *context)
{
    struct transitions *transitions = context;
    struct queued *queued;

    (void)pthread_mutex_lock(&transitions->lock);
    while ((queued = next(transitions)) != NULL) {
        (void)pthread_mutex_unlock(&transitions->lock);
        hand_over(transitions, queued);
        free(queued);
        (void)pthread_mutex_lock(&transitions->lock);
        transitions->running = false;
        tell_dropped(transitions);
    }
    (void)pthread_mutex_unlock(&transitions->lock);
    return NULL;
}

/* --- the queue --- */

struct transitions *transitions_new(struct failure *why)
{
    struct transitions *transitions = calloc(1, sizeof *transitions);

    if (transitions == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        return NULL;
    }
    (void)pthread_mutex_init(&transitions->lock, NULL);
    (void)pthread_cond_init(&transitions->changed, NULL);
    if (pthread_create(&transitions->thread, NULL, work, transitions) == 0)
        return transitions;
    free(transitions);
    (void)failure_set(why, EX_OSERR, "no thread for on-transition");
    return NULL;
}

void transitions_free(struct transitions *transitions)
{
    if (transitions == NULL)
        return;
    (void)pthread_mutex_lock(&transitions->lock);
    transitions->stopping = true;
    (void)pthread_cond_signal(&transitions->changed);
    (void)pthread_mutex_unlock(&transitions->lock);
    (void)pthread_join(transitions->thread, NULL);
    transitions->dropped += transitions->count;
    for (; transitions->count > 0; transitions->count--) {
        free(transitions->queue[transitions->first]);
        transitions->first = (transitions->first + 1) % TRANSITION_QUEUE_MAX;
    }
    tell_dropped(transitions);
    (void)pthread_cond_destroy(&transitions->changed);
    (void)pthread_mutex_destroy(&transitions->lock);
    free(transitions);
}

/* The lock is held. */
static void put(struct transitions *transitions, struct queued *queued)
{
    if (queued != NULL && transitions->count < TRANSITION_QUEUE_MAX) {
        transitions->queue[(transitions->first + transitions->count) % TRANSITION_QUEUE_MAX] =
            queued;
        transitions->count++;
        (void)pthread_cond_signal(&transitions->changed);
        return;
    }
    if (transitions->dropped++ == 0)
        log_write(LOG_ERR,
                  "on-transition: %d transitions wait for the program; those that "
                  "come now are in this log only",
                  TRANSITION_QUEUE_MAX);
    free(queued);
}

static void log_transition(const struct transition *transition)
{
    char identity[4 * IDENTITY_SIZE];
    char section[4 * sizeof transition->section + 4];
    char found[4 * sizeof transition->found + 10];

    (void)log_escape(identity, identity + sizeof identity, transition->identity, IDENTITY_SIZE);
    (void)log_escape(section, section + sizeof section, transition->section,
                     sizeof transition->section);
    (void)log_quote(found, found + sizeof found, transition->found, sizeof transition->found);
    log_write(
        LOG_INFO,
        "transition: identity=%s old-status=%s new-status=%s mail-from-domain=%s section=%s "
        "reason=\"%s\"%s%s",
        identity, transition->old_status, transition->new_status,
        transition->domain[0] == '\0' ? "-" : transition->domain,
        transition->section[0] == '\0' ? "-" : section, transition->reason,
        transition->found[0] == '\0' ? "" : " found=", transition->found[0] == '\0' ? "" : found);
}

void transitions_report(struct transitions *transitions, const struct transition *transition,
                        const char *program, int64_t timeout)
{
    size_t length = strlen(program) + 1;
    struct queued *queued;

    log_transition(transition);
    if (*program == '\0')
        return;
    queued = malloc(sizeof *queued + length);
    if (queued != NULL) {
        queued->transition = *transition;
        queued->timeout = timeout;
        memcpy(queued->program, program, length);
    }
    (void)pthread_mutex_lock(&transitions->lock);
    put(transitions, queued);
    (void)pthread_mutex_unlock(&transitions->lock);
}

bool transitions_are_done(struct transitions *transitions)
{
    bool done;

    (void)pthread_mutex_lock(&transitions->lock);
    done = transitions->count == 0 && !transitions->running;
    (void)pthread_mutex_unlock(&transitions->lock);
    return done;
}
