/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/question.h"

#include "dns/name.h"

#include <string.h>

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

bool question_next(struct question *question, unsigned *server)
{
    while (!question->unaskable && question->turns < QUESTION_ROUNDS * question->servers) {
        *server = (question->first + question->turns++) % question->servers;
        if ((answered(question) & 1U << *server) == 0) {
            question->asked |= 1U << *server;
            return true;
        }
    }
    return false;
}

bool question_is_open(const struct question *question)
{
    struct question next = *question;
    unsigned server;

    return question_next(&next, &server);
}

void question_fail(struct question *question, unsigned server, enum dns_result reason)
{
    question->failed[reason] |= 1U << server;
}

void question_follow(struct question *question, const char *alias, unsigned aliases,
                     unsigned server)
{
    question->unaskable = !set_name(question, alias);
    question->first = server;
    question->aliases += aliases;
    question->turns = 0;
    question->asked = 0;
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
