/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/restrictions.h"

static const char override_options[] = "receive_override_options";

/* --- where its milters lead --- */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static bool is_socket(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* As far as one can tell. What is there is somebody's, though maybe another mailfrom-milter's. */
static bool is_meant_to_be(const struct socket_name *ours, const struct socket_name *name,
                           const char *text)
{
    if (name->kind == SOCKET_UNIX && is_socket(name->path))
        return false;
    if (strcasestr(text, "mailfrom") != NULL)
        return true;
    if (ours->kind != name->kind)
        return false;
    if (ours->kind == SOCKET_INET)
        return strcmp(ours->port, name->port) == 0;
    return strcmp(last_part(ours->path), last_part(name->path)) == 0;
}

static enum lead follow_one(const struct listeners *listeners,
                            const struct postfix_service *service, const char *text)
{
    struct socket_name name;

    if (!socket_name_read_postfix(&name, text))
        return strcasestr(text, "mailfrom") != NULL ? LEADS_ASTRAY : LEADS_ELSEWHERE;
    postfix_resolve(listeners->postfix, service, &name);
    if (postfix_leads_to(listeners->postfix, service, listeners->ours, &name))
        return LEADS_HERE;
    return is_meant_to_be(listeners->ours, &name, text) ? LEADS_ASTRAY : LEADS_ELSEWHERE;
}

/* The best of the milters in a value. */
static enum lead follow(const struct listeners *listeners, const struct listener *listener,
                        const char *value, struct postfix_milter *best)
{
    enum lead lead = LEADS_ELSEWHERE;
    struct postfix_milter milter;

    while (lead != LEADS_HERE && postfix_next_milter(&value, &milter)) {
        enum lead next = follow_one(listeners, listener->is.connects, milter.name);
        if (next <= lead)
            continue;
        lead = next;
        *best = milter;
    }
    return lead;
}

static void follow_milters(const struct listeners *listeners, struct listener *listener)
{
    const struct postfix_listener *is = &listener->is;
    struct postfix_milter ignored;

    listener->lead =
        follow(listeners, listener, postfix_value(listeners->postfix, is->connects, is->parameter),
               &listener->milter);
    listener->main_leads_here =
        follow(listeners, listener, postfix_value(listeners->postfix, NULL, is->parameter),
               &ignored) == LEADS_HERE;
}

/* --- what is wrong, and who says so --- */

const char *listener_value(const struct listeners *listeners, const struct listener_origin *origin)
{
    return postfix_value(listeners->postfix, origin->service, origin->parameter);
}

/* What is set with the milter itself comes before the parameter for all milters. */
const char *listener_protocol(const struct listeners *listeners, const struct listener *listener)
{
    return listener->milter.protocol[0] != '\0'
               ? listener->milter.protocol
               : postfix_value(listeners->postfix, listener->is.connects, "milter_protocol");
}

const char *listener_action(const struct listeners *listeners, const struct listener *listener)
{
    return listener->milter.default_action[0] != '\0'
               ? listener->milter.default_action
               : postfix_value(listeners->postfix, listener->is.connects, "milter_default_action");
}

static bool defers(const char *action)
{
    return strcmp(action, "tempfail") == 0 || strcmp(action, "shutdown") == 0;
}

static bool is_off(const struct listeners *listeners, const struct listener *listener)
{
    return restrictions_have(
        postfix_value(listeners->postfix, listener->is.service, override_options), "no_milters");
}

bool listener_has(const struct listeners *listeners, const struct listener *listener,
                  enum listener_fault fault)
{
    bool passes = listener->lead == LEADS_HERE && !is_off(listeners, listener);

    switch (fault) {
    case FAULT_OFF:
        return is_off(listeners, listener);
    case FAULT_MISSING:
        return !is_off(listeners, listener) && listener->lead == LEADS_ELSEWHERE;
    case FAULT_ASTRAY:
        return !is_off(listeners, listener) && listener->lead == LEADS_ASTRAY;
    case FAULT_PROTOCOL: /* CHGFROM came with the protocol of version 6 */
        return passes && *listener_protocol(listeners, listener) != '\0' &&
               strtol(listener_protocol(listeners, listener), NULL, 10) < 6;
    case FAULT_ACTION:
        return passes && !defers(listener_action(listeners, listener));
    case FAULT_MAPS:
        return passes && strcmp(listener->is.parameter, "smtpd_milters") == 0 &&
               *postfix_value(listeners->postfix, listener->is.service, "smtpd_milter_maps") !=
                   '\0';
    }
    return false;
}

static struct listener_origin find_origin(const struct listener *listener,
                                          enum listener_fault fault)
{
    struct listener_origin milters = {listener->is.parameter, listener->is.connects, false};
    bool with_milter;

    switch (fault) {
    case FAULT_OFF:
        return (struct listener_origin){override_options, listener->is.service, false};
    case FAULT_PROTOCOL:
        with_milter = listener->milter.protocol[0] != '\0';
        return with_milter ? milters
                           : (struct listener_origin){"milter_protocol", milters.service, false};
    case FAULT_ACTION:
        with_milter = listener->milter.default_action[0] != '\0';
        return with_milter
                   ? milters
                   : (struct listener_origin){"milter_default_action", milters.service, false};
    case FAULT_MAPS:
        return (struct listener_origin){"smtpd_milter_maps", listener->is.service, false};
    case FAULT_MISSING:
    case FAULT_ASTRAY:
        break;
    }
    return milters;
}

struct listener_origin listener_origin(const struct listeners *listeners,
                                       const struct listener *listener, enum listener_fault fault)
{
    struct listener_origin origin = find_origin(listener, fault);

    origin.own = postfix_has_own(listeners->postfix, origin.service, origin.parameter);
    return origin;
}

bool listener_is_same(const struct listeners *listeners, const struct listener_origin *one,
                      const struct listener_origin *other)
{
    return !one->own && !other->own && one->service->chrooted == other->service->chrooted &&
           strcmp(listener_value(listeners, one), listener_value(listeners, other)) == 0 &&
           (strcmp(one->parameter, other->parameter) == 0 ||
            (strstr(one->parameter, "smtpd_milters") != NULL &&
             strstr(other->parameter, "smtpd_milters") != NULL));
}

bool listeners_find(struct listeners *listeners, const struct postfix *postfix,
                    const struct socket_name *ours)
{
    *listeners = (struct listeners){.postfix = postfix,
                                    .ours = ours,
                                    .list = calloc(postfix->count + 1, sizeof *listeners->list),
                                    .filter = ""};
    if (listeners->list == NULL)
        return false;
    for (size_t i = 0; i < postfix->count; i++) {
        struct listener *listener = &listeners->list[listeners->count];
        if (!postfix_listens(postfix, &postfix->services[i], &listener->is))
            continue;
        follow_milters(listeners, listener);
        listeners->count++;
    }
    return true;
}

void listeners_reset(struct listeners *listeners)
{
    free(listeners->list);
    *listeners = (struct listeners){0};
}
