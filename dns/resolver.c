/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * An attempt is a question to one server. The next one follows when the last failed, or is late;
 * a late one stays open meanwhile, and the first answer counts. c-ares could go from server to
 * server by itself, but has no time-out for the whole, and forgets what a server refused.
 */
#include "dns/resolver.h"

#include "dns/channel.h"
#include "dns/message.h"
#include "dns/question.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sysexits.h>
#include <time.h>

enum {
    BURST = 64,        /* questions sent before answers are read, so that no buffer overflows */
    EXPIRE_EVERY = 100 /* milliseconds */
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

/* Each server's has one in use. The others get no more attempts, and go when they have none. */
struct source {
    SLIST_ENTRY(source) next;
    struct channel *channel;
    bool retired;
};

struct asking {
    TAILQ_ENTRY(asking) in_age;
    TAILQ_ENTRY(asking) in_turn;
    enum { TURN_DUE, TURN_LATER, TURN_NONE } turn; /* which list in_turn is of */
    int64_t turn_at;
    int64_t deadline;
    struct question question;
    unsigned open;       /* attempts for its present name */
    unsigned references; /* attempts for any name, and 1 until it is answered */
    bool answered;
    void (*callback)(void *context, const struct dns_answer *answer);
    void *context;
};
TAILQ_HEAD(askings, asking);

struct attempt {
    struct dns_resolver *resolver;
    struct asking *asking;
    unsigned server;
    unsigned aliases; /* of the question then: tells which name it was */
};

struct reply {
    struct message message;
    char servers[DNS_SERVERS_SIZE];
};

struct dns_resolver {
    struct server servers[QUESTION_SERVERS_MAX];
    struct source *current[QUESTION_SERVERS_MAX]; /* NULL before the first question */
    unsigned server_count;
    unsigned first; /* the server that answered last is asked first */
    int64_t timeout;
    int64_t interval; /* between two attempts */
    int64_t expired;
    SLIST_HEAD(, source) sources;
    struct pollfd *sockets;
    size_t source_count;
    struct askings by_age; /* hence by deadline */
    struct askings due;
    struct askings later; /* by turn_at */
    size_t open;
    bool happened;
    struct reply *reply; /* where answers are read into: one of the two */
    struct reply passing, kept;
    struct dns_answer looked_up;
};

static int64_t read_clock(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Turns */

static void leave_turn(struct dns_resolver *resolver, struct asking *asking)
{
    if (asking->turn == TURN_DUE)
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

static void release(struct asking *asking)
{
    if (--asking->references == 0)
        free(asking);
}

static void write_servers(const struct dns_resolver *resolver, unsigned from,
                          char out[DNS_SERVERS_SIZE])
{
    size_t used = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < resolver->server_count; i++) {
        if ((from & 1U << i) != 0)
            used += (size_t)snprintf(out + used, DNS_SERVERS_SIZE - used, "%s%s",
                                     used > 0 ? "," : "", resolver->servers[i].text);
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
    release(asking);
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
        message->alias[0] = '\0';
        if (octets != NULL)
            message_read(message, octets, length, question->name, question->type,
                         DNS_CNAMES_MAX - question->aliases);
        judge(attempt.resolver, asking, attempt.server, message->result);
    }
    release(asking);
}

/* Channels */

static struct source *open_source(struct dns_resolver *resolver, const struct server *server)
{
    struct source *source = calloc(1, sizeof *source);
    size_t sockets = (resolver->source_count + 1) * CHANNEL_SOCKETS;
    struct pollfd *grown = realloc(resolver->sockets, sockets * sizeof *grown);

    if (grown != NULL)
        resolver->sockets = grown;
    if (source != NULL && grown != NULL)
        source->channel = channel_open(server, resolver->timeout);
    if (source == NULL || source->channel == NULL) {
        free(source);
        return NULL;
    }
    SLIST_INSERT_HEAD(&resolver->sources, source, next);
    resolver->source_count++;
    return source;
}

/* The channel for the next attempt; NULL: out of memory. */
static struct channel *use_channel(struct dns_resolver *resolver, unsigned server)
{
    struct source **source = &resolver->current[server];

    if (*source != NULL && channel_is_worn((*source)->channel)) {
        (*source)->retired = true;
        *source = NULL;
    }
    if (*source == NULL)
        *source = open_source(resolver, &resolver->servers[server]);
    return *source != NULL ? (*source)->channel : NULL;
}

static void close_source(struct dns_resolver *resolver, struct source *source)
{
    SLIST_REMOVE(&resolver->sources, source, source, next);
    resolver->source_count--;
    channel_close(source->channel);
    free(source);
}

static void close_retired(struct dns_resolver *resolver)
{
    struct source *source = SLIST_FIRST(&resolver->sources);

    while (source != NULL) {
        struct source *next = SLIST_NEXT(source, next);
        if (source->retired && channel_open_questions(source->channel) == 0)
            close_source(resolver, source);
        source = next;
    }
}

/* Attempts */

/* Without memory nothing starts; the next turn may find some. */
static void start_attempt(struct dns_resolver *resolver, struct asking *asking, unsigned server)
{
    struct channel *channel = use_channel(resolver, server);
    struct attempt *attempt = malloc(sizeof *attempt);

    if (attempt != NULL)
        *attempt = (struct attempt){resolver, asking, server, asking->question.aliases};
    asking->open++;
    asking->references++;
    if (channel != NULL && attempt != NULL &&
        channel_ask(channel, asking->question.name, asking->question.type, end_attempt, attempt))
        return;
    asking->open--;
    asking->references--;
    free(attempt);
}

static void take_turn(struct dns_resolver *resolver, struct asking *asking, int64_t now)
{
    unsigned server;

    if (question_next(&asking->question, &server)) {
        make_later(resolver, asking, now);
        start_attempt(resolver, asking, server);
    } else if (asking->open > 0) {
        leave_turn(resolver, asking); /* one of them may still answer */
    } else {
        give_up(resolver, asking);
    }
}

static void take_turns(struct dns_resolver *resolver, int64_t now)
{
    struct asking *asking;

    while ((asking = TAILQ_FIRST(&resolver->later)) != NULL && asking->turn_at <= now)
        make_due(resolver, asking);
    for (int i = 0; i < BURST && (asking = TAILQ_FIRST(&resolver->due)) != NULL; i++)
        take_turn(resolver, asking, now);
}

/* Events */

static int64_t until(const struct dns_resolver *resolver, int64_t now, int64_t milliseconds)
{
    const struct asking *oldest = TAILQ_FIRST(&resolver->by_age);
    const struct asking *later = TAILQ_FIRST(&resolver->later);

    if (resolver->happened || !TAILQ_EMPTY(&resolver->due) || oldest == NULL || milliseconds < 0)
        return 0;
    if (oldest->deadline - now < milliseconds)
        milliseconds = oldest->deadline - now;
    if (later != NULL && later->turn_at - now < milliseconds)
        milliseconds = later->turn_at - now;
    return milliseconds < 0 ? 0 : milliseconds > INT_MAX ? INT_MAX : milliseconds;
}

/* Callbacks start no attempts: until the end the list of channels stays as it was. */
static void wait_for_answers(struct dns_resolver *resolver, int64_t milliseconds)
{
    struct pollfd *sockets = resolver->sockets;
    struct source *source;

    SLIST_FOREACH(source, &resolver->sources, next)
    {
        channel_list_sockets(source->channel, sockets);
        sockets += CHANNEL_SOCKETS;
    }
    if (poll(resolver->sockets, (nfds_t)(sockets - resolver->sockets), (int)milliseconds) <= 0)
        return;
    resolver->happened = true;
    sockets = resolver->sockets;
    SLIST_FOREACH(source, &resolver->sources, next)
    {
        channel_process(source->channel, sockets);
        sockets += CHANNEL_SOCKETS;
    }
}

static void end_overdue(struct dns_resolver *resolver, int64_t now)
{
    struct asking *oldest;

    while ((oldest = TAILQ_FIRST(&resolver->by_age)) != NULL && oldest->deadline <= now)
        give_up(resolver, oldest);
}

/* So that attempts nobody waits for any more end too. */
static void expire_attempts(struct dns_resolver *resolver, int64_t now)
{
    const struct source *source;

    if (now - resolver->expired < EXPIRE_EVERY)
        return;
    resolver->expired = now;
    SLIST_FOREACH(source, &resolver->sources, next)
    channel_expire(source->channel);
}

void dns_run(struct dns_resolver *resolver, int64_t milliseconds)
{
    int64_t now = read_clock();

    if (resolver->open == 0)
        return;
    resolver->happened = false;
    take_turns(resolver, now);
    wait_for_answers(resolver, until(resolver, now, milliseconds));
    now = read_clock();
    end_overdue(resolver, now);
    expire_attempts(resolver, now);
    close_retired(resolver);
}

/* Opening */

static bool take_servers(struct dns_resolver *resolver, const struct dns_settings *settings,
                         struct failure *why)
{
    if (settings->server_count > QUESTION_SERVERS_MAX)
        return failure_set(why, EX_CONFIG, "at most %d nameservers", QUESTION_SERVERS_MAX);
    for (size_t i = 0; i < settings->server_count; i++) {
        if (!server_parse(&resolver->servers[i], settings->servers[i], why))
            return false;
    }
    resolver->server_count = (unsigned)settings->server_count;
    return true;
}

static struct dns_resolver *make_resolver(int64_t timeout)
{
    struct dns_resolver *resolver = calloc(1, sizeof *resolver);

    if (resolver == NULL)
        return NULL;
    resolver->timeout = timeout < 1 ? 1 : timeout;
    resolver->reply = &resolver->passing;
    SLIST_INIT(&resolver->sources);
    TAILQ_INIT(&resolver->by_age);
    TAILQ_INIT(&resolver->due);
    TAILQ_INIT(&resolver->later);
    return resolver;
}

bool dns_open(struct dns_resolver **out, const struct dns_settings *settings, struct failure *why)
{
    struct dns_resolver *resolver = make_resolver(settings->timeout);

    *out = NULL;
    if (resolver == NULL || !channel_start()) {
        free(resolver);
        return failure_set(why, EX_OSERR, "c-ares cannot start");
    }
    if (settings->server_count > 0
            ? !take_servers(resolver, settings, why)
            : !channel_system_servers(resolver->servers, QUESTION_SERVERS_MAX,
                                      &resolver->server_count, why)) {
        dns_close(resolver);
        return false;
    }
    resolver->interval = resolver->timeout / (QUESTION_ROUNDS * resolver->server_count) + 1;
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
        release(asking);
    }
    while (!SLIST_EMPTY(&resolver->sources))
        close_source(resolver, SLIST_FIRST(&resolver->sources));
    free(resolver->sockets);
    free(resolver);
    channel_stop();
}

/* Asking */

bool dns_ask(struct dns_resolver *resolver, const char *name, enum dns_type type,
             void (*answered)(void *context, const struct dns_answer *answer), void *context)
{
    struct asking *asking = calloc(1, sizeof *asking);

    if (asking == NULL)
        return false;
    asking->callback = answered;
    asking->context = context;
    asking->deadline = read_clock() + resolver->timeout;
    asking->references = 1;
    asking->turn = TURN_NONE;
    question_init(&asking->question, name, type, resolver->server_count, resolver->first);
    TAILQ_INSERT_TAIL(&resolver->by_age, asking, in_age);
    make_due(resolver, asking);
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
            dns_run(resolver, resolver->timeout);
    }
    resolver->reply = &resolver->passing;
    return &resolver->looked_up;
}
