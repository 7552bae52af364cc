/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The ways in of a Postfix, and what keeps the mail of each from this milter. Facts only; what is
 * told of them is in check_listener.c.
 */
#ifndef CTL_LISTENER_H
#define CTL_LISTENER_H

#include "ctl/postfix.h"

enum lead {
    LEADS_ELSEWHERE, /* to milters that have nothing to do with this one */
    LEADS_ASTRAY,    /* to a socket that is not there, and is meant to be this one's */
    LEADS_HERE
};

/* What can be wrong with a listener. */
enum listener_fault {
    FAULT_OFF,      /* no_milters */
    FAULT_MISSING,  /* it has other milters, or none */
    FAULT_ASTRAY,   /* see LEADS_ASTRAY */
    FAULT_PROTOCOL, /* too old for a milter that changes the sender */
    FAULT_ACTION,   /* what happens while the milter is away */
    FAULT_MAPS      /* some clients have other milters */
};
enum { FAULT_COUNT = FAULT_MAPS + 1 };

struct listener {
    struct postfix_listener is;
    enum lead lead;
    struct postfix_milter milter; /* this one, or the one that leads astray */
    bool main_leads_here;         /* what main.cf has, though master.cf may have something else */
    bool is_way_back; /* from a content filter, as filter_ways_mark says: it may be without milters
                       * for good reason */
    bool told[FAULT_COUNT]; /* the caller's */
};

struct listeners {
    const struct postfix *postfix;
    const struct socket_name *ours;
    struct listener *list;
    size_t count;
    const char *filter; /* a content filter that one of them has; "" for none */
};

/* Both outlive it. ours: the milter's socket. False: out of memory. */
bool listeners_find(struct listeners *listeners, const struct postfix *postfix,
                    const struct socket_name *ours);
void listeners_reset(struct listeners *listeners);

bool listener_has(const struct listeners *listeners, const struct listener *listener,
                  enum listener_fault fault);

/* The parameter that has a fault, and the service whose value counts for it. */
struct listener_origin {
    const char *parameter;
    const struct postfix_service *service;
    bool own; /* it stands in master.cf, not in main.cf */
};
struct listener_origin listener_origin(const struct listeners *listeners,
                                       const struct listener *listener, enum listener_fault fault);
const char *listener_value(const struct listeners *listeners, const struct listener_origin *origin);

/* Is it one line of main.cf, for two who connect from the same place? The two lists of milters are
 * one where they are equal: non_smtpd_milters = $smtpd_milters. */
bool listener_is_same(const struct listeners *listeners, const struct listener_origin *one,
                      const struct listener_origin *other);

/* What counts for this milter there. */
const char *listener_protocol(const struct listeners *listeners, const struct listener *listener);
const char *listener_action(const struct listeners *listeners, const struct listener *listener);

#endif
