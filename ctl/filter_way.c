/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/filter_way.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/network.h"
#include "ctl/restrictions.h"

static const char *value_of(const struct listeners *listeners, const struct listener *listener,
                            const char *parameter)
{
    return postfix_value(listeners->postfix, listener->is.service, parameter);
}

static bool is_smtpd(const struct listener *listener)
{
    return strcmp(listener->is.service->command, "smtpd") == 0;
}

/* --- who may write --- */

static bool takes_inbound(const struct listeners *listeners, const struct listener *listener)
{
    static const char *const lists[] = {"smtpd_client_restrictions", "smtpd_helo_restrictions",
                                        "smtpd_sender_restrictions", "smtpd_relay_restrictions",
                                        "smtpd_recipient_restrictions"};

    if (!is_smtpd(listener))
        return false;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (restrictions_are_closed(value_of(listeners, listener, lists[i])))
            return false;
    }
    return true;
}

static bool takes_outbound(const struct listeners *listeners, const struct listener *listener)
{
    static const char *const words[] = {"permit",
                                        "permit_mynetworks",
                                        "permit_sasl_authenticated",
                                        "permit_tls_clientcerts",
                                        "permit_tls_all_clientcerts",
                                        "check_client_access",
                                        "check_ccert_access",
                                        "check_sasl_access"};
    const char *list = value_of(listeners, listener, "smtpd_relay_restrictions");

    if (!is_smtpd(listener))
        return true;
    if (*list == '\0')
        list = value_of(listeners, listener, "smtpd_recipient_restrictions");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (restrictions_have(list, words[i]))
            return true;
    }
    return false;
}

/* --- there --- */

/* content_filter = transport:next-hop; the transport is a service of master.cf. */
static enum filter_kind kind_of(const struct listeners *listeners, const char *filter)
{
    const struct postfix_service *service;
    char name[SOCKET_NAME_SIZE];

    (void)snprintf(name, sizeof name, "%.*s/unix", (int)strcspn(filter, ":"), filter);
    service = postfix_service(listeners->postfix, name);
    return service != NULL && strcmp(service->command, "pipe") == 0 ? FILTER_PROGRAM : FILTER_AFTER;
}

struct filter_way filter_way_of(const struct listeners *listeners, const struct listener *listener)
{
    const char *before = value_of(listeners, listener, "smtpd_proxy_filter");
    const char *after = value_of(listeners, listener, "content_filter");
    struct filter_way way = {.filter = "",
                             .inbound = takes_inbound(listeners, listener),
                             .outbound = takes_outbound(listeners, listener)};

    if (is_smtpd(listener) && *before != '\0') {
        way.kind = FILTER_BEFORE;
        way.filter = before;
    } else if (*after != '\0') {
        way.kind = kind_of(listeners, after);
        way.filter = after;
    }
    return way;
}

/* --- and back --- */

/* The number after the last colon; 0 for none. */
static unsigned port_in(const char *text, size_t length)
{
    char port[64];
    const struct servent *known;
    unsigned long number;
    char *end;

    while (length > 0 && memrchr(text, ':', length) != NULL) {
        const char *after = (const char *)memrchr(text, ':', length) + 1;
        length -= (size_t)(after - text);
        text = after;
    }
    (void)snprintf(port, sizeof port, "%.*s", (int)(length < 63 ? length : 63), text);
    number = strtoul(port, &end, 10);
    if (*port != '\0' && *end == '\0')
        return number <= 65535 ? (unsigned)number : 0;
    known = getservbyname(port, "tcp");
    return known == NULL ? 0 : ntohs((uint16_t)known->s_port);
}

unsigned filter_port(const struct listener *listener)
{
    const char *name = listener->is.service->name;

    return port_in(name, strcspn(name, "/"));
}

static bool is_on_loopback(const struct listener *listener)
{
    const char *name = listener->is.service->name;
    const char *end = memrchr(name, ':', strcspn(name, "/"));
    char host[SOCKET_HOST_SIZE];

    if (end == NULL)
        return false;
    if (*name == '[' && end[-1] == ']')
        (void)snprintf(host, sizeof host, "%.*s", (int)(end - name) - 2, name + 1);
    else
        (void)snprintf(host, sizeof host, "%.*s", (int)(end - name), name);
    return socket_host_is_loopback(host);
}

/* A filter on another host comes back to an address of this one: there, the parameter is empty for
 * this listener alone. So it is for a port whose mail is not filtered. */
static bool is_left_out(const struct listeners *listeners, const struct listener *listener)
{
    const struct postfix_service *service = listener->is.service;
    unsigned port = filter_port(listener);

    return port != 25 && port != 465 && port != 587 &&
           (postfix_has_own(listeners->postfix, service, "content_filter") ||
            postfix_has_own(listeners->postfix, service, "smtpd_proxy_filter"));
}

static bool is_way_back(const struct listeners *listeners, const struct listener *listener,
                        bool by_smtp, bool by_program)
{
    if (filter_way_of(listeners, listener).kind != FILTER_NONE)
        return false;
    if (!is_smtpd(listener))
        return by_program && strcmp(listener->is.service->command, "pickup") == 0;
    return by_smtp && (is_on_loopback(listener) || is_left_out(listeners, listener));
}

void filter_ways_mark(struct listeners *listeners)
{
    bool by_smtp = false;
    bool by_program = false;

    for (size_t i = 0; i < listeners->count; i++) {
        struct filter_way way = filter_way_of(listeners, &listeners->list[i]);
        by_smtp = by_smtp || way.kind == FILTER_AFTER || way.kind == FILTER_BEFORE;
        by_program = by_program || way.kind == FILTER_PROGRAM;
        if (way.kind != FILTER_NONE)
            listeners->filter = way.filter;
    }
    for (size_t i = 0; i < listeners->count; i++) {
        struct listener *listener = &listeners->list[i];
        listener->is_way_back = is_way_back(listeners, listener, by_smtp, by_program);
    }
}

enum filter_return filter_way_returns(const struct listeners *listeners,
                                      const struct filter_way *way, const struct listener *back)
{
    unsigned port = port_in(way->filter, strlen(way->filter));
    size_t count = 0;
    bool is_next = false;

    if (!back->is_way_back || is_smtpd(back) == (way->kind == FILTER_PROGRAM))
        return RETURNS_NOT;
    if (way->kind == FILTER_PROGRAM)
        return RETURNS_MAYBE; /* a program may speak SMTP as well */
    for (size_t i = 0; i < listeners->count; i++) {
        const struct listener *other = &listeners->list[i];
        if (!other->is_way_back || !is_smtpd(other))
            continue;
        count++;
        is_next = is_next || (port != 0 && filter_port(other) == port + 1);
    }
    if (is_next)
        return filter_port(back) == port + 1 ? RETURNS_HERE : RETURNS_NOT;
    return count == 1 ? RETURNS_HERE : RETURNS_MAYBE;
}

static bool is_listed(const struct listener *back, const struct settings *settings)
{
    char port[16];

    (void)snprintf(port, sizeof port, "%u", filter_port(back));
    for (size_t i = 0; i < settings->milter.reinjection_ports.count; i++) {
        if (strcmp(settings->milter.reinjection_ports.items[i], port) == 0)
            return true;
    }
    return false;
}

bool filter_way_is_seen(const struct listeners *listeners, const struct listener *listener)
{
    return listener->lead == LEADS_HERE && !listener_has(listeners, listener, FAULT_OFF);
}

bool filter_way_is_judged(const struct listeners *listeners, const struct listener *back,
                          const struct settings *settings)
{
    if (!filter_way_is_seen(listeners, back) || !is_smtpd(back))
        return filter_way_is_seen(listeners, back);
    return !is_listed(back, settings) &&
           network_contains(settings->milter.outbound_networks,
                            settings->milter.outbound_networks_count, "127.0.0.1");
}
