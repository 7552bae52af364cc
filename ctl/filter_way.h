/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The way of mail through a content filter of Postfix: where it goes to the filter, and at which
 * listeners it comes back. The filter's own configuration is not read; where there are several ways
 * back, the port after the filter's is taken, as amavis and most others have it.
 */
#ifndef CTL_FILTER_WAY_H
#define CTL_FILTER_WAY_H

#include "common/settings.h"
#include "ctl/listener.h"

enum filter_kind {
    FILTER_NONE,
    FILTER_AFTER,  /* content_filter: milters see the message before it goes to the filter */
    FILTER_BEFORE, /* smtpd_proxy_filter: they see none of it until it comes back */
    FILTER_PROGRAM /* content_filter with pipe(8), which hands mail back by sendmail(1) */
};

struct filter_way {
    enum filter_kind kind;
    const char *filter; /* the value of the parameter */
    bool inbound;       /* may strangers write to the listener? */
    bool outbound;      /* may anyone relay through it? A local submission may. */
};

/* Where the mail of a listener goes. */
struct filter_way filter_way_of(const struct listeners *listeners, const struct listener *listener);

/* Marks the listeners where filters hand mail back (is_way_back). */
void filter_ways_mark(struct listeners *listeners);

/* Does such mail come back there? For sure, if it can come back nowhere else. */
enum filter_return { RETURNS_NOT, RETURNS_MAYBE, RETURNS_HERE };
enum filter_return filter_way_returns(const struct listeners *listeners,
                                      const struct filter_way *way, const struct listener *back);

/* Does this milter see what comes in there? */
bool filter_way_is_seen(const struct listeners *listeners, const struct listener *listener);

/* Does this milter judge, as outbound mail, what comes back there? */
bool filter_way_is_judged(const struct listeners *listeners, const struct listener *back,
                          const struct settings *settings);

/* The number of a listener's port; 0: it has none, or a name that the system does not know. */
unsigned filter_port(const struct listener *listener);

#endif
