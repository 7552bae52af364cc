/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * An attempt is a question to one server. The next one follows when the last failed, or is late;
 * a late one stays open meanwhile, and the first answer counts. c-ares could go from server to
 * server by itself, but has no time-out for the whole, and forgets what a server refused.
 */
#include "dns/resolver.h"
#include "common/monotonic.h"

#include "dns/allowance.h"
#include "dns/message.h"
#include "dns/pool.h"
#include "dns/question.h"
#include "dns/resolv_conf.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sysexits.h>

enum {
    BURST = 64,        /* questions sent before answers are read, so that no buffer overflows */
    LOOK_EVERY = 1000, /* milliseconds until it is seen that the system has other servers */
    PLAIN_USES = 1000  /* questions that a server gets without EDNS, until it may have learned it */
};

const char *const dns_result_words[DNS_RESULT_COUNT] = {
    [DNS_FOUND] = "found",
    [DNS_NO_DATA] = "no data",
    [DNS_NXDOMAIN] = "NXDOMAIN",
    [DNS_SERVFAIL] = "SERVFAIL",
    [DNS_REFUSED] = "refused",
    [DNS_TIMEOUT] = "timeout",
    [DNS_UNREACHABLE] = "unreachable",
    [DNS_MALFORMED] = "malformed",
};

struct asking {
    TAILQ_ENTRY(asking) in_age;
    TAILQ_ENTRY(asking) in_turn;
    enum { TURN_FIRST, TURN_DUE, TURN_LATER, TURN_NONE } turn; /* which list in_turn is of */
    int64_t turn_at;
    int64_t deadline;
    struct question question;
    unsigned open;     /* attempts for its present name */
    unsigned attempts; /* open ones for any name */
    bool answered;
    struct asking *next_ended; /* answered, and without attempts */
    void (*callback)(void *context, const struct dns_answer *answer);
    void *context;
};
TAILQ_HEAD(askings, asking);

struct attempt {
    struct dns_resolver *resolver;
    struct asking *asking;
    unsigned server;
    bool edns;
    unsigned aliases; /* of the question then: tells which name it was */
};

struct reply {
    struct message message;
    char servers[DNS_SERVERS_SIZE];
};

struct dns_resolver {
    struct pool pool;
    unsigned first;                       /* the server that answered last is asked first */
    unsigned plain_uses[DNS_SERVERS_MAX]; /* questions that each is yet to get without EDNS */
    int64_t interval;                     /* between two attempts */
    struct askings by_age;                /* hence by deadline */
    struct askings first_due;             /* not asked yet; their first query is paid for */
    struct askings due;
    struct askings later;      /* by turn_at */
    struct resolv_conf system; /* no path: the servers are those of the settings */
    int64_t looked;            /* whether that has changed */
    bool is_outdated;
    bool has_news;
    struct allowance allowance;
    unsigned started; /* attempts, each of which is paid for with one query */
    struct asking *ended;
    size_t open;
    bool happened;
    struct reply *reply; /* where answers are read into: one of the two */
    struct reply passing, kept;
    struct dns_answer looked_up;
};

/* Turns */

static void leave_turn(struct dns_resolver *resolver, struct asking *asking)
{
    if (asking->turn == TURN_FIRST)
        TAILQ_REMOVE(&resolver->first_due, asking, in_turn);
    else if (asking->turn == TURN_DUE)
        TAILQ_REMOVE(&resolver->due, asking, in_turn);
    else if (asking->turn == TURN_LATER)
        TAILQ_REMOVE(&resolver->later, asking, in_turn);
    asking->turn = TURN_NONE;
}

static void make_due(struct dns_resolver *resolver, struct asking *asking)
{
    leave_turn(resolver, asking);
    asking->turn = TURN_DUE;
    TAILQ_INSERT_TAIL(&resolver->due, asking, in_turn);
}

static void make_later(struct dns_resolver *resolver, struct asking *asking, int64_t now)
{
    leave_turn(resolver, asking);
    asking->turn = TURN_LATER;
    asking->turn_at = now + resolver->interval;
    TAILQ_INSERT_TAIL(&resolver->later, asking, in_turn);
}

/* Answers */

/* Freed later: those below on the stack still look at it. */
static void end(struct dns_resolver *resolver, struct asking *asking)
{
    asking->next_ended = resolver->ended;
    resolver->ended = asking;
}

static void free_ended(struct dns_resolver *resolver)
{
    while (resolver->ended != NULL) {
        struct asking *next = resolver->ended->next_ended;
        free(resolver->ended);
        resolver->ended = next;
    }
}

static void write_servers(const struct dns_resolver *resolver, unsigned from,
                          char out[DNS_SERVERS_SIZE])
{
    size_t used = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < resolver->pool.server_count; i++) {
        if ((from & 1U << i) != 0)
            used += (size_t)snprintf(out + used, DNS_SERVERS_SIZE - used, "%s%s",
                                     used > 0 ? "," : "", resolver->pool.servers[i].text);
    }
}

static void answer(struct dns_resolver *resolver, struct asking *asking, enum dns_result result,
                   unsigned from)
{
    struct reply *reply = resolver->reply;
    struct dns_answer out = {
        .result = result, .records = reply->message.records, .servers = reply->servers};

    if (result == DNS_FOUND) {
        out.count = reply->message.count;
        out.truncated = reply->message.truncated;
    }
    write_servers(resolver, from, reply->servers);
    leave_turn(resolver, asking);
    TAILQ_REMOVE(&resolver->by_age, asking, in_age);
    resolver->open--;
    resolver->happened = true;
    asking->answered = true;
    asking->callback(asking->context, &out);
    if (asking->attempts == 0)
        end(resolver, asking);
}

static void give_up(struct dns_resolver *resolver, struct asking *asking)
{
    unsigned from;
    enum dns_result result = question_give_up(&asking->question, &from);

    answer(resolver, asking, result, from);
}

static void follow(struct dns_resolver *resolver, struct asking *asking, unsigned server)
{
    const struct message *message = &resolver->reply->message;

    question_follow(&asking->question, message->alias, message->aliases, server);
    asking->open = 0;
    make_due(resolver, asking);
}

/* A server that answers only without EDNS is asked like that for a while: else each question would
 * have to wait for two time-outs. */
static void learn_edns(const struct attempt *attempt, bool doubts)
{
    unsigned *uses = &attempt->resolver->plain_uses[attempt->server];

    if (attempt->edns && !doubts)
        *uses = 0;
    else if (!attempt->edns && (attempt->asking->question.asked_edns & 1U << attempt->server) != 0)
        *uses = PLAIN_USES;
}

/* result: of one server. */
static void judge(struct dns_resolver *resolver, struct asking *asking, unsigned server,
                  enum dns_result result)
{
    switch (result) {
    case DNS_FOUND:
    case DNS_NO_DATA:
    case DNS_NXDOMAIN:
        resolver->first = server;
        if (result == DNS_NO_DATA && resolver->reply->message.alias[0] != '\0')
            follow(resolver, asking, server);
        else
            answer(resolver, asking, result, 1U << server);
        return;
    case DNS_SERVFAIL:
    case DNS_REFUSED:
    case DNS_TIMEOUT:
    case DNS_UNREACHABLE:
    case DNS_MALFORMED:
        if (result == DNS_REFUSED && resolver->reply->message.doubts_edns)
            question_fail_edns(&asking->question, server);
        else
            question_fail(&asking->question, server, result);
        make_due(resolver, asking);
        return;
    }
}

static void end_attempt(void *context, enum dns_result reason, const unsigned char *octets,
                        size_t length)
{
    struct attempt attempt = *(struct attempt *)context;
    struct asking *asking = attempt.asking;
    const struct question *question = &asking->question;
    struct message *message = &attempt.resolver->reply->message;

    free(context);
    if (!asking->answered && attempt.aliases == question->aliases) {
        asking->open--;
        message->result = reason;
        message->doubts_edns = false;
        message->alias[0] = '\0';
        if (octets != NULL) {
            message_read(message, octets, length, question->name, question->type,
                         DNS_CNAMES_MAX - question->aliases);
            learn_edns(&attempt, message->doubts_edns);
        }
        judge(attempt.resolver, asking, attempt.server, message->result);
    }
    if (--asking->attempts == 0 && asking->answered)
        end(attempt.resolver, asking);
}

/* Attempts */

/* Without memory nothing starts; the next turn may find some. */
static void start_attempt(struct dns_resolver *resolver, struct asking *asking, unsigned server,
                          bool edns)
{
    const struct question *question = &asking->question;
    struct attempt *attempt = malloc(sizeof *attempt);

    if (attempt == NULL)
        return;
    *attempt = (struct attempt){resolver, asking, server, edns, question->aliases};
    asking->open++;
    asking->attempts++;
    resolver->started++;
    if (pool_ask(&resolver->pool, server, edns, question->name, question->type, end_attempt,
                 attempt))
        return;
    asking->open--;
    asking->attempts--;
    free(attempt);
}

/* False: not now, no query may go out. */
static bool take_turn(struct dns_resolver *resolver, struct asking *asking, int64_t now)
{
    unsigned server;
    bool edns;

    if (!question_is_open(&asking->question)) {
        if (asking->open > 0)
            leave_turn(resolver, asking); /* one of them may still answer */
        else
            give_up(resolver, asking);
        return true;
    }
    if (asking->turn != TURN_FIRST && !allowance_take(&resolver->allowance))
        return false;
    (void)question_next(&asking->question, &server, &edns);
    make_later(resolver, asking, now);
    start_attempt(resolver, asking, server, edns);
    return true;
}

/* What went out beside the first query of each attempt. */
static void charge_others(struct dns_resolver *resolver)
{
    unsigned sent = pool_take_queries(&resolver->pool);

    if (sent > resolver->started)
        allowance_charge(&resolver->allowance, sent - resolver->started);
    resolver->started = 0;
}

static void take_turns(struct dns_resolver *resolver, int64_t now)
{
    struct asking *asking;
    int started = 0;

    while ((asking = TAILQ_FIRST(&resolver->later)) != NULL && asking->turn_at <= now)
        make_due(resolver, asking);
    for (; started < BURST && (asking = TAILQ_FIRST(&resolver->first_due)) != NULL; started++)
        (void)take_turn(resolver, asking, now);
    for (; started < BURST && (asking = TAILQ_FIRST(&resolver->due)) != NULL; started++) {
        if (!take_turn(resolver, asking, now))
            return;
    }
}

/* Events */

static int until(const struct dns_resolver *resolver, int64_t now, int64_t milliseconds)
{
    const struct asking *oldest = TAILQ_FIRST(&resolver->by_age);
    const struct asking *later = TAILQ_FIRST(&resolver->later);

    if (resolver->happened || !TAILQ_EMPTY(&resolver->first_due) || oldest == NULL ||
        milliseconds < 0)
        return 0;
    if (!TAILQ_EMPTY(&resolver->due) && allowance_wait(&resolver->allowance) < milliseconds)
        milliseconds = allowance_wait(&resolver->allowance);
    if (oldest->deadline - now < milliseconds)
        milliseconds = oldest->deadline - now;
    if (later != NULL && later->turn_at - now < milliseconds)
        milliseconds = later->turn_at - now;
    return milliseconds < 0 ? 0 : milliseconds > INT_MAX ? INT_MAX : (int)milliseconds;
}

static void end_overdue(struct dns_resolver *resolver, int64_t now)
{
    struct asking *oldest;

    while ((oldest = TAILQ_FIRST(&resolver->by_age)) != NULL && oldest->deadline <= now)
        give_up(resolver, oldest);
}

void dns_run(struct dns_resolver *resolver, int64_t milliseconds)
{
    int64_t now = monotonic_milliseconds();

    if (resolver->open == 0)
        return;
    resolver->happened = false;
    allowance_renew(&resolver->allowance, now);
    take_turns(resolver, now);
    if (pool_wait(&resolver->pool, until(resolver, now, milliseconds)))
        resolver->happened = true;
    now = monotonic_milliseconds();
    charge_others(resolver);
    end_overdue(resolver, now);
    pool_tend(&resolver->pool, now);
    free_ended(resolver);
}

/* Opening */

static bool take_servers(struct dns_resolver *resolver, const struct dns_settings *settings,
                         struct failure *why)
{
    if (settings->server_count > DNS_SERVERS_MAX)
        return failure_set(why, EX_CONFIG, "at most %d nameservers", DNS_SERVERS_MAX);
    for (size_t i = 0; i < settings->server_count; i++) {
        if (!server_parse(&resolver->pool.servers[i], settings->servers[i], why))
            return false;
    }
    resolver->pool.server_count = (unsigned)settings->server_count;
    return true;
}

static void set_interval(struct dns_resolver *resolver)
{
    int64_t attempts = (int64_t)resolver->pool.server_count * QUESTION_ROUNDS;

    resolver->interval = attempts > 0 ? resolver->pool.timeout / attempts + 1 : 1;
}

/* Without any it is this machine, as resolv.conf(5) has it. */
static void take_system_servers(struct dns_resolver *resolver)
{
    struct failure ignored;

    if (resolver->system.count > 0) {
        memcpy(resolver->pool.servers, resolver->system.servers, sizeof resolver->pool.servers);
        resolver->pool.server_count = resolver->system.count;
    } else {
        (void)server_parse(&resolver->pool.servers[0], "127.0.0.1", &ignored);
        resolver->pool.server_count = 1;
    }
}

static bool choose_servers(struct dns_resolver *resolver, const struct dns_settings *settings,
                           struct failure *why)
{
    if (settings->server_count > 0 && !take_servers(resolver, settings, why))
        return false;
    if (settings->server_count == 0) {
        resolv_conf_read(&resolver->system, settings->resolv_conf != NULL ? settings->resolv_conf
                                                                          : "/etc/resolv.conf");
        resolver->has_news = resolver->system.skipped[0] != '\0';
        take_system_servers(resolver);
    }
    set_interval(resolver);
    return true;
}

static struct dns_resolver *make_resolver(const struct dns_settings *settings)
{
    struct dns_resolver *resolver = calloc(1, sizeof *resolver);

    if (resolver == NULL)
        return NULL;
    resolver->pool.timeout = settings->timeout < 1 ? 1 : settings->timeout;
    resolver->allowance.rate = settings->queries_per_second;
    resolver->reply = &resolver->passing;
    TAILQ_INIT(&resolver->by_age);
    TAILQ_INIT(&resolver->first_due);
    TAILQ_INIT(&resolver->due);
    TAILQ_INIT(&resolver->later);
    return resolver;
}

bool dns_open(struct dns_resolver **out, const struct dns_settings *settings, struct failure *why)
{
    struct dns_resolver *resolver = make_resolver(settings);

    *out = NULL;
    if (resolver == NULL || !channel_start()) {
        free(resolver);
        return failure_set(why, EX_OSERR, "c-ares cannot start");
    }
    if (!choose_servers(resolver, settings, why)) {
        dns_close(resolver);
        return false;
    }
    *out = resolver;
    return true;
}

void dns_close(struct dns_resolver *resolver)
{
    struct asking *asking;

    if (resolver == NULL)
        return;
    while ((asking = TAILQ_FIRST(&resolver->by_age)) != NULL) {
        TAILQ_REMOVE(&resolver->by_age, asking, in_age);
        asking->answered = true;
        if (asking->attempts == 0)
            end(resolver, asking);
    }
    pool_reset(&resolver->pool);
    free_ended(resolver);
    free(resolver);
    channel_stop();
}

/* Asking */

/* Nothing is open, but maybe attempts of what was answered. */
static void renew_servers(struct dns_resolver *resolver)
{
    int64_t timeout = resolver->pool.timeout;

    pool_reset(&resolver->pool);
    free_ended(resolver);
    resolver->pool.timeout = timeout;
    take_system_servers(resolver);
    set_interval(resolver);
    memset(resolver->plain_uses, 0, sizeof resolver->plain_uses);
    resolver->first = 0;
    resolver->is_outdated = false;
    resolver->has_news = true;
}

/* A file without any is just being written, or the network is gone: it does not take away those
 * that were there before. */
static void look_at_system(struct dns_resolver *resolver)
{
    struct resolv_conf *system = &resolver->system;
    struct resolv_conf now;

    if (!resolv_conf_has_changed(system))
        return;
    resolv_conf_read(&now, system->path);
    resolver->is_outdated = now.count > 0 && !resolv_conf_is_same(&now, system);
    if (now.count > 0)
        *system = now;
    else
        system->seen = now.seen;
}

static void look_after_servers(struct dns_resolver *resolver, int64_t now)
{
    if (resolver->system.path == NULL)
        return;
    if (!resolver->is_outdated && now - resolver->looked >= LOOK_EVERY) {
        resolver->looked = now;
        look_at_system(resolver);
    }
    if (resolver->is_outdated && resolver->open == 0)
        renew_servers(resolver);
}

int64_t dns_wait(struct dns_resolver *resolver)
{
    int64_t now = monotonic_milliseconds();
    int64_t wait;

    look_after_servers(resolver, now);
    allowance_renew(&resolver->allowance, now);
    wait = allowance_wait(&resolver->allowance);
    return wait == 0 && (resolver->is_outdated || !TAILQ_EMPTY(&resolver->due)) ? 1 : wait;
}

bool dns_take_news(struct dns_resolver *resolver, char text[DNS_NEWS_SIZE])
{
    const char *skipped = resolver->system.skipped;
    char servers[DNS_SERVERS_SIZE];
    bool has_news = resolver->has_news;

    resolver->has_news = false;
    write_servers(resolver, (1U << resolver->pool.server_count) - 1, servers);
    (void)snprintf(text, DNS_NEWS_SIZE, "%s has the nameservers %s%s%s%s", resolver->system.path,
                   servers, skipped[0] != '\0' ? "; not \"" : "", skipped,
                   skipped[0] != '\0' ? "\", which is no nameserver" : "");
    return has_news;
}

static unsigned use_plain(struct dns_resolver *resolver)
{
    unsigned plain = 0;

    for (unsigned i = 0; i < resolver->pool.server_count; i++) {
        if (resolver->plain_uses[i] == 0)
            continue;
        resolver->plain_uses[i]--;
        plain |= 1U << i;
    }
    return plain;
}

bool dns_ask(struct dns_resolver *resolver, const char *name, enum dns_type type,
             void (*answered)(void *context, const struct dns_answer *answer), void *context)
{
    struct asking *asking = calloc(1, sizeof *asking);

    if (asking == NULL)
        return false;
    asking->callback = answered;
    asking->context = context;
    asking->deadline = monotonic_milliseconds() + resolver->pool.timeout;
    question_init(&asking->question, name, type, resolver->pool.server_count, resolver->first);
    TAILQ_INSERT_TAIL(&resolver->by_age, asking, in_age);
    asking->question.plain = use_plain(resolver);
    asking->turn = TURN_FIRST;
    TAILQ_INSERT_TAIL(&resolver->first_due, asking, in_turn);
    allowance_charge(&resolver->allowance, 1);
    resolver->open++;
    return true;
}

size_t dns_open_questions(const struct dns_resolver *resolver)
{
    return resolver->open;
}

static void keep_answer(void *context, const struct dns_answer *answer)
{
    struct dns_answer *kept = context;

    *kept = *answer;
}

const struct dns_answer *dns_lookup(struct dns_resolver *resolver, const char *name,
                                    enum dns_type type)
{
    resolver->looked_up = (struct dns_answer){.result = DNS_TIMEOUT, .servers = ""};
    resolver->reply = &resolver->kept;
    if (dns_ask(resolver, name, type, keep_answer, &resolver->looked_up)) {
        while (resolver->open > 0)
            dns_run(resolver, resolver->pool.timeout);
    }
    resolver->reply = &resolver->passing;
    return &resolver->looked_up;
}
