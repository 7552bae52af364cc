/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/budget.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/moment.h"
#include "common/source_state.h"

enum {
    WAIT_MAX = 5000, /* milliseconds */
    WAIT_MIN = 20
};

/* One attempt to take the turn. */
struct turn {
    const struct settings_ses *section;
    bool insist;
    int64_t remaining; /* milliseconds until it is ours; 0: it is */
};

/* A last call in the future is what a clock that was set back leaves. */
static int64_t remaining(const struct turn *turn, int64_t last_call, int64_t now)
{
    int64_t interval = (int64_t)(1000 / turn->section->requests_per_second);

    if (turn->insist || last_call > now || now - last_call >= interval)
        return 0;
    return interval - (now - last_call);
}

/* What this process did; mailfrom-sync, which writes its own state as a whole, may forget it. */
static int64_t own_last_call;

/* Looks and takes in one transaction, so that of two programs one waits. */
static bool take(struct store *store, void *context, struct failure *why)
{
    struct turn *turn = context;
    struct source_state state = {0};
    int64_t now = moment_milliseconds();

    if (source_state_read(store, turn->section->title, &state, why) == STORE_FAILED)
        return false;
    if (state.last_call < own_last_call)
        state.last_call = own_last_call;
    turn->remaining = remaining(turn, state.last_call, now);
    if (turn->remaining > 0)
        return true;
    state.last_call = own_last_call = now;
    return source_state_write(store, turn->section->title, &state, why);
}

static bool take_without_store(struct turn *turn)
{
    int64_t now = moment_milliseconds();

    turn->remaining = remaining(turn, own_last_call, now);
    if (turn->remaining == 0)
        own_last_call = now;
    return true;
}

/* Until then, or until the deadline. */
static void pause_for(int64_t length, int64_t deadline)
{
    int64_t left = deadline - moment_milliseconds();
    struct timespec time = {0};

    length = length < left ? length : left;
    length = length < WAIT_MIN ? WAIT_MIN : length;
    time = (struct timespec){.tv_sec = length / 1000, .tv_nsec = (length % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

/* Others are there too, and may be first each time: the budget has room for one call more. */
bool budget_wait(const struct settings_ses *section, struct store *store, struct failure *why)
{
    struct turn turn = {.section = section};
    int64_t deadline = moment_milliseconds() + WAIT_MAX;
    static bool told; /* once is enough */

    for (;;) {
        if (store == NULL ? !take_without_store(&turn) : !store_update(store, take, &turn, why))
            return false;
        if (turn.remaining == 0)
            return true;
        if (!told && isatty(STDERR_FILENO) == 1)
            (void)fputs("waiting for room in the account's budget (requests-per-second)\n", stderr);
        told = true;
        pause_for(turn.remaining, deadline);
        turn.insist = moment_milliseconds() >= deadline;
    }
}
