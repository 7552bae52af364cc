/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/account.h"

static struct source *add(struct sources *sources, enum mail_from_source kind, const char *title)
{
    struct source *list = reallocarray(sources->list, sources->count + 1, sizeof sources->list[0]);
    struct source *source;

    if (list == NULL)
        return NULL;
    sources->list = list;
    source = &list[sources->count++];
    *source = (struct source){.kind = kind};
    (void)snprintf(source->title, sizeof source->title, "%s", title);
    return source;
}

static struct source *find(const struct sources *sources, enum mail_from_source kind,
                           const char *title)
{
    for (size_t i = 0; i < sources->count; i++) {
        struct source *source = &sources->list[i];
        if (source->kind == kind && strcmp(source->title, title) == 0)
            return source;
    }
    return NULL;
}

/* title: of the note. */
static bool read_state(struct source *source, const char *title, const struct instance *sync,
                       struct store *store, int64_t now, struct failure *why)
{
    if (source_state_read(store, title, &source->state, why) == STORE_FAILED)
        return false;
    source->sync = *sync;
    source->silent = sync->runs && source_state_is_silent(&source->state, now);
    if (source->state.due_since != 0 && source->state.due_since < now)
        source->late_by = now - source->state.due_since;
    return true;
}

struct counting {
    struct sources *sources;
    int64_t now; /* in seconds, as in the records */
    bool out_of_memory;
};

static void count_expiry(struct source *source, const struct mail_from *record, int64_t now)
{
    int64_t near = source->section != NULL ? source->section->expire_after / 1000 / 10 : 0;

    if (record->expire_after == 0)
        return;
    if (now > record->expire_after) {
        source->count.expired++;
        return;
    }
    source->count.near_expiry += record->expire_after - now <= near;
    if (source->next_expiry == 0 || record->expire_after < source->next_expiry)
        source->next_expiry = record->expire_after;
}

static bool count_record(void *context, const char *key, const struct mail_from *record)
{
    struct counting *counting = context;
    const char *title = record->source == MAIL_FROM_SES ? record->section : "";
    struct source *source = find(counting->sources, record->source, title);

    (void)key;
    if (source == NULL)
        source = add(counting->sources, record->source, title);
    counting->out_of_memory = source == NULL;
    if (source == NULL)
        return false;
    source->count.all++;
    if (record->domain[0] == '\0')
        source->count.without_domain++;
    else
        source->count.by_status[record->status]++;
    source->count.unverified += !record->verified;
    source->count.refresh_failed += record->last_error[0] != '\0';
    source->count.feedback_off += record->feedback_off;
    source->count.unclear += record->unclear_since != 0;
    count_expiry(source, record, counting->now);
    return true;
}

bool sources_read(struct sources *sources, const struct settings *settings, struct store *store,
                  int64_t now, struct failure *why)
{
    struct counting counting = {.sources = sources, .now = now / 1000};
    struct instance sync;
    struct source *local;

    if (!instance_find(&sync, settings->store, why))
        return false;
    for (size_t i = 0; i < settings->ses_count; i++) {
        const struct settings_ses *section = &settings->ses[i];
        struct source *source = add(sources, MAIL_FROM_SES, section->title);
        if (source == NULL)
            return failure_set(why, EX_OSERR, "out of memory");
        source->section = section;
        (void)account_region(section, source->region);
        if (!read_state(source, section->title, &sync, store, now, why))
            return false;
    }
    if (settings->local.expected_mx.count > 0 && add(sources, MAIL_FROM_LOCAL, "") == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    if (!store_each(store, count_record, &counting, why))
        return false;
    if (counting.out_of_memory)
        return failure_set(why, EX_OSERR, "out of memory");
    local = find(sources, MAIL_FROM_LOCAL, "");
    if (local == NULL)
        return true;
    local->local = settings;
    return read_state(local, SOURCE_STATE_LOCAL, &sync, store, now, why);
}

void sources_reset(struct sources *sources)
{
    free(sources->list);
    *sources = (struct sources){0};
}

static bool has_domains(const struct source *source)
{
    return source->count.all > source->count.without_domain;
}

bool source_is_kept(const struct source *source)
{
    return source->section != NULL ||
           (source->local != NULL && source->local->local.expected_mx.count > 0);
}

bool source_is_unchecked(const struct source *source)
{
    return source->kind == MAIL_FROM_LOCAL && !source_is_kept(source) && has_domains(source);
}

bool source_is_late(const struct source *source)
{
    return source->sync.runs && source->late_by > SOURCE_LATE;
}

static bool is_kept_well(const struct source *source)
{
    return source->sync.runs && !source->silent && source->state.failing_since == 0 &&
           !source_is_late(source);
}

bool source_is_well(const struct source *source)
{
    if (source->count.expired > 0 || source->count.near_expiry > 0)
        return false;
    switch (source->kind) {
    case MAIL_FROM_SES:
        return source->section != NULL && is_kept_well(source);
    case MAIL_FROM_LOCAL:
        return !has_domains(source) || !source_is_kept(source) || is_kept_well(source);
    case MAIL_FROM_FILE:
        break;
    }
    return true;
}
