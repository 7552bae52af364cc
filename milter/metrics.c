/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "build-config.h"

#include "milter/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

/* --- the format --- */

static void head(FILE *out, const char *name, const char *type, const char *help)
{
    (void)fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void lone(FILE *out, const char *name, const char *type, const char *help, int64_t value)
{
    head(out, name, type, help);
    (void)fprintf(out, "%s %" PRId64 "\n", name, value);
}

/* What comes out of the store cannot break the line. */
static void put_label(FILE *out, const char *name, const char *text)
{
    (void)fprintf(out, "%s=\"", name);
    for (; *text != '\0'; text++)
        (void)fputc(*text < 0x20 || *text > 0x7e || *text == '"' || *text == '\\' ? '?' : *text,
                    out);
    (void)fputc('"', out);
}

/* Milliseconds as seconds. */
static void put_time(FILE *out, int64_t milliseconds)
{
    (void)fprintf(out, "%" PRId64 ".%03d\n", milliseconds / 1000, (int)(milliseconds % 1000));
}

/* --- messages --- */

/* The verdicts that a row of the decision table can come to. They are all there from the start, at
 * zero, so that the first message of a kind is a rate as well. */
#define MAY(verdict) (1U << (verdict))
static const unsigned policies =
    MAY(VERDICT_PASS) | MAY(VERDICT_DEFAULT) | MAY(VERDICT_REJECT) | MAY(VERDICT_DEFER);
static const unsigned possible[REASON_COUNT] = {
    [REASON_NULL_SENDER] = MAY(VERDICT_PASS),
    [REASON_NOT_OUTBOUND] = MAY(VERDICT_PASS),
    [REASON_UNAVAILABLE] = policies,
    [REASON_UNKNOWN_IDENTITY] = policies,
    [REASON_EXPIRED] = policies,
    [REASON_NO_MAIL_FROM_DOMAIN] = MAY(VERDICT_PASS) | MAY(VERDICT_DEFAULT),
    [REASON_VERIFIED] = MAY(VERDICT_PASS) | MAY(VERDICT_CUSTOM),
    [REASON_TEMPORARY_FAILURE_DEFERRED] = MAY(VERDICT_DEFER),
    [REASON_MX_FAILURE_REJECT] = MAY(VERDICT_REJECT),
    [REASON_MX_FAILURE_DEFAULT] = MAY(VERDICT_PASS) | MAY(VERDICT_DEFAULT),
    [REASON_BAD_SENDER] = MAY(VERDICT_REJECT),
};

static void write_messages(FILE *out, const struct counters *counters)
{
    static const char *const modes[COUNTERS_MODE_COUNT] = {"enforce", "monitor"};

    head(out, "mailfrom_messages_total", "counter",
         "Messages by verdict and reason, the rows of the decision table; those of mode monitor "
         "went unchanged.");
    for (size_t mode = 0; mode < COUNTERS_MODE_COUNT; mode++)
        for (size_t reason = 0; reason < REASON_COUNT; reason++)
            for (size_t verdict = 0; verdict < VERDICT_COUNT; verdict++)
                if ((possible[reason] & MAY(verdict)) != 0)
                    (void)fprintf(out,
                                  "mailfrom_messages_total{verdict=\"%s\",reason=\"%s\","
                                  "mode=\"%s\"} %" PRIu64 "\n",
                                  verdict_words[verdict], reason_words[reason], modes[mode],
                                  counters->messages[mode][reason][verdict]);
}

static void write_durations(FILE *out, const struct counters *counters)
{
    static const char name[] = "mailfrom_decision_duration_seconds";
    uint64_t count = 0;

    head(out, name, "histogram",
         "Time from the end of a message to its verdict, the look-up and the log line included.");
    for (size_t i = 0; i < COUNTERS_BOUND_COUNT; i++) {
        count += counters->buckets[i];
        (void)fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
                      (double)counters_bounds[i] / 1e9, count);
    }
    count += counters->buckets[COUNTERS_BOUND_COUNT];
    (void)fprintf(out,
                  "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %" PRIu64 ".%09" PRIu64
                  "\n%s_count %" PRIu64 "\n",
                  name, count, name, counters->nanoseconds / 1000000000,
                  counters->nanoseconds % 1000000000, name, count);
}

static void write_connections(FILE *out, const struct counters *counters)
{
    lone(out, "mailfrom_connections_total", "counter", "Connections of the MTA.",
         (int64_t)counters->connections);
    lone(out, "mailfrom_open_connections", "gauge", "Connections of the MTA that are open.",
         (int64_t)(counters->connections - counters->connections_closed));
    head(out, "mailfrom_troubles_total", "counter",
         "What could not be worked out or handed over; such a message is deferred.");
    for (size_t i = 0; i < COUNTERS_TROUBLE_COUNT; i++)
        (void)fprintf(out, "mailfrom_troubles_total{kind=\"%s\"} %" PRIu64 "\n",
                      counters_trouble_words[i], counters->troubles[i]);
}

/* --- return paths --- */

/* The forms of an answer that there can be, as of messages above. */
#define OF(form) (1U << (form))
static const unsigned possible_returns[RETURN_RESULT_COUNT] = {
    [RETURN_ELSEWHERE] = 0,
    [RETURN_OK] = OF(RETURN_PLAIN) | OF(RETURN_PRVS) | OF(RETURN_SRS),
    [RETURN_EXPIRED] = OF(RETURN_PRVS) | OF(RETURN_SRS),
    [RETURN_FORGED] = OF(RETURN_PRVS) | OF(RETURN_SRS),
    [RETURN_UNKNOWN] = OF(RETURN_NONE) | OF(RETURN_PLAIN),
    [RETURN_FEEDBACK_OFF] = OF(RETURN_PLAIN) | OF(RETURN_PRVS) | OF(RETURN_SRS),
    [RETURN_POSTMASTER] = OF(RETURN_PLAIN),
    [RETURN_UNAVAILABLE] = OF(RETURN_NONE),
};

static void write_returns(FILE *out, const struct counters *counters)
{
    head(out, "mailfrom_return_paths_total", "counter",
         "Messages that got a return path, by its form; the bounces of none are lost.");
    for (size_t form = 0; form < RETURN_FORM_COUNT; form++)
        (void)fprintf(out, "mailfrom_return_paths_total{form=\"%s\"} %" PRIu64 "\n",
                      return_form_words[form], counters->return_paths[form]);
    head(out, "mailfrom_return_total", "counter",
         "Look-ups of return paths by the MTA, which asks several times per bounce.");
    for (size_t result = 0; result < RETURN_RESULT_COUNT; result++)
        for (size_t form = 0; form < RETURN_FORM_COUNT; form++)
            if ((possible_returns[result] & OF(form)) != 0)
                (void)fprintf(out, "mailfrom_return_total{result=\"%s\",form=\"%s\"} %" PRIu64 "\n",
                              return_result_words[result], return_form_words[form],
                              counters->returns[result][form]);
}

/* --- the store --- */

static void write_records(FILE *out, const struct store_tally *tally)
{
    head(out, "mailfrom_records", "gauge",
         "Records in the store, by source and status; None is without a custom MAIL FROM domain.");
    for (size_t source = 0; source < MAIL_FROM_SOURCE_COUNT; source++)
        for (size_t status = 0; status < STORE_TALLY_STATUS_COUNT; status++)
            (void)fprintf(out, "mailfrom_records{source=\"%s\",status=\"%s\"} %" PRIu64 "\n",
                          mail_from_source_words[source],
                          status == STORE_TALLY_NO_DOMAIN ? "None" : mail_from_status_words[status],
                          tally->records[source][status]);
    lone(out, "mailfrom_expired_records", "gauge", "Records that are out of date: see on-expired.",
         (int64_t)tally->expired);
    if (tally->next_expiry != 0)
        lone(out, "mailfrom_next_expiry_timestamp_seconds", "gauge",
             "When the next record expires, if nothing refreshes it.", tally->next_expiry);
}

static void write_store(FILE *out, const struct store_view *view)
{
    lone(out, "mailfrom_store_readable", "gauge", "Is the store there, readable and not empty?",
         view->readable);
    if (view->modified != 0)
        lone(out, "mailfrom_store_modified_timestamp_seconds", "gauge",
             "When the store was last written; its age is time() less this.", view->modified);
    if (view->has_tally)
        write_records(out, &view->tally);
}

/* --- what mailfrom-sync says of itself --- */

static void write_label(FILE *out, const char *name, const struct store_view_source *source)
{
    bool is_local = strcmp(source->title, SOURCE_STATE_LOCAL) == 0;

    (void)fprintf(out, "%s{source=\"%s\",", name,
                  mail_from_source_words[is_local ? MAIL_FROM_LOCAL : MAIL_FROM_SES]);
    put_label(out, "section", is_local ? "" : source->title);
}

static void write_times(FILE *out, const struct store_view *view, const char *name,
                        const char *help, size_t offset)
{
    head(out, name, "gauge", help);
    for (size_t i = 0; i < view->source_count; i++) {
        int64_t time;
        memcpy(&time, (const char *)&view->sources[i].state + offset, sizeof time);
        write_label(out, name, &view->sources[i]);
        (void)fputs("} ", out);
        put_time(out, time);
    }
}

static void write_numbers(FILE *out, const struct store_view *view, const char *name,
                          const char *type, const char *help,
                          uint64_t (*number)(const struct store_view *view,
                                             const struct source_state *state))
{
    head(out, name, type, help);
    for (size_t i = 0; i < view->source_count; i++) {
        write_label(out, name, &view->sources[i]);
        (void)fprintf(out, "} %" PRIu64 "\n", number(view, &view->sources[i].state));
    }
}

static uint64_t is_up(const struct store_view *view, const struct source_state *state)
{
    return view->sync.runs && !source_state_is_silent(state, view->now);
}

static uint64_t is_failing(const struct store_view *view, const struct source_state *state)
{
    (void)view;
    return state->failing_since != 0;
}

static uint64_t transitions(const struct store_view *view, const struct source_state *state)
{
    (void)view;
    return state->transitions;
}

/* Of local ones nobody lists which there are: the store counts them. */
static void write_identities(FILE *out, const struct store_view *view)
{
    static const char name[] = "mailfrom_source_identities";

    head(out, name, "gauge",
         "Identities of the account, or of this gateway with a MAIL FROM domain.");
    for (size_t i = 0; i < view->source_count; i++) {
        const struct store_view_source *source = &view->sources[i];
        bool is_local = strcmp(source->title, SOURCE_STATE_LOCAL) == 0;
        if (is_local && !view->has_tally)
            continue;
        write_label(out, name, source);
        (void)fprintf(out, "} %" PRIu64 "\n",
                      is_local ? store_tally_with_domain(&view->tally, MAIL_FROM_LOCAL)
                               : source->state.identities);
    }
}

static bool is_lookup(const struct source_answer *answer)
{
    return answer->operation == SOURCE_LOOKUP;
}

static void write_api_calls(FILE *out, const struct store_view *view)
{
    static const char name[] = "mailfrom_api_calls_total";

    head(out, name, "counter", "Calls of mailfrom-sync to SES, by operation and result.");
    for (size_t i = 0; i < view->source_count; i++) {
        const struct source_state *state = &view->sources[i].state;
        for (size_t j = 0; j < state->answers_count; j++) {
            if (is_lookup(&state->answers[j]))
                continue;
            write_label(out, name, &view->sources[i]);
            (void)fprintf(out, ",operation=\"%s\",",
                          source_operation_words[state->answers[j].operation]);
            put_label(out, "result", state->answers[j].result);
            (void)fprintf(out, "} %" PRIu64 "\n", state->answers[j].count);
        }
    }
}

static void write_dns_answers(FILE *out, const struct store_view *view)
{
    static const char name[] = "mailfrom_dns_answers_total";

    head(out, name, "counter", "Answers to the look-ups of MX records, by kind.");
    for (size_t i = 0; i < view->source_count; i++) {
        const struct source_state *state = &view->sources[i].state;
        for (size_t j = 0; j < state->answers_count; j++) {
            if (!is_lookup(&state->answers[j]))
                continue;
            (void)fprintf(out, "%s{", name);
            put_label(out, "kind", state->answers[j].result);
            (void)fprintf(out, "} %" PRIu64 "\n", state->answers[j].count);
        }
    }
}

static void write_sources(FILE *out, const struct store_view *view)
{
    write_numbers(out, view, "mailfrom_source_up", "gauge",
                  "Does a mailfrom-sync keep this source now?", is_up);
    write_numbers(out, view, "mailfrom_source_failing", "gauge",
                  "Did the last call, or the last ten look-ups, fail?", is_failing);
    write_times(out, view, "mailfrom_source_last_success_timestamp_seconds",
                "When a call went well last, or a look-up was definite; 0: never.",
                offsetof(struct source_state, last_success));
    write_times(out, view, "mailfrom_source_last_error_timestamp_seconds",
                "When a call failed last, or a look-up was not definite; 0: never.",
                offsetof(struct source_state, last_error_at));
    write_times(out, view, "mailfrom_source_heartbeat_timestamp_seconds",
                "When mailfrom-sync last wrote of this source.",
                offsetof(struct source_state, heartbeat));
    write_identities(out, view);
    write_numbers(out, view, "mailfrom_transitions_total", "counter", "Changes of status.",
                  transitions);
    write_api_calls(out, view);
    write_dns_answers(out, view);
}

void metrics_write(FILE *out, const struct counters *counters, const struct store_view *view,
                   int64_t started)
{
    head(out, "mailfrom_build_info", "gauge", "The version, as a label.");
    (void)fprintf(out, "mailfrom_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
    lone(out, "process_start_time_seconds", "gauge", "When mailfrom-milter was started.", started);
    write_messages(out, counters);
    write_durations(out, counters);
    write_connections(out, counters);
    write_returns(out, counters);
    write_store(out, view);
    if (view->readable)
        write_sources(out, view);
}
