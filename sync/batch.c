/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/batch.h"
#include "sync/clock.h"
#include "sync/schedule.h"

#include "common/duration.h"
#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What becomes of one identity of a batch. */
struct item {
    struct entry *entry;
    const struct api_v1_mail_from *answer; /* NULL: SES refused the identity alone */
    enum ownership ownership;
    int64_t due;
    struct mail_from old;
    struct mail_from new;
    bool has_old;
    bool has_new;
};

struct batch {
    struct account *account;
    struct entry *picked[SCHEDULE_BATCH_MAX];
    struct api_v1_mail_from answers[SCHEDULE_BATCH_MAX];
    struct item items[SCHEDULE_BATCH_MAX];
    size_t count;
    uint64_t transitions;
    char refusal[MAIL_FROM_ERROR_MAX + 1];
};

/* --- into the store --- */

static bool is_unsettled(const struct mail_from *record)
{
    return record->domain[0] != '\0' &&
           (record->status == MAIL_FROM_PENDING || record->status == MAIL_FROM_TEMPORARY_FAILURE);
}

static bool has_same_status(const struct item *item)
{
    return item->has_old && item->old.checked != 0 &&
           strcmp(transition_status(&item->old), transition_status(&item->new)) == 0;
}

/* What SES answered, as a record; of feedback forwarding it says nothing here. The clocks are in
 * whole seconds: refreshed not before, expired not before. */
static void make_record(const struct account *account, struct item *item)
{
    int64_t now = account->call_began;
    struct mail_from *record = &item->new;

    memset(record, 0, sizeof *record);
    record->kind = item->entry->kind;
    record->source = MAIL_FROM_SES;
    (void)snprintf(record->section, sizeof record->section, "%s", account->ses->title);
    record->verified = item->entry->verified;
    record->feedback_off = item->has_old && item->old.feedback_off;
    memcpy(record->domain, item->answer->domain, sizeof record->domain);
    record->status = item->answer->status;
    record->behavior = item->answer->behavior;
    record->status_since = has_same_status(item) ? item->old.status_since : now / 1000;
    record->checked = now / 1000;
    item->due = is_unsettled(record)
                    ? now + account->ses->refresh_unsettled_after
                    : schedule_refresh(now, account->ses->refresh_after, clock_random());
    record->refresh_after = item->due / 1000;
    record->expire_after = (now + account->ses->expire_after + 999) / 1000;
}

static const char *error_of(const struct batch *batch, const struct item *item)
{
    if (item->answer == NULL)
        return batch->refusal;
    return item->answer->answer == API_UNKNOWN
               ? "GetIdentityMailFromDomainAttributes: SES does not know the identity"
               : item->answer->error;
}

/* Nothing that is known to be good is touched: only the error and the next try are noted. An
 * identity of which nothing is known gets a record that no mail is judged by, so that it shows. */
static void make_mark(const struct batch *batch, struct item *item)
{
    const struct settings_ses *ses = batch->account->ses;
    struct mail_from *record = &item->new;
    bool is_unknown = item->answer != NULL && item->answer->answer == API_UNKNOWN;

    item->due = batch->account->call_began +
                (is_unknown ? ses->refresh_unsettled_after : ses->refresh_after);
    item->has_new = item->has_old || !is_unknown;
    if (item->has_old && item->ownership == OWNERSHIP_OURS) {
        *record = item->old;
    } else {
        memset(record, 0, sizeof *record);
        record->kind = item->entry->kind;
        record->source = MAIL_FROM_SES;
        (void)snprintf(record->section, sizeof record->section, "%s", ses->title);
        record->feedback_off = item->has_old && item->old.feedback_off;
    }
    record->refresh_after = item->due / 1000;
    (void)snprintf(record->last_error, sizeof record->last_error, "%.*s", MAIL_FROM_ERROR_MAX,
                   error_of(batch, item));
}

static bool is_answered(const struct item *item)
{
    return item->answer != NULL && item->answer->answer == API_ANSWERED;
}

static bool apply_item(struct batch *batch, struct store *store, struct item *item,
                       struct failure *why)
{
    enum store_result result = store_get(store, item->entry->key, &item->old, why);

    if (result == STORE_FAILED)
        return false;
    item->has_old = result == STORE_FOUND;
    item->ownership = account_owns(batch->account, item->has_old ? &item->old : NULL);
    item->has_new = item->ownership != OWNERSHIP_FOREIGN;
    if (!item->has_new)
        return true;
    if (is_answered(item))
        make_record(batch->account, item);
    else
        make_mark(batch, item);
    return !item->has_new || store_put(store, item->entry->key, &item->new, why);
}

static bool is_transition(const struct item *item)
{
    return is_answered(item) && item->has_new && item->has_old && item->old.checked != 0 &&
           !has_same_status(item);
}

static bool apply(struct store *store, void *context, struct failure *why)
{
    struct batch *batch = context;

    batch->account->state.transitions = batch->transitions;
    for (size_t i = 0; i < batch->count; i++) {
        if (!apply_item(batch, store, &batch->items[i], why))
            return false;
        batch->account->state.transitions += is_transition(&batch->items[i]);
    }
    return account_put_state(batch->account, store, why);
}

/* --- into the table and the log --- */

static void tell_mark(const struct batch *batch, const struct item *item)
{
    char shown[ACCOUNT_ESCAPED_SIZE];
    char wait[DURATION_TEXT_SIZE];

    if (item->entry->marked)
        return;
    duration_describe(item->due - batch->account->call_began, wait);
    log_write(LOG_WARNING, "%s: identity=%s: %s; next try in %s, the others go on",
              batch->account->label, account_escape(item->entry->key, shown), error_of(batch, item),
              wait);
}

static void tell_transition(const struct batch *batch, const struct item *item)
{
    const struct account *account = batch->account;
    struct transition transition;

    if (is_transition(item) &&
        transition_between(&transition, item->entry->key, &item->old, &item->new))
        transitions_report(account->around->transitions, &transition, account->ses->on_transition,
                           account->ses->on_transition_timeout);
}

static void note_item(struct batch *batch, const struct item *item)
{
    struct entry *entry = item->entry;

    entry->group = 0;
    entry->answered = batch->account->call_began;
    if (item->ownership == OWNERSHIP_FOREIGN) {
        entry->standing = STANDING_FOREIGN;
        entry->due = TABLE_NEVER;
        entry->expires = 0;
        return;
    }
    entry->due = item->due;
    if (!is_answered(item)) {
        tell_mark(batch, item);
        entry->marked = true;
        /* One that SES refuses would spoil each batch that it is in: it stays alone. */
        entry->group = item->answer == NULL ? ++batch->account->last_group : 0;
        return;
    }
    entry->standing = STANDING_KNOWN;
    entry->marked = false;
    entry->expires = item->new.expire_after * 1000;
    tell_transition(batch, item);
}

/* refused: SES refused the only identity of the batch. */
static void take_over(struct batch *batch, bool refused)
{
    struct account *account = batch->account;
    struct failure why;
    size_t answered = 0;

    for (size_t i = 0; i < batch->count; i++)
        batch->items[i] =
            (struct item){.entry = batch->picked[i], .answer = refused ? NULL : &batch->answers[i]};
    batch->transitions = account->state.transitions;
    if (!shared_store_update(account->around->store, apply, batch, &why)) {
        account->state.transitions = batch->transitions;
        account_store_failed(account, &why);
        return;
    }
    for (size_t i = 0; i < batch->count; i++) {
        note_item(batch, &batch->items[i]);
        answered += is_answered(&batch->items[i]);
    }
    atomic_fetch_add(&account->progress_fetched, answered);
}

/* --- the call --- */

static void divide(struct batch *batch)
{
    struct account *account = batch->account;

    account->last_group += 2;
    for (size_t i = 0; i < batch->count; i++) {
        batch->picked[i]->group = account->last_group - (i < batch->count / 2);
        /* Filled-up ones among them were not due yet. */
        if (batch->picked[i]->due > account->call_began)
            batch->picked[i]->due = account->call_began;
    }
}

/* It, or all: asked again alone, when an answer to another one may have told. */
static void suspect(struct batch *batch)
{
    struct account *account = batch->account;
    struct entry *entry = batch->picked[0];

    entry->group = ++account->last_group;
    entry->due = account->call_began + account->ses->refresh_unsettled_after;
}

static void take_refusal(struct batch *batch, const struct failure *why)
{
    struct entry *first = batch->picked[0];
    bool was_marked = first->marked;

    switch (account_end_refused(batch->account, SOURCE_FETCH, batch->count == 1 ? first->key : NULL,
                                why)) {
    case REFUSAL_OF_PART:
        divide(batch);
        return;
    case REFUSAL_OF_ANY:
        if (!was_marked) {
            suspect(batch);
            return;
        }
        break;
    case REFUSAL_OF_ONE:
        break;
    case REFUSAL_OF_ACCOUNT:
        return;
    }
    (void)snprintf(batch->refusal, sizeof batch->refusal, "%.*s", MAIL_FROM_ERROR_MAX, why->text);
    take_over(batch, true);
}

static void call(struct batch *batch)
{
    struct account *account = batch->account;
    const char *names[SCHEDULE_BATCH_MAX];
    struct failure why;
    enum outcome outcome;

    if (!account_begin_call(account, SOURCE_FETCH))
        return;
    for (size_t i = 0; i < batch->count; i++)
        names[i] = batch->picked[i]->name;
    outcome = ses_client_get_mail_from(account->client, names, batch->count, batch->answers, &why);
    if (outcome != OUTCOME_BAD_REQUEST) {
        if (account_end_call(account, SOURCE_FETCH, outcome, &why)) {
            account_recover(account, SOURCE_FETCH);
            take_over(batch, false);
        }
        return;
    }
    take_refusal(batch, &why);
}

void batch_step(struct account *account)
{
    struct batch *batch = calloc(1, sizeof *batch);

    if (batch == NULL) {
        log_write(LOG_ERR, "%s: out of memory", account->label);
        account->store_retry = clock_now() + 1000;
        return;
    }
    batch->account = account;
    batch->count = schedule_pick(&account->table, clock_now(), batch->picked);
    if (batch->count > 0)
        call(batch);
    free(batch);
}
