/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/schedule.h"

#include <string.h>

/* --- which identities --- */

static size_t pick_group(const struct table *table, int64_t now,
                         struct entry *picked[SCHEDULE_BATCH_MAX])
{
    unsigned group = 0;
    size_t count = 0;

    for (size_t i = 0; i < table->count; i++) {
        const struct entry *entry = table->entries[i];
        if (entry->group != 0 && entry->due <= now && (group == 0 || entry->group < group))
            group = entry->group;
    }
    for (size_t i = 0; group != 0 && i < table->count && count < SCHEDULE_BATCH_MAX; i++) {
        if (table->entries[i]->group == group && table->entries[i]->due <= now)
            picked[count++] = table->entries[i];
    }
    return count;
}

/* Keeps the entries that are due first, in order. */
static size_t insert(struct entry *picked[SCHEDULE_BATCH_MAX], size_t count, struct entry *entry)
{
    size_t place = count;

    if (count == SCHEDULE_BATCH_MAX && entry->due >= picked[count - 1]->due)
        return count;
    while (place > 0 && picked[place - 1]->due > entry->due)
        place--;
    if (count == SCHEDULE_BATCH_MAX)
        count--;
    memmove(&picked[place + 1], &picked[place], (count - place) * sizeof *picked);
    picked[place] = entry;
    return count + 1;
}

size_t schedule_pick(const struct table *table, int64_t now,
                     struct entry *picked[SCHEDULE_BATCH_MAX])
{
    size_t count = pick_group(table, now, picked);

    if (count > 0)
        return count;
    for (size_t i = 0; i < table->count; i++) {
        struct entry *entry = table->entries[i];
        if (entry->group == 0 && entry->due != TABLE_NEVER)
            count = insert(picked, count, entry);
    }
    return count > 0 && picked[0]->due <= now ? count : 0;
}

/* --- which action --- */

void schedule_look(struct schedule_facts *facts, const struct table *table)
{
    facts->fetch_due = TABLE_NEVER;
    facts->fetch_is_new = false;
    for (size_t i = 0; i < table->count; i++) {
        const struct entry *entry = table->entries[i];
        bool is_new = entry->standing == STANDING_NEW;
        if (entry->due < facts->fetch_due || (entry->due == facts->fetch_due && is_new)) {
            facts->fetch_due = entry->due;
            facts->fetch_is_new = is_new && entry->due != TABLE_NEVER;
        }
    }
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

struct schedule_step schedule_next(const struct schedule_facts *facts, int64_t now)
{
    int64_t earliest = later(now, facts->pace_ready);
    int64_t list = later(facts->list_is_open ? 0 : facts->list_due, facts->list_backoff);
    int64_t fetch = later(facts->fetch_due, facts->fetch_backoff);
    bool is_fetch;

    if (list <= earliest && fetch <= earliest)
        is_fetch = (facts->fetch_is_new || facts->list_was_last) && !facts->list_is_open;
    else
        is_fetch = fetch < list;
    return (struct schedule_step){is_fetch ? SCHEDULE_FETCH : SCHEDULE_LIST,
                                  later(is_fetch ? fetch : list, facts->pace_ready)};
}

int64_t schedule_refresh(int64_t now, int64_t interval, double random)
{
    static const double spread = 0.15;

    return now + interval - (int64_t)((double)interval * spread * random);
}
