/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/local_recall.h"
#include "sync/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

struct recall {
    const struct settings *settings;
    int64_t latest; /* no look-up is put off for longer than until then, in seconds */
    char (*keys)[IDENTITY_SIZE];
    size_t count;
    size_t capacity;
    bool out_of_memory;
};

static bool make_room(struct recall *recall)
{
    size_t capacity = recall->capacity == 0 ? 64 : 2 * recall->capacity;
    void *keys = recall->keys;

    if (recall->count < recall->capacity)
        return true;
    keys = reallocarray(keys, capacity, sizeof *recall->keys);
    if (keys == NULL)
        return false;
    recall->keys = keys;
    recall->capacity = capacity;
    return true;
}

static bool is_wanted(const struct recall *recall, const struct mail_from *record)
{
    if (record->source != MAIL_FROM_LOCAL || record->domain[0] == '\0')
        return false;
    if (record->refresh_after > recall->latest)
        return true;
    return recall->settings->local.recheck_failed && record->status == MAIL_FROM_FAILED &&
           record->refresh_after == 0;
}

static bool collect(void *context, const char *key, const struct mail_from *record)
{
    struct recall *recall = context;

    if (!is_wanted(recall, record))
        return true;
    recall->out_of_memory = !make_room(recall);
    if (recall->out_of_memory)
        return false;
    memcpy(recall->keys[recall->count++], key, strlen(key) + 1);
    return true;
}

static bool schedule(struct store *store, void *context, struct failure *why)
{
    struct recall *recall = context;
    const struct settings *settings = recall->settings;
    struct mail_from record;
    int64_t interval;

    for (size_t i = 0; i < recall->count; i++) {
        if (store_get(store, recall->keys[i], &record, why) != STORE_FOUND)
            return false;
        interval = record.status == MAIL_FROM_FAILED ? settings->local.success_interval
                                                     : settings->local.pending_interval;
        record.refresh_after =
            clock_now() / 1000 + 1 + (int64_t)((double)interval / 1000 * clock_random());
        if (!store_put(store, recall->keys[i], &record, why))
            return false;
    }
    return true;
}

bool local_recall(struct store *store, const struct settings *settings, struct failure *why)
{
    const int64_t intervals[] = {settings->local.success_interval,
                                 settings->local.pending_interval};
    int64_t longest = intervals[0] > intervals[1] ? intervals[0] : intervals[1];
    struct recall recall = {.settings = settings, .latest = (clock_now() + longest) / 1000 + 1};
    bool worked = store_each(store, collect, &recall, why);

    if (worked && recall.out_of_memory)
        worked = failure_set(why, EX_OSERR, "out of memory");
    else if (worked && recall.count > 0)
        worked = store_update(store, schedule, &recall, why);
    free(recall.keys);
    return worked;
}
