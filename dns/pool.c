/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/pool.h"

#include <stdlib.h>

enum { TEND_EVERY = 100 /* milliseconds */ };

/* A retired one gets no more questions, and goes when it has none. */
struct source {
    struct channel *channel;
    bool retired;
};

static void close_source(struct source *source)
{
    channel_close(source->channel);
    free(source);
}

void pool_reset(struct pool *pool)
{
    for (size_t i = 0; i < pool->source_count; i++)
        close_source(pool->sources[i]);
    free(pool->sources);
    free(pool->sockets);
    *pool = (struct pool){.source_count = 0};
}

static bool make_room(struct pool *pool)
{
    size_t count = pool->source_count + 1;
    struct source **sources = realloc(pool->sources, count * sizeof(struct source *));
    struct pollfd *sockets =
        realloc(pool->sockets, count * CHANNEL_SOCKETS * sizeof(struct pollfd));

    if (sources != NULL)
        pool->sources = sources;
    if (sockets != NULL)
        pool->sockets = sockets;
    return sources != NULL && sockets != NULL;
}

static struct source *open_source(struct pool *pool, const struct server *server, bool edns)
{
    struct source *source = calloc(1, sizeof *source);

    if (source != NULL && make_room(pool))
        source->channel = channel_open(server, pool->timeout, edns);
    if (source == NULL || source->channel == NULL) {
        free(source);
        return NULL;
    }
    pool->sources[pool->source_count++] = source;
    return source;
}

/* The channel for the next attempt; NULL: out of memory. */
static struct channel *use_channel(struct pool *pool, unsigned server, bool edns)
{
    struct source **source = &pool->current[server][edns];

    if (*source != NULL && channel_is_worn((*source)->channel)) {
        (*source)->retired = true;
        *source = NULL;
    }
    if (*source == NULL)
        *source = open_source(pool, &pool->servers[server], edns);
    return *source != NULL ? (*source)->channel : NULL;
}

static void close_retired(struct pool *pool)
{
    size_t kept = 0;

    for (size_t i = 0; i < pool->source_count; i++) {
        struct source *source = pool->sources[i];
        if (source->retired && channel_open_questions(source->channel) == 0)
            close_source(source);
        else
            pool->sources[kept++] = source;
    }
    pool->source_count = kept;
}

bool pool_ask(struct pool *pool, unsigned server, bool edns, const char *name, enum dns_type type,
              channel_ended *ended, void *context)
{
    struct channel *channel = use_channel(pool, server, edns);

    return channel != NULL && channel_ask(channel, name, type, ended, context);
}

/* Callbacks do not ask: the sources stay as they are. */
bool pool_wait(struct pool *pool, int milliseconds)
{
    size_t count = pool->source_count;

    for (size_t i = 0; i < count; i++)
        channel_list_sockets(pool->sources[i]->channel, &pool->sockets[CHANNEL_SOCKETS * i]);
    if (poll(pool->sockets, CHANNEL_SOCKETS * count, milliseconds) <= 0)
        return false;
    for (size_t i = 0; i < count; i++)
        channel_process(pool->sources[i]->channel, &pool->sockets[CHANNEL_SOCKETS * i]);
    return true;
}

unsigned pool_take_queries(struct pool *pool)
{
    unsigned queries = 0;

    for (size_t i = 0; i < pool->source_count; i++)
        queries += channel_take_queries(pool->sources[i]->channel);
    return queries;
}

void pool_tend(struct pool *pool, int64_t now)
{
    if (now - pool->tended < TEND_EVERY)
        return;
    pool->tended = now;
    for (size_t i = 0; i < pool->source_count; i++)
        channel_expire(pool->sources[i]->channel);
    close_retired(pool);
}
