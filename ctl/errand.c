/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/errand.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "common/instance.h"
#include "common/moment.h"
#include "common/refresh_request.h"
#include "common/source_state.h"
#include "ctl/progress.h"
#include "ctl/section.h"
#include "ses/api_v1.h"

enum {
    WAIT_BASE = 30000, /* milliseconds, beside what the calls themselves take */
    LOOK_EVERY = 100,
    RESTART_MAX = 5000 /* from the end of one mailfrom-sync to the start of the next */
};

bool errand_is_served(const struct settings *settings, bool *served, struct failure *why)
{
    struct instance instance;
    bool known = instance_find(&instance, settings->store, why);

    *served = instance.runs;
    return known;
}

bool errand_is_awaited(struct errand_watch *watch, bool *awaited, struct failure *why)
{
    int64_t now = moment_milliseconds();

    if (!errand_is_served(watch->settings, awaited, why))
        return false;
    if (*awaited)
        watch->seen = now;
    else
        *awaited = watch->seen != 0 && now - watch->seen < RESTART_MAX;
    return true;
}

struct errand {
    const struct selection *selection;
    bool all;
};

static bool leave(struct store *store, void *context, struct failure *why)
{
    const struct errand *errand = context;
    int64_t now = moment_milliseconds();

    if (errand->all)
        return refresh_request_put(store, REFRESH_REQUEST_ALL, now, why);
    for (size_t i = 0; i < errand->selection->count; i++) {
        if (!refresh_request_put(store, errand->selection->list[i].key, now, why))
            return false;
    }
    return true;
}

bool errand_leave(struct store *store, const struct selection *selection, bool all,
                  struct failure *why)
{
    struct errand errand = {.selection = selection, .all = all};

    return store_update(store, leave, &errand, why);
}

/* How many requests are still there. */
static bool count_open(struct store *store, const struct errand *errand, size_t *open,
                       struct failure *why)
{
    size_t count = errand->all ? 1 : errand->selection->count;

    *open = 0;
    for (size_t i = 0; i < count; i++) {
        const char *key = errand->all ? REFRESH_REQUEST_ALL : errand->selection->list[i].key;
        enum store_result result = refresh_request_find(store, key, why);
        if (result == STORE_FAILED)
            return false;
        *open += result == STORE_FOUND;
    }
    return true;
}

/* Twice the time that the calls need, for mailfrom-sync has other work too. */
static int64_t patience(const struct settings *settings, const struct selection *selection)
{
    double slowest = settings->ses[0].requests_per_second;
    double calls = 1 + (double)selection->count / API_V1_IDENTITIES_MAX;

    for (size_t i = 1; i < settings->ses_count; i++) {
        if (settings->ses[i].requests_per_second < slowest)
            slowest = settings->ses[i].requests_per_second;
    }
    return WAIT_BASE + (int64_t)(2 * 1000 * calls / slowest);
}

void errand_pause(void)
{
    struct timespec time = {.tv_nsec = (long)LOOK_EVERY * 1000000};

    (void)nanosleep(&time, NULL);
}

static bool concerns(const struct errand *errand, const struct settings_ses *section)
{
    for (size_t i = 0; !errand->all && i < errand->selection->count; i++) {
        if (errand->selection->list[i].section == section)
            return true;
    }
    return errand->all;
}

/* What is known to last is not waited for. */
static bool check_sections(const struct settings *settings, struct store *store,
                           const struct errand *errand, int64_t since, struct failure *why)
{
    char name[SECTION_NAME_SIZE];
    struct source_state state;

    for (size_t i = 0; i < settings->ses_count; i++) {
        const struct settings_ses *section = &settings->ses[i];
        if (!concerns(errand, section))
            continue;
        if (source_state_read(store, section->title, &state, why) == STORE_FAILED)
            return false;
        if (state.lasting_exit != 0 && state.last_error_at >= since)
            return failure_set(why, (int)state.lasting_exit,
                               "section %s: %s; mailfrom-sync refreshes them when this is mended",
                               section_name(section->title, name), state.last_error);
    }
    return true;
}

static bool wait_for(const struct settings *settings, struct store *store,
                     const struct errand *errand, struct progress *progress, struct failure *why)
{
    struct errand_watch watch = {settings, moment_milliseconds()};
    int64_t began = watch.seen, deadline = began + patience(settings, errand->selection);
    bool awaited = true;
    size_t open;

    for (;;) {
        if (!count_open(store, errand, &open, why) || !errand_is_awaited(&watch, &awaited, why))
            return false;
        if (open == 0)
            return true;
        if (!check_sections(settings, store, errand, began, why))
            return false;
        if (!awaited)
            return failure_set(why, EX_TEMPFAIL,
                               "mailfrom-sync has ended; it will see to it when it runs again");
        if (moment_milliseconds() >= deadline)
            return failure_set(why, EX_TEMPFAIL,
                               "mailfrom-sync has not done it yet, and will; see `mailfromctl "
                               "status'");
        progress_show(progress, "waiting for mailfrom-sync, still to do", open, 0);
        errand_pause();
    }
}

bool errand_wait(const struct settings *settings, struct store *store,
                 const struct selection *selection, bool all, struct failure *why)
{
    struct errand errand = {.selection = selection, .all = all};
    struct progress progress;
    bool good;

    progress_init(&progress);
    good = wait_for(settings, store, &errand, &progress, why);
    progress_end(&progress);
    return good;
}
