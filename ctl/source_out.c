/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/source_out.h"

#include <inttypes.h>

#include "common/moment.h"
#include "ctl/json_out.h"
#include "ctl/section.h"
#include "ctl/terminal.h"

static void label(FILE *out, const char *text)
{
    (void)fprintf(out, "%-15s ", text);
}

/* then: in milliseconds. */
static void put_moment(FILE *out, const char *name, int64_t then, int64_t now, const char *never)
{
    char age[MOMENT_AGE_SIZE];

    label(out, name);
    moment_age(then / 1000, now / 1000, age);
    if (then == 0)
        (void)fprintf(out, "%s\n", never);
    else if (then > now)
        (void)fprintf(out, "in %s\n", age);
    else
        (void)fprintf(out, "%s ago\n", age);
}

static void put_other_origin(FILE *out, const struct source *source)
{
    const char *between = ", expected MX ";

    (void)fputs(mail_from_source_words[source->kind], out);
    for (size_t i = 0; source->local != NULL && i < source->local->local.expected_mx.count; i++) {
        (void)fprintf(out, "%s%s", between, source->local->local.expected_mx.items[i]);
        between = ", ";
    }
    (void)putc('\n', out);
}

static void put_origin(FILE *out, const struct source *source)
{
    char name[SECTION_NAME_SIZE];
    char text[TERMINAL_TEXT_SIZE];

    label(out, "Source");
    if (source->kind != MAIL_FROM_SES)
        put_other_origin(out, source);
    else if (source->section == NULL)
        (void)fprintf(out, "%s, which is not in the settings: nobody refreshes it\n",
                      terminal_text(section_name(source->title, name), text));
    else
        (void)fprintf(out, "%s, region %s\n",
                      terminal_text(section_name(source->title, name), text),
                      source->region[0] != '\0' ? source->region : "not known here");
}

static void put_error(FILE *out, const struct source_state *state, int64_t now)
{
    char text[TERMINAL_TEXT_SIZE];
    char age[MOMENT_AGE_SIZE];

    label(out, "Last error");
    if (state->last_error_at == 0) {
        (void)fputs("none\n", out);
        return;
    }
    moment_age(state->last_error_at / 1000, now / 1000, age);
    (void)fprintf(out, "%s ago", age);
    moment_age(state->failing_since / 1000, now / 1000, age);
    if (state->failing_since != 0)
        (void)fprintf(out, ", failing for %s", age);
    else if (state->last_success >= state->last_error_at)
        (void)fputs(", over since", out);
    (void)fprintf(out, ": %s\n", terminal_text(state->last_error, text));
}

static void put_late(FILE *out, const struct source *source, int64_t now)
{
    char age[MOMENT_AGE_SIZE];

    label(out, "Behind");
    moment_age((now - source->late_by) / 1000, now / 1000, age);
    (void)fprintf(out, "LOOK-UPS ARE %s BEHIND: queries-per-second is %g\n", age,
                  source->local->local.queries_per_second);
}

static void put_sync(FILE *out, const struct source *source, int64_t now)
{
    const struct source_state *state = &source->state;
    bool is_local = source->kind == MAIL_FROM_LOCAL;
    bool due = state->next_call <= now;
    char age[MOMENT_AGE_SIZE];

    label(out, "mailfrom-sync");
    if (source->sync.runs)
        (void)fprintf(out, "running, process %s", source->sync.pid);
    else
        (void)fprintf(out, "NOT RUNNING%s", state->heartbeat == 0 ? ", and never did" : "");
    moment_age(state->heartbeat / 1000, now / 1000, age);
    if (source->silent && state->heartbeat == 0)
        (void)fputs(", NOTHING FROM IT YET", out);
    else if (source->silent)
        (void)fprintf(out, ", NOTHING FROM IT for %s", age);
    (void)putc('\n', out);
    if (is_local)
        put_moment(out, "Last look-up", state->last_call, now, "never");
    put_moment(out, is_local ? "Last answer" : "Last success", state->last_success, now, "never");
    put_error(out, state, now);
    if (source->sync.runs && (!is_local || state->next_call != 0))
        put_moment(out, is_local ? "Next look-up" : "Next call", due ? 0 : state->next_call, now,
                   "now");
    if (is_local && source_is_late(source))
        put_late(out, source, now);
}

static void put_counts(FILE *out, const struct source *source)
{
    const char *between = ": ";

    label(out, "Identities");
    (void)fprintf(out, "%" PRIu64, source->count.all);
    for (int status = 0; status < MAIL_FROM_STATUS_COUNT; status++) {
        if (source->count.by_status[status] == 0)
            continue;
        (void)fprintf(out, "%s%" PRIu64 " %s", between, source->count.by_status[status],
                      mail_from_status_words[status]);
        between = ", ";
    }
    if (source->count.without_domain > 0)
        (void)fprintf(out, "%s%" PRIu64 " without a MAIL FROM domain", between,
                      source->count.without_domain);
    if (source->count.unverified > 0)
        (void)fprintf(out, "; %" PRIu64 " unverified", source->count.unverified);
    if (source->count.refresh_failed > 0)
        (void)fprintf(out, "; %" PRIu64 " whose last refresh failed", source->count.refresh_failed);
    if (source->count.unclear > 0)
        (void)fprintf(out, "; %" PRIu64 " without a definite answer", source->count.unclear);
    if (source->count.feedback_off > 0 && source->kind != MAIL_FROM_SES)
        (void)fprintf(out, "; %" PRIu64 " with feedback forwarding off",
                      source->count.feedback_off);
    (void)putc('\n', out);
}

static void put_warning(FILE *out)
{
    label(out, "Warning");
    (void)fputs("NOTHING IS CHECKED: expected-mx is empty in the section local\n", out);
}

static void put_expiry(FILE *out, const struct source *source, int64_t now)
{
    char age[MOMENT_AGE_SIZE];

    label(out, "Expiry");
    moment_age(source->next_expiry, now / 1000, age);
    if (source->count.expired > 0)
        (void)fprintf(out, "%" PRIu64 " EXPIRED; ", source->count.expired);
    if (source->count.near_expiry > 0)
        (void)fprintf(out, "%" PRIu64 " NEAR; ", source->count.near_expiry);
    if (source->next_expiry != 0)
        (void)fprintf(out, "the next in %s\n", age);
    else
        (void)fputs(source->count.expired > 0 ? "no others\n" : "never\n", out);
}

void source_out_text(FILE *out, const struct source *source, int64_t now)
{
    put_origin(out, source);
    if (source_is_kept(source))
        put_sync(out, source, now);
    put_counts(out, source);
    if (source->kind != MAIL_FROM_LOCAL) /* what is local does not expire */
        put_expiry(out, source, now);
    if (source_is_unchecked(source))
        put_warning(out);
}

static void json_count(FILE *out, const char *before, const char *name, uint64_t value)
{
    (void)fprintf(out, "%s\"%s\": %" PRIu64, before, name, value);
}

static void json_flag(FILE *out, const char *before, const char *name, bool value)
{
    (void)fprintf(out, "%s\"%s\": %s", before, name, value ? "true" : "false");
}

static void json_counts(FILE *out, const struct source *source)
{
    static const char between[] = ", ";

    json_count(out, ", \"Identities\": {", "All", source->count.all);
    for (int status = 0; status < MAIL_FROM_STATUS_COUNT; status++)
        json_count(out, between, mail_from_status_words[status], source->count.by_status[status]);
    json_count(out, between, "WithoutMailFromDomain", source->count.without_domain);
    json_count(out, between, "Unverified", source->count.unverified);
    json_count(out, between, "RefreshFailed", source->count.refresh_failed);
    json_count(out, between, "NearExpiry", source->count.near_expiry);
    json_count(out, between, "Expired", source->count.expired);
    json_count(out, between, "Unclear", source->count.unclear);
    json_count(out, between, "FeedbackForwardingOff", source->count.feedback_off);
    json_out_moment(out, between, "NextExpiry", source->next_expiry);
    (void)putc('}', out);
}

static void json_sync(FILE *out, const struct source *source)
{
    static const char between[] = ", ";
    const struct source_state *state = &source->state;

    json_flag(out, between, "Running", source->sync.runs);
    json_flag(out, between, "Silent", source->silent);
    json_out_moment(out, between, "LastSuccess", state->last_success / 1000);
    json_out_moment(out, between, "LastList", state->last_list / 1000);
    json_out_moment(out, between, "LastCall", state->last_call / 1000);
    json_out_moment(out, between, "NextCall", state->next_call / 1000);
    json_out_moment(out, between, "DueSince", state->due_since / 1000);
    json_out_text(out, between, "LastError", state->last_error);
    json_out_moment(out, between, "LastErrorAt", state->last_error_at / 1000);
    json_out_moment(out, between, "FailingSince", state->failing_since / 1000);
}

static void json_expected(FILE *out, const struct settings *settings)
{
    (void)fputs(", \"ExpectedMX\": [", out);
    for (size_t i = 0; i < settings->local.expected_mx.count; i++) {
        (void)fputs(i == 0 ? "" : ", ", out);
        json_out_string(out, settings->local.expected_mx.items[i]);
    }
    (void)putc(']', out);
}

void source_out_json(FILE *out, const struct source *source)
{
    static const char between[] = ", ";

    json_out_text(out, "{", "Source", mail_from_source_words[source->kind]);
    json_out_text(out, between, "Section", source->title);
    json_out_text(out, between, "Region", source->region);
    json_flag(out, between, "Well", source_is_well(source));
    if (source->local != NULL)
        json_expected(out, source->local);
    if (source_is_kept(source))
        json_sync(out, source);
    json_counts(out, source);
    (void)putc('}', out);
}
