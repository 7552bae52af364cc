/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/local_state.h"
#include "sync/schedule.h"

#include <string.h>

enum { MISSED_MAX = 3 /* look-ups that did not take place: then nobody looked */ };

static int64_t seconds(int64_t milliseconds)
{
    return (milliseconds + 999) / 1000;
}

int64_t local_state_window(enum mail_from_status status, const struct settings *settings)
{
    if (status == MAIL_FROM_PENDING)
        return seconds(settings->local.pending_window);
    if (status == MAIL_FROM_TEMPORARY_FAILURE)
        return seconds(settings->local.temporary_failure_window);
    return 0;
}

/* What the answer comes to, once grace is over. */
static enum mx_finding judge(const struct local_state *state, enum mx_finding finding, int64_t now,
                             const struct settings *settings)
{
    if (finding == MX_UNCLEAR &&
        now - state->unclear_since >= seconds(settings->local.indeterminate_grace))
        return MX_GONE;
    return finding;
}

static enum mail_from_status next_status(const struct local_state *state, enum mx_finding finding,
                                         int64_t now, const struct settings *settings)
{
    bool is_over = now - state->since >= local_state_window(state->status, settings);

    if (finding == MX_UNCLEAR)
        return state->status;
    switch (state->status) {
    case MAIL_FROM_PENDING:
    case MAIL_FROM_TEMPORARY_FAILURE:
        if (finding == MX_FOUND)
            return MAIL_FROM_SUCCESS;
        return is_over ? MAIL_FROM_FAILED : state->status;
    case MAIL_FROM_SUCCESS:
        return finding == MX_FOUND ? MAIL_FROM_SUCCESS : MAIL_FROM_TEMPORARY_FAILURE;
    case MAIL_FROM_FAILED:
        return finding == MX_FOUND && settings->local.recheck_failed ? MAIL_FROM_SUCCESS
                                                                     : MAIL_FROM_FAILED;
    }
    return state->status;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The end of a window, or of the grace time, is a time to look as well. */
static int64_t next_check(const struct local_state *state, int64_t now,
                          const struct settings *settings, double random)
{
    bool is_settled = state->status == MAIL_FROM_SUCCESS || state->status == MAIL_FROM_FAILED;
    int64_t window = local_state_window(state->status, settings);
    int64_t interval =
        seconds(is_settled && state->unclear_since == 0 ? settings->local.success_interval
                                                        : settings->local.pending_interval);
    int64_t when = schedule_refresh(now, interval, random);
    int64_t grace_over = state->unclear_since + seconds(settings->local.indeterminate_grace);

    if (state->status == MAIL_FROM_FAILED && !settings->local.recheck_failed)
        return 0;
    if (window > 0 && state->since + window > now)
        when = earlier(when, state->since + window);
    if (state->unclear_since > 0 && grace_over > now)
        when = earlier(when, grace_over);
    return when > now ? when : now + 1;
}

/* Did nobody look since the last answer? A gap of the grace time alone does not tell: with a short
 * one, look-ups that are made as planned may be as far apart. */
static bool nobody_looked(const struct local_state *state, int64_t now,
                          const struct settings *settings)
{
    int64_t gap = now - state->looked_up;
    int64_t planned = seconds(settings->local.pending_interval + settings->local.timeout);

    return gap >= seconds(settings->local.indeterminate_grace) && gap / planned > MISSED_MAX;
}

struct local_state local_state_next(struct local_state state, enum mx_finding finding, int64_t now,
                                    const struct settings *settings, double random)
{
    bool is_first = state.unclear_since == 0 || state.unclear_since > now ||
                    nobody_looked(&state, now, settings);
    enum mail_from_status status;

    if (finding != MX_UNCLEAR)
        state.unclear_since = 0;
    else if (is_first)
        state.unclear_since = now;
    state.looked_up = now;
    status = next_status(&state, judge(&state, finding, now, settings), now, settings);
    if (status != state.status)
        state.since = now;
    state.status = status;
    state.next_check = next_check(&state, now, settings, random);
    return state;
}

void local_state_apply(struct mail_from *record, const struct mx_question *question, int64_t now,
                       const struct settings *settings, double random)
{
    struct local_state state = {.status = record->status,
                                .since = record->status_since,
                                .looked_up = record->found_at,
                                .unclear_since = record->unclear_since};

    state = local_state_next(state, question->finding, now, settings, random);
    record->status = state.status;
    record->status_since = state.since;
    record->unclear_since = state.unclear_since;
    record->refresh_after = state.next_check;
    record->found_at = now;
    memcpy(record->found, question->found, sizeof record->found);
    if (question->finding != MX_UNCLEAR)
        record->checked = now;
}
