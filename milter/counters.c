/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/counters.h"

#include <stdatomic.h>

const char *const counters_trouble_words[COUNTERS_TROUBLE_COUNT] = {
    [TROUBLE_OUT_OF_MEMORY] = "out-of-memory",
    [TROUBLE_REPLY] = "reply",
    [TROUBLE_NEW_SENDER] = "new-sender",
    [TROUBLE_NEGOTIATION] = "negotiation",
    [TROUBLE_PACKET] = "packet",
    [TROUBLE_TIMEOUT] = "timeout",
    [TROUBLE_CONNECTIONS] = "connections",
};

const int64_t counters_bounds[COUNTERS_BOUND_COUNT] = {
    5000,   10000,   25000,   50000,    100000,    250000,
    500000, 1000000, 5000000, 25000000, 100000000, 1000000000,
};

static struct {
    atomic_uint_fast64_t messages[COUNTERS_MODE_COUNT][REASON_COUNT][VERDICT_COUNT];
    atomic_uint_fast64_t buckets[COUNTERS_BUCKET_COUNT];
    atomic_uint_fast64_t nanoseconds;
    atomic_uint_fast64_t connections;
    atomic_uint_fast64_t connections_closed;
    atomic_uint_fast64_t troubles[COUNTERS_TROUBLE_COUNT];
    atomic_uint_fast64_t return_paths[RETURN_FORM_COUNT];
    atomic_uint_fast64_t returns[RETURN_RESULT_COUNT][RETURN_FORM_COUNT];
} live;

static void add(atomic_uint_fast64_t *counter, uint64_t number)
{
    (void)atomic_fetch_add_explicit(counter, number, memory_order_relaxed);
}

static uint64_t get(const atomic_uint_fast64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void counters_add_message(enum settings_mode mode, struct decision decision, int64_t nanoseconds)
{
    size_t bucket = 0;

    while (bucket < COUNTERS_BOUND_COUNT && nanoseconds > counters_bounds[bucket])
        bucket++;
    add(&live.messages[mode][decision.reason][decision.verdict], 1);
    add(&live.buckets[bucket], 1);
    add(&live.nanoseconds, (uint64_t)nanoseconds);
}

void counters_add_connection(void)
{
    add(&live.connections, 1);
}

void counters_close_connection(void)
{
    add(&live.connections_closed, 1);
}

void counters_add_trouble(enum counters_trouble trouble)
{
    add(&live.troubles[trouble], 1);
}

void counters_add_return_path(enum return_form form)
{
    add(&live.return_paths[form], 1);
}

void counters_add_return(enum return_result result, enum return_form form)
{
    add(&live.returns[result][form], 1);
}

void counters_read(struct counters *counters)
{
    for (size_t mode = 0; mode < COUNTERS_MODE_COUNT; mode++)
        for (size_t reason = 0; reason < REASON_COUNT; reason++)
            for (size_t verdict = 0; verdict < VERDICT_COUNT; verdict++)
                counters->messages[mode][reason][verdict] =
                    get(&live.messages[mode][reason][verdict]);
    for (size_t i = 0; i < COUNTERS_BUCKET_COUNT; i++)
        counters->buckets[i] = get(&live.buckets[i]);
    for (size_t i = 0; i < COUNTERS_TROUBLE_COUNT; i++)
        counters->troubles[i] = get(&live.troubles[i]);
    for (size_t form = 0; form < RETURN_FORM_COUNT; form++) {
        counters->return_paths[form] = get(&live.return_paths[form]);
        for (size_t result = 0; result < RETURN_RESULT_COUNT; result++)
            counters->returns[result][form] = get(&live.returns[result][form]);
    }
    counters->nanoseconds = get(&live.nanoseconds);
    /* In this order there are never more closed than there were. */
    counters->connections_closed = get(&live.connections_closed);
    counters->connections = get(&live.connections);
}
