/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/local_errand.h"

#include <stdlib.h>
#include <sysexits.h>

#include "common/lookup_request.h"
#include "common/moment.h"
#include "ctl/errand.h"
#include "ctl/local_record.h"
#include "ctl/progress.h"

enum { WAIT_BASE = 30000 /* milliseconds, beside what the look-ups themselves take */ };

static bool leave(struct store *store, void *context, struct failure *why)
{
    struct local_errand *errand = context;
    int64_t now = moment_milliseconds() / 1000;

    for (size_t i = 0; i < errand->identities->count; i++) {
        const char *key = errand->identities->list[i].text;
        struct mail_from *record = &errand->asked[i];
        enum store_result result = store_get(store, key, record, why);
        if (result == STORE_FAILED)
            return false;
        if (result == STORE_NOT_FOUND || record->source != MAIL_FROM_LOCAL)
            return failure_set(why, EX_TEMPFAIL,
                               "\"%s\" has just been removed or given back: try again", key);
        if (!local_record_hurry(record, now))
            continue;
        if (!store_put(store, key, record, why) || !lookup_request_put(store, key, why))
            return false;
    }
    return true;
}

bool local_errand_leave(struct local_errand *errand, struct store *store,
                        const struct identities *identities, struct failure *why)
{
    *errand = (struct local_errand){.identities = identities,
                                    .asked = calloc(identities->count, sizeof errand->asked[0])};
    if (errand->asked == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    return store_update(store, leave, errand, why);
}

void local_errand_reset(struct local_errand *errand)
{
    free(errand->asked);
    *errand = (struct local_errand){0};
}

/* The clocks have seconds: a look-up in the very second of the last one shows in the next time. */
static bool is_open(const struct mail_from *record, const struct mail_from *asked)
{
    return record->source == MAIL_FROM_LOCAL && record->found_at == asked->found_at &&
           record->refresh_after == asked->refresh_after;
}

static bool count_open(const struct local_errand *errand, struct store *store, size_t *open,
                       struct failure *why)
{
    struct mail_from record;

    *open = 0;
    for (size_t i = 0; i < errand->identities->count; i++) {
        enum store_result result;
        if (errand->asked[i].domain[0] == '\0')
            continue;
        result = store_get(store, errand->identities->list[i].text, &record, why);
        if (result == STORE_FAILED)
            return false;
        *open += result == STORE_FOUND && is_open(&record, &errand->asked[i]);
    }
    return true;
}

/* Twice the time that the look-ups need, for there are others too. */
static int64_t patience(const struct local_errand *errand, const struct settings *settings)
{
    double sending = 1000 * (double)errand->identities->count / settings->local.queries_per_second;

    return WAIT_BASE + 2 * (settings->local.timeout + (int64_t)sending);
}

static bool wait_for(const struct local_errand *errand, const struct settings *settings,
                     struct store *store, struct progress *progress, struct failure *why)
{
    int64_t deadline = moment_milliseconds() + patience(errand, settings);
    struct errand_watch watch = {settings, 0};
    bool awaited = false;
    size_t open;

    for (;;) {
        if (!count_open(errand, store, &open, why) || !errand_is_awaited(&watch, &awaited, why))
            return false;
        if (open == 0)
            return true;
        if (!awaited)
            return failure_set(why, EX_TEMPFAIL,
                               "mailfrom-sync does not run: it will look up %zu %s when it does",
                               open, open == 1 ? "identity" : "identities");
        if (moment_milliseconds() >= deadline)
            return failure_set(why, EX_TEMPFAIL,
                               "mailfrom-sync has not looked all up yet, and will; see "
                               "`mailfromctl status'");
        progress_show(progress, "waiting for mailfrom-sync, still to look up", open, 0);
        errand_pause();
    }
}

bool local_errand_wait(const struct local_errand *errand, const struct settings *settings,
                       struct store *store, struct failure *why)
{
    struct progress progress;
    bool good;

    progress_init(&progress);
    good = wait_for(errand, settings, store, &progress, why);
    progress_end(&progress);
    return good;
}
