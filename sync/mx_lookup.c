/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/mx_lookup.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

_Static_assert((int)SETTINGS_SERVERS_MAX <= (int)DNS_SERVERS_MAX, "the resolver takes them all");

struct mx_lookup {
    const struct settings *settings;
    struct dns_resolver *resolver;
    void (*answered)(void *context, struct mx_question *question);
    void *context;
    struct mx_question *first; /* those that wait for their turn */
    struct mx_question **last;
};

bool mx_lookup_open(struct mx_lookup **opened, const struct settings *settings,
                    void (*answered)(void *context, struct mx_question *question), void *context,
                    struct failure *why)
{
    const struct dns_settings dns = {(const char *const *)settings->local.nameservers.items,
                                     settings->local.nameservers.count, settings->local.timeout,
                                     settings->local.queries_per_second, NULL};
    struct mx_lookup *lookup = calloc(1, sizeof *lookup);

    if (lookup == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    lookup->settings = settings;
    lookup->answered = answered;
    lookup->context = context;
    lookup->last = &lookup->first;
    if (!dns_open(&lookup->resolver, &dns, why)) {
        free(lookup);
        return false;
    }
    *opened = lookup;
    return true;
}

void mx_lookup_close(struct mx_lookup *lookup)
{
    if (lookup == NULL)
        return;
    dns_close(lookup->resolver);
    free(lookup);
}

void mx_lookup_add(struct mx_lookup *lookup, struct mx_question *question)
{
    question->lookup = lookup;
    question->next = NULL;
    *lookup->last = question;
    lookup->last = &question->next;
}

bool mx_lookup_hurry(struct mx_lookup *lookup, struct mx_question *question)
{
    struct mx_question **at = &lookup->first;

    while (*at != NULL && *at != question)
        at = &(*at)->next;
    if (*at == NULL)
        return false;
    *at = question->next;
    if (lookup->last == &question->next)
        lookup->last = at;
    question->next = lookup->first;
    lookup->first = question;
    if (question->next == NULL)
        lookup->last = &question->next;
    return true;
}

bool mx_lookup_take_news(struct mx_lookup *lookup, char text[DNS_NEWS_SIZE])
{
    return dns_take_news(lookup->resolver, text);
}

static void take_answer(void *context, const struct dns_answer *answer)
{
    struct mx_question *question = context;
    struct mx_lookup *lookup = question->lookup;

    question->result = answer->result;
    question->finding = mx_judge(answer, &lookup->settings->local.expected_mx,
                                 lookup->settings->local.match, question->found);
    lookup->answered(lookup->context, question);
}

static bool has_room(const struct mx_lookup *lookup)
{
    return dns_open_questions(lookup->resolver) < (size_t)lookup->settings->local.concurrency;
}

static bool ask_next(struct mx_lookup *lookup)
{
    struct mx_question *question = lookup->first;

    if (!dns_ask(lookup->resolver, question->domain, DNS_MX, take_answer, question))
        return false;
    lookup->first = question->next;
    if (lookup->first == NULL)
        lookup->last = &lookup->first;
    return true;
}

/* How long to wait for answers before the next question may go out. */
static int64_t until_next(const struct mx_lookup *lookup, int64_t milliseconds)
{
    int64_t wait = dns_wait(lookup->resolver);

    if (lookup->first == NULL || !has_room(lookup) || wait >= milliseconds)
        return milliseconds;
    return wait < 1 ? 1 : wait;
}

int64_t mx_lookup_run(struct mx_lookup *lookup, int64_t milliseconds)
{
    while (lookup->first != NULL && dns_wait(lookup->resolver) == 0 && has_room(lookup) &&
           ask_next(lookup))
        continue;
    if (dns_open_questions(lookup->resolver) == 0)
        return until_next(lookup, milliseconds);
    dns_run(lookup->resolver, until_next(lookup, milliseconds));
    return 0;
}
