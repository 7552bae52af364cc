/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/check_filter.h"

#include <stdio.h>
#include <string.h>

#include "ctl/filter_way.h"

struct scene {
    const struct check *check;
    const struct listeners *listeners;
};

static void put(const struct scene *scene, const struct listener *listener,
                enum finding_level level, const struct finding *finding)
{
    struct finding whole = *finding;
    char subject[300];

    (void)snprintf(subject, sizeof subject, "postfix %s", listener->is.service->name);
    whole.level = level;
    whole.check = "postfix";
    whole.subject = subject;
    findings_put(scene->check->findings, &whole);
}

/* --- it is judged where it should not be --- */

static void advise_pass(const struct listener *back, const struct filter_way *way,
                        struct finding *finding)
{
    const char *name = back->is.service->name;

    if (way->kind == FILTER_PROGRAM)
        finding_advise(finding,
                       "postconf -P %s/receive_override_options=no_milters, and postfix "
                       "reload; or let the filter hand mail back by SMTP",
                       name);
    else if (way->kind == FILTER_BEFORE)
        finding_advise(finding, "let inbound mail come back at a port of its own, with "
                                "receive_override_options=no_milters; see A content filter in "
                                "doc/postfix.md");
    else
        finding_advise(finding,
                       "put reinjection-ports = {\"%u\"} into section milter, or postconf "
                       "-P %s/receive_override_options=no_milters",
                       filter_port(back), name);
}

/* How grave it is that such mail is judged when it comes back; 0: not at all. */
static int gravity(const struct scene *scene, const struct listener *listener,
                   const struct filter_way *way, const struct listener *back)
{
    enum filter_return returns =
        way->kind == FILTER_NONE ? RETURNS_NOT : filter_way_returns(scene->listeners, way, back);
    bool is_first_time =
        way->kind == FILTER_BEFORE || !filter_way_is_seen(scene->listeners, listener);

    if (returns == RETURNS_NOT || (!way->inbound && is_first_time))
        return 0;
    return (way->inbound ? 2 : 0) + (returns == RETURNS_HERE ? 2 : 1);
}

/* Told once for each way back: the gravest of those who come back there. */
static void tell_judged(const struct scene *scene, const struct listener *back)
{
    const struct listeners *listeners = scene->listeners;
    struct finding finding = {.level = FINDING_OK};
    struct filter_way way = {.kind = FILTER_NONE};
    int worst = 0;

    for (size_t i = 0; i < listeners->count; i++) {
        struct filter_way next = filter_way_of(listeners, &listeners->list[i]);
        int grave = gravity(scene, &listeners->list[i], &next, back);
        if (grave <= worst)
            continue;
        worst = grave;
        way = next;
    }
    if (worst == 0)
        return;
    if (way.inbound)
        finding_found(&finding,
                      "%s comes back from the content filter %s, and counts as outbound mail of "
                      "this machine: it may be refused with a bounce to a stranger",
                      worst == 4 ? "inbound mail" : "inbound mail, if any,", way.filter);
    else
        finding_found(&finding, "mail that comes back from the content filter %s is judged again",
                      way.filter);
    advise_pass(back, &way, &finding);
    put(scene, back, worst == 4 ? FINDING_ERROR : FINDING_WARNING, &finding);
}

/* --- it is not judged where it should be --- */

static void tell_unseen(const struct scene *scene, const struct listener *listener,
                        const struct filter_way *way, const struct listener *back)
{
    struct finding finding = {.level = FINDING_ERROR};

    finding_found(&finding,
                  "smtpd_proxy_filter = %s shows milters no message, and %s%s, so "
                  "outbound mail leaves as it came",
                  way->filter, back == NULL ? "no way back" : back->is.service->name,
                  back == NULL ? " is known" : ", where it comes back, does not judge it");
    finding_advise(&finding, "let outbound mail come in at a port of its own, and back at one with "
                             "this milter; see A content filter in doc/postfix.md");
    put(scene, listener, back == NULL ? FINDING_WARNING : FINDING_ERROR, &finding);
}

static void tell_right(const struct scene *scene, const struct listener *listener,
                       const struct filter_way *way, const struct listener *back)
{
    struct finding finding = {.level = FINDING_OK};

    finding_found(&finding, "mail goes through the content filter %s and comes back at %s; %s",
                  way->filter, back->is.service->name,
                  way->kind == FILTER_AFTER ? "it is judged before"
                  : way->outbound           ? "it is judged then"
                                            : "it is inbound mail, which is not judged");
    put(scene, listener, FINDING_OK, &finding);
}

static void judge(const struct scene *scene, const struct listener *listener)
{
    const struct listeners *listeners = scene->listeners;
    struct filter_way way = filter_way_of(listeners, listener);
    const struct listener *back = NULL;
    bool judged = false;

    if (way.kind == FILTER_NONE)
        return;
    for (size_t i = 0; i < listeners->count; i++) {
        const struct listener *other = &listeners->list[i];
        if (filter_way_returns(listeners, &way, other) == RETURNS_NOT)
            continue;
        back = other;
        judged = judged || filter_way_is_judged(listeners, other, scene->check->settings);
    }
    if (way.kind == FILTER_BEFORE && way.outbound && !judged)
        tell_unseen(scene, listener, &way, back);
    else if (back != NULL && judged == (way.kind == FILTER_BEFORE && way.outbound) &&
             !(judged && way.inbound))
        tell_right(scene, listener, &way, back);
}

void check_filters(const struct check *check, const struct listeners *listeners)
{
    struct scene scene = {check, listeners};

    for (size_t i = 0; i < listeners->count; i++) {
        const struct listener *listener = &listeners->list[i];
        if (listener->is_way_back && filter_way_is_judged(listeners, listener, check->settings))
            tell_judged(&scene, listener);
    }
    for (size_t i = 0; i < listeners->count; i++)
        judge(&scene, &listeners->list[i]);
}
