/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The store as somebody sees it who watches over the gateway: is it readable, how old is it, what
 * is in it, and how are its sources doing? Taken at one moment, without reading the records.
 */
#ifndef MILTER_STORE_VIEW_H
#define MILTER_STORE_VIEW_H

#include "common/instance.h"
#include "common/lookup.h"
#include "common/source_state.h"

enum { STORE_VIEW_SOURCES_MAX = 40 };

struct store_view_source {
    char title[MAIL_FROM_SECTION_MAX + 1]; /* of the section; SOURCE_STATE_LOCAL */
    struct source_state state;
};

struct store_view {
    int64_t now;        /* milliseconds since the epoch */
    bool readable;      /* and with a record in it */
    bool has_tally;     /* see store_tally */
    struct failure why; /* if it is not readable */
    int64_t modified;   /* when it was last written, seconds since the epoch; 0: not known */
    struct store_tally tally;
    struct instance sync; /* none, too, if that cannot be known */
    struct store_view_source sources[STORE_VIEW_SOURCES_MAX];
    size_t source_count;
};

/* directory: of the store. It is large: not for the stack. */
void store_view_take(struct store_view *view, struct lookup *lookup, const char *directory);

/* Can mail be judged as it should? The store is readable, and nothing in it has expired. If not,
 * *why says so. */
bool store_view_is_ready(const struct store_view *view, struct failure *why);

#endif
