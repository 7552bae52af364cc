/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/question.h"

#include "dns/name.h"

#include <string.h>
#include <strings.h>

static bool set_name(struct question *question, const char *name)
{
    if (!name_is_askable(name))
        return false;
    for (size_t i = 0; i <= strlen(name); i++)
        question->name[i] =
            (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + ('a' - 'A') : name[i]);
    return true;
}

void question_init(struct question *question, const char *name, enum dns_type type,
                   unsigned servers, unsigned first)
{
    *question = (struct question){.type = type, .servers = servers, .first = first};
    question->unaskable = !set_name(question, name);
}

static unsigned answered(const struct question *question)
{
    return question->failed[DNS_SERVFAIL] | question->failed[DNS_REFUSED] |
           question->failed[DNS_MALFORMED];
}

static bool note(struct question *question, unsigned server, bool edns)
{
    question->asked |= 1U << server;
    *(edns ? &question->asked_edns : &question->asked_plain) |= 1U << server;
    return true;
}

bool question_next(struct question *question, unsigned *server, bool *edns)
{
    if (question->unaskable)
        return false;
    if (question->doubtful != 0) {
        *edns = false;
        *server = (unsigned)ffs((int)question->doubtful) - 1;
        question->doubtful &= ~(1U << *server);
        return note(question, *server, *edns);
    }
    while (question->turns < QUESTION_ROUNDS * question->servers) {
        bool is_last = question->turns / question->servers + 1 == QUESTION_ROUNDS;
        *server = (question->first + question->turns++) % question->servers;
        *edns = is_last == ((question->plain & 1U << *server) != 0);
        if ((answered(question) & 1U << *server) == 0)
            return note(question, *server, *edns);
    }
    return false;
}

bool question_is_open(const struct question *question)
{
    struct question next = *question;
    unsigned server;
    bool edns;

    return question_next(&next, &server, &edns);
}

void question_fail(struct question *question, unsigned server, enum dns_result reason)
{
    question->failed[reason] |= 1U << server;
}

void question_fail_edns(struct question *question, unsigned server)
{
    question_fail(question, server, DNS_REFUSED);
    if ((question->asked_plain & 1U << server) == 0)
        question->doubtful |= 1U << server;
}

void question_follow(struct question *question, const char *alias, unsigned aliases,
                     unsigned server)
{
    question->unaskable = !set_name(question, alias);
    question->first = server;
    question->aliases += aliases;
    question->turns = 0;
    question->asked = 0;
    question->asked_edns = 0;
    question->asked_plain = 0;
    question->doubtful = 0;
    memset(question->failed, 0, sizeof question->failed);
    if (question->unaskable)
        question_fail(question, server, DNS_MALFORMED);
}

enum dns_result question_give_up(const struct question *question, unsigned *from)
{
    static const enum dns_result by_weight[] = {DNS_SERVFAIL, DNS_REFUSED, DNS_MALFORMED};
    unsigned all = (1U << question->servers) - 1;
    unsigned absent = question->failed[DNS_UNREACHABLE];
    unsigned silent = question->asked & ~(answered(question) | absent);

    for (size_t i = 0; i < sizeof by_weight / sizeof by_weight[0]; i++) {
        *from = question->failed[by_weight[i]];
        if (*from != 0)
            return by_weight[i];
    }
    *from = question->unaskable ? 0 : silent != 0 ? silent : absent != 0 ? absent : all;
    if (question->unaskable)
        return DNS_MALFORMED;
    return silent == 0 && absent != 0 ? DNS_UNREACHABLE : DNS_TIMEOUT;
}
