/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/socketmap_clients.h"
#include "common/log_limit.h"
#include "milter/socketmap_connection.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <syslog.h>
#include <unistd.h>

/* In the list of its state, behind those that have been there longer. All clients in a list have
 * the same time to leave it, so the first one runs out of time first. */
struct socketmap_client {
    struct socketmap_client *before, *after;
    int64_t since; /* it came into the list */
    struct socketmap_connection connection;
};

enum { STATES = SOCKETMAP_UNREAD + 1 }; /* in which a client stays */

static struct {
    int poller;
    struct socketmap_handlers handlers;
    struct socketmap_limits limits;
    unsigned count;
    struct socketmap_client heads[STATES]; /* of rings */
} clients;

/* Written by the server's thread, read by any. */
static struct {
    atomic_uint_fast64_t requests, connections, closed, bad_peers, overdue, crowded_out;
} live;

static void add(atomic_uint_fast64_t *counter, uint64_t number)
{
    (void)atomic_fetch_add_explicit(counter, number, memory_order_relaxed);
}

static uint64_t get(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

/* --- lists --- */

static void take_out(struct socketmap_client *client)
{
    client->before->after = client->after;
    client->after->before = client->before;
}

static void put_last(struct socketmap_client *client, int64_t now)
{
    struct socketmap_client *head = &clients.heads[client->connection.state];

    client->since = now;
    client->before = head->before;
    client->after = head;
    head->before->after = client;
    head->before = client;
}

static struct socketmap_client *first(enum socketmap_state state)
{
    struct socketmap_client *head = &clients.heads[state];

    return head->after == head ? NULL : head->after;
}

/* --- come and go --- */

static bool watch(int operation, struct socketmap_client *client)
{
    struct epoll_event event = {.events = client->connection.state == SOCKETMAP_UNREAD ? EPOLLOUT
                                                                                       : EPOLLIN,
                                .data.ptr = client};

    return epoll_ctl(clients.poller, operation, client->connection.descriptor, &event) == 0;
}

/* The poller forgets a descriptor that is closed. */
static void end(struct socketmap_client *client)
{
    take_out(client);
    (void)close(client->connection.descriptor);
    socketmap_connection_reset(&client->connection);
    free(client);
    clients.count--;
    add(&live.closed, 1);
}

/* If none is idle, the one that has kept us waiting longest. */
static void end_longest_idle(void)
{
    static const enum socketmap_state order[] = {SOCKETMAP_IDLE, SOCKETMAP_UNFINISHED,
                                                 SOCKETMAP_UNREAD, SOCKETMAP_QUEUED};
    static struct log_limit limit;
    struct socketmap_client *client = NULL;

    for (size_t i = 0; client == NULL; i++)
        client = first(order[i]);
    end(client);
    add(&live.crowded_out, 1);
    log_limited(&limit, LOG_WARNING,
                "socketmap: more than %u connections; closed the one that was idle longest",
                clients.limits.connections);
}

void socketmap_clients_add(int descriptor, int64_t now)
{
    struct socketmap_client *client = malloc(sizeof *client);

    if (client == NULL) {
        (void)close(descriptor);
        return;
    }
    if (clients.count == clients.limits.connections)
        end_longest_idle();
    socketmap_connection_init(&client->connection, descriptor);
    put_last(client, now);
    clients.count++;
    add(&live.connections, 1);
    if (!watch(EPOLL_CTL_ADD, client))
        end(client);
}

/* --- turns --- */

void socketmap_clients_serve(struct socketmap_client *client, int64_t now)
{
    enum socketmap_state before = client->connection.state;
    uint64_t answered = client->connection.answered;
    enum socketmap_state state = socketmap_connection_serve(&client->connection, &clients.handlers);

    answered = client->connection.answered - answered;
    add(&live.requests, answered);
    add(&live.bad_peers, state == SOCKETMAP_BAD_PEER ? 1 : 0);
    if (state == SOCKETMAP_ENDED || state == SOCKETMAP_BAD_PEER) {
        end(client);
        return;
    }
    /* Otherwise its time goes on: a request that comes octet by octet gets no more of it. */
    if (state != before || answered > 0) {
        take_out(client);
        put_last(client, now);
    }
    if ((state == SOCKETMAP_UNREAD) != (before == SOCKETMAP_UNREAD) &&
        !watch(EPOLL_CTL_MOD, client))
        end(client);
}

void socketmap_clients_serve_queued(int64_t now)
{
    const struct socketmap_client *last = clients.heads[SOCKETMAP_QUEUED].before;
    struct socketmap_client *client;
    bool is_last = false;

    /* A client that has not finished is queued again, behind the last. */
    while (!is_last && (client = first(SOCKETMAP_QUEUED)) != NULL) {
        is_last = client == last;
        socketmap_clients_serve(client, now);
    }
}

/* --- time --- */

static const struct {
    enum socketmap_state state;
    const char *fault; /* NULL: it is none */
} timed[] = {
    {SOCKETMAP_IDLE, NULL},
    {SOCKETMAP_UNFINISHED, "did not finish its request"},
    {SOCKETMAP_UNREAD, "did not read its replies"},
};
enum { TIMED = sizeof timed / sizeof *timed };

/* When the time of the first in the list is over, INT64_MAX for an empty list. */
static int64_t due_in(enum socketmap_state state)
{
    const int times[STATES] = {
        [SOCKETMAP_IDLE] = clients.limits.idle_time,
        [SOCKETMAP_UNFINISHED] = clients.limits.request_time,
        [SOCKETMAP_UNREAD] = clients.limits.reply_time,
    };
    const struct socketmap_client *client = first(state);

    return client == NULL ? INT64_MAX : client->since + times[state];
}

void socketmap_clients_close_overdue(int64_t now)
{
    static struct log_limit limit;

    for (size_t i = 0; i < TIMED; i++) {
        while (due_in(timed[i].state) <= now) {
            end(first(timed[i].state));
            add(&live.overdue, 1);
            if (timed[i].fault != NULL)
                log_limited(&limit, LOG_WARNING,
                            "socketmap: closed a connection whose client %s in time",
                            timed[i].fault);
        }
    }
}

int64_t socketmap_clients_due(void)
{
    int64_t due = first(SOCKETMAP_QUEUED) == NULL ? INT64_MAX : 0;

    for (size_t i = 0; i < TIMED; i++) {
        int64_t other = due_in(timed[i].state);

        if (other < due)
            due = other;
    }
    return due;
}

/* --- all of them --- */

void socketmap_clients_init(int poller, const struct socketmap_handlers *handlers,
                            const struct socketmap_limits *limits)
{
    clients.poller = poller;
    clients.handlers = *handlers;
    clients.limits = *limits;
    clients.count = 0;
    for (size_t i = 0; i < STATES; i++)
        clients.heads[i].before = clients.heads[i].after = &clients.heads[i];
}

void socketmap_clients_reset(void)
{
    for (int state = 0; state < STATES; state++) {
        struct socketmap_client *client;

        while ((client = first((enum socketmap_state)state)) != NULL)
            end(client);
    }
}

void socketmap_clients_read_counts(struct socketmap_counts *counts)
{
    counts->requests = get(&live.requests);
    counts->bad_peers = get(&live.bad_peers);
    counts->overdue = get(&live.overdue);
    counts->crowded_out = get(&live.crowded_out);
    /* In this order there are never more closed than there were. */
    counts->closed = get(&live.closed);
    counts->connections = get(&live.connections);
}
