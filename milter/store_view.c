/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/store_view.h"
#include "common/store_directory.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

static bool take_source(void *context, const char *name, const char *text)
{
    struct store_view *view = context;
    struct store_view_source *source = &view->sources[view->source_count];

    if (view->source_count == STORE_VIEW_SOURCES_MAX)
        return false;
    (void)snprintf(source->title, sizeof source->title, "%.*s", MAIL_FROM_SECTION_MAX,
                   name + strlen(SOURCE_STATE_PREFIX));
    source_state_decode(&source->state, text);
    view->source_count++;
    return true;
}

static bool look(struct store *store, void *context, struct failure *why)
{
    struct store_view *view = context;
    uint64_t count;
    struct failure early;

    if (!store_count(store, &count, why) ||
        !store_note_each(store, SOURCE_STATE_PREFIX, take_source, view, why))
        return false;
    view->has_tally = store_tally(store, view->now / 1000, &view->tally, &early);
    return count > 0 || failure_set(why, EX_UNAVAILABLE, "the store is empty");
}

void store_view_take(struct store_view *view, struct lookup *lookup, const char *directory)
{
    struct failure unused;
    struct timespec now;
    struct stat status;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    memset(view, 0, sizeof *view);
    view->now = now.tv_sec * 1000LL + now.tv_nsec / 1000000;
    view->readable = lookup_with_store(lookup, look, view, &view->why);
    (void)instance_find(&view->sync, directory, &unused);
    if (store_directory_stat(directory, &status, &unused))
        view->modified = status.st_mtim.tv_sec;
}

bool store_view_is_ready(const struct store_view *view, struct failure *why)
{
    if (!view->readable) {
        *why = view->why;
        return false;
    }
    return view->tally.expired == 0 ||
           failure_set(why, EX_UNAVAILABLE, "expired records in the store: %llu",
                       (unsigned long long)view->tally.expired);
}
