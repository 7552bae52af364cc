/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The course of one question: which server is asked next, and what came out of it. A server that
 * answered, whatever it was, is not asked again; one that was silent, or not there, is. A firewall
 * may drop or refuse what has EDNS (RFC 6891), so each is asked without it before it is given up.
 * Servers are numbered from 0. Pure.
 */
#ifndef DNS_QUESTION_H
#define DNS_QUESTION_H

#include "dns/resolver.h"

enum {
    QUESTION_ROUNDS = 3, /* a silent server is asked so many times, the last time without EDNS */
    QUESTION_NAME_MAX = 253
};

struct question {
    char name[QUESTION_NAME_MAX + 1]; /* lower case, without the last dot */
    enum dns_type type;
    unsigned servers;
    unsigned first;                    /* the server to begin with */
    unsigned turns;                    /* taken for this name */
    unsigned aliases;                  /* CNAMEs followed so far */
    unsigned asked;                    /* a bit for each server, for this name */
    unsigned asked_edns, asked_plain;  /* likewise, with EDNS and without */
    unsigned doubtful;                 /* likewise, to be asked once more, without EDNS */
    unsigned plain;                    /* the caller's: those to be asked without EDNS first */
    unsigned failed[DNS_RESULT_COUNT]; /* likewise, by reason */
    bool unaskable;
};

/* Of a name that cannot be asked for nobody is asked. */
void question_init(struct question *question, const char *name, enum dns_type type,
                   unsigned servers, unsigned first);

/* Is there a server left to ask? */
bool question_is_open(const struct question *question);

/* The server to ask now, with EDNS or without; false when none is left. */
bool question_next(struct question *question, unsigned *server, bool *edns);

/* A server had no answer that settles the question, for this reason. */
void question_fail(struct question *question, unsigned server, enum dns_result reason);

/* The same, but it may be EDNS that it does not like: it is asked once without. */
void question_fail_edns(struct question *question, unsigned server);

/* Goes on with the name that the last one is an alias of, at the server that said so. */
void question_follow(struct question *question, const char *alias, unsigned aliases,
                     unsigned server);

/* The result when no server settled the question: of those that said most. from: a bit for each
 * server that it is from; none if nobody can be asked. */
enum dns_result question_give_up(const struct question *question, unsigned *from);

#endif
