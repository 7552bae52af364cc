/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/ses_source.h"
#include "sync/batch.h"
#include "sync/clock.h"
#include "sync/listing.h"
#include "sync/requests.h"
#include "sync/schedule.h"

#include "common/log.h"

enum { TRIES_MAX = 5 };

/* Listing is one operation or the other, never both. */
static enum source_operation operation_of_list(const struct account *account)
{
    return account->ses->identities.count > 0 ? SOURCE_VERIFY : SOURCE_LIST;
}

static struct schedule_step next_step(const struct account *account, int64_t now)
{
    struct schedule_facts facts = {
        .list_is_open = account->listing.open,
        .list_was_last = account->list_was_last,
        .list_due = account->listing.due,
        .list_backoff = account->troubles[operation_of_list(account)].until,
        .fetch_backoff = account->troubles[SOURCE_FETCH].until,
        .pace_ready = pace_ready(&account->pace, now),
    };
    struct schedule_step step;

    schedule_look(&facts, &account->table);
    step = schedule_next(&facts, now);
    if (step.when < account->store_retry)
        step.when = account->store_retry;
    return step;
}

/* Everything was put off until times of a clock that was ahead. */
static void catch_up(struct account *account, int64_t now)
{
    log_write(LOG_NOTICE, "%s: the clock was set back; everything is due now", account->label);
    for (size_t i = 0; i < account->table.count; i++) {
        struct entry *entry = account->table.entries[i];
        if (entry->due != TABLE_NEVER && entry->due > now)
            entry->due = now;
    }
    for (size_t i = 0; i < SOURCE_OPERATION_COUNT; i++) {
        if (account->troubles[i].until > now)
            account->troubles[i].until = now;
    }
    if (account->listing.due > now)
        account->listing.due = now;
    if (account->store_retry > now)
        account->store_retry = now;
}

int64_t ses_source_step(struct account *account, int64_t now)
{
    struct schedule_step step;

    if (clock_was_set_back(account->stepped, now))
        catch_up(account, now);
    account->stepped = now;
    pace_correct(&account->pace, now);
    requests_look(account, now);
    step = next_step(account, now);
    if (step.when > now) {
        account_beat(account, now, step.when);
        return step.when;
    }
    switch (step.action) {
    case SCHEDULE_LIST:
        listing_step(account);
        account->list_was_last = !account->listing.open;
        break;
    case SCHEDULE_FETCH:
        batch_step(account);
        account->list_was_last = false;
        break;
    }
    return 0;
}

void ses_source_want_all(struct account *account)
{
    for (size_t i = 0; i < account->table.count; i++)
        account->table.entries[i]->due = 0;
}

static bool has_failed(const struct account *account)
{
    for (size_t i = 0; i < SOURCE_OPERATION_COUNT; i++) {
        const struct trouble *trouble = &account->troubles[i];
        if (trouble->failures >= TRIES_MAX ||
            (trouble->failures > 0 && backoff_of(trouble->outcome) == BACKOFF_SLOW))
            return true;
    }
    return account->store_retry != 0;
}

enum ses_source_progress ses_source_progress(struct account *account, int64_t since)
{
    if (has_failed(account))
        return SES_SOURCE_FAILED;
    if (account->last_complete_list < since || account->listing.open)
        return SES_SOURCE_AT_WORK;
    for (size_t i = 0; i < account->table.count; i++) {
        const struct entry *entry = account->table.entries[i];
        if (entry->standing != STANDING_FOREIGN && entry->answered < since && entry->missing == 0)
            return SES_SOURCE_AT_WORK;
    }
    /* No daemon will make the second list that tells whether the missing are gone. */
    if (listing_has_doubt(account)) {
        account->listing.due = 0;
        return SES_SOURCE_AT_WORK;
    }
    return SES_SOURCE_DONE;
}

size_t ses_source_refused(const struct account *account)
{
    size_t refused = account->listing.refused;

    for (size_t i = 0; i < account->table.count; i++)
        refused += account->table.entries[i]->marked;
    return refused;
}
