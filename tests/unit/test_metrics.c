/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static struct counters counters;
static struct store_view view;

static int forget(void **state)
{
    (void)state;
    memset(&counters, 0, sizeof counters);
    memset(&view, 0, sizeof view);
    view.readable = view.has_tally = true;
    view.now = 1000000000000;
    return 0;
}

static char *text_of(void)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    metrics_write(out, &counters, &view, 12345);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void expect_lines(const char *const lines[], size_t count, bool there)
{
    char *text = text_of();

    for (size_t i = 0; i < count; i++) {
        char line[200];
        (void)snprintf(line, sizeof line, "\n%s%s", lines[i], there ? "\n" : "");
        if ((strstr(text, line) != NULL) != there)
            fail_msg("%s: %s\n%s", there ? "missing" : "not to be there", lines[i], text);
    }
    free(text);
}
#define EXPECT(...)                                                                                \
    do {                                                                                           \
        static const char *const lines[] = {__VA_ARGS__};                                          \
        expect_lines(lines, sizeof lines / sizeof *lines, true);                                   \
    } while (0)
#define EXPECT_NONE(...)                                                                           \
    do {                                                                                           \
        static const char *const lines[] = {__VA_ARGS__};                                          \
        expect_lines(lines, sizeof lines / sizeof *lines, false);                                  \
    } while (0)

static void every_row_of_the_decision_table_is_there_at_zero(void **state)
{
    (void)state;
    EXPECT("mailfrom_messages_total{verdict=\"custom\",reason=\"verified\",mode=\"enforce\"} 0",
           "mailfrom_messages_total{verdict=\"custom\",reason=\"verified\",mode=\"monitor\"} 0",
           "mailfrom_messages_total{verdict=\"reject\",reason=\"bad-sender\",mode=\"enforce\"} 0",
           "mailfrom_messages_total{verdict=\"defer\",reason=\"expired\",mode=\"enforce\"} 0",
           "process_start_time_seconds 12345", "mailfrom_return_paths_total{form=\"none\"} 0",
           "mailfrom_return_total{result=\"ok\",form=\"plain\"} 0",
           "mailfrom_return_total{result=\"forged\",form=\"srs\"} 0");
    EXPECT_NONE("mailfrom_return_total{result=\"elsewhere\"",
                "mailfrom_return_total{result=\"forged\",form=\"plain\"");
    EXPECT_NONE("mailfrom_messages_total{verdict=\"reject\",reason=\"verified\"");
}

/* Whatever the facts and the policy: a decision is never missing from the metrics. */
static void no_decision_is_left_out(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1U << 15; bits++) {
        struct decision_facts facts = {.null_sender = bits & 1,
                                       .outbound = bits & 2,
                                       .sender_portable = bits & 4,
                                       .lookup = (enum lookup_result)((bits >> 3 & 3) % 3),
                                       .has_mail_from_domain = bits & 32,
                                       .status = (enum mail_from_status)(bits >> 6 & 3),
                                       .behavior = (enum mail_from_behavior)(bits >> 8 & 1),
                                       .expire_after = bits >> 9 & 1};
        static const enum verdict choices[] = {VERDICT_PASS, VERDICT_DEFAULT, VERDICT_REJECT,
                                               VERDICT_DEFER};
        enum verdict choice = choices[bits >> 10 & 3];
        struct decision_policy policy = {choice, choice, choice, bits >> 12 & 1, bits >> 13 & 1};
        struct decision decision = decide(facts, policy, 100);
        counters.messages[0][decision.reason][decision.verdict] = 7;
    }
    for (size_t reason = 0; reason < REASON_COUNT; reason++) {
        for (size_t verdict = 0; verdict < VERDICT_COUNT; verdict++) {
            char line[200];
            const char *const lines[] = {line};
            (void)snprintf(
                line, sizeof line,
                "mailfrom_messages_total{verdict=\"%s\",reason=\"%s\",mode=\"enforce\"} 7",
                verdict_words[verdict], reason_words[reason]);
            if (counters.messages[0][reason][verdict] != 0)
                expect_lines(lines, 1, true);
        }
    }
}

static void the_histogram_is_cumulative_and_in_seconds(void **state)
{
    (void)state;
    counters.buckets[0] = 3;
    counters.buckets[2] = 4;
    counters.buckets[COUNTERS_BOUND_COUNT] = 1;
    counters.nanoseconds = 2000000042;
    EXPECT("mailfrom_decision_duration_seconds_bucket{le=\"5e-06\"} 3",
           "mailfrom_decision_duration_seconds_bucket{le=\"1e-05\"} 3",
           "mailfrom_decision_duration_seconds_bucket{le=\"2.5e-05\"} 7",
           "mailfrom_decision_duration_seconds_bucket{le=\"1\"} 7",
           "mailfrom_decision_duration_seconds_bucket{le=\"+Inf\"} 8",
           "mailfrom_decision_duration_seconds_sum 2.000000042",
           "mailfrom_decision_duration_seconds_count 8");
}

static void counts_into_the_right_bucket(void **state)
{
    (void)state;
    static const struct decision decision = {VERDICT_CUSTOM, REASON_VERIFIED};
    struct counters before;

    counters_read(&before);
    counters_add_message(MODE_MONITOR, decision, 0);
    counters_add_message(MODE_MONITOR, decision, 5000);
    counters_add_message(MODE_MONITOR, decision, 5001);
    counters_add_message(MODE_ENFORCE, decision, 1000000001);
    counters_add_connection();
    counters_add_connection();
    counters_close_connection();
    counters_add_trouble(TROUBLE_NEW_SENDER);
    counters_read(&counters);
    assert_int_equal(counters.buckets[0] - before.buckets[0], 2);
    assert_int_equal(counters.buckets[1] - before.buckets[1], 1);
    assert_int_equal(counters.buckets[COUNTERS_BOUND_COUNT], 1);
    assert_int_equal(counters.nanoseconds - before.nanoseconds, 1000010002);
    EXPECT("mailfrom_messages_total{verdict=\"custom\",reason=\"verified\",mode=\"monitor\"} 3",
           "mailfrom_messages_total{verdict=\"custom\",reason=\"verified\",mode=\"enforce\"} 1",
           "mailfrom_connections_total 2", "mailfrom_open_connections 1",
           "mailfrom_troubles_total{kind=\"new-sender\"} 1",
           "mailfrom_troubles_total{kind=\"reply\"} 0");
}

static void tells_of_the_records(void **state)
{
    (void)state;
    view.tally.records[MAIL_FROM_LOCAL][MAIL_FROM_PENDING] = 5;
    view.tally.records[MAIL_FROM_FILE][STORE_TALLY_NO_DOMAIN] = 6;
    view.tally.expired = 7;
    view.modified = 99;
    EXPECT("mailfrom_store_readable 1", "mailfrom_records{source=\"local\",status=\"Pending\"} 5",
           "mailfrom_records{source=\"file\",status=\"None\"} 6", "mailfrom_expired_records 7",
           "mailfrom_store_modified_timestamp_seconds 99");
    EXPECT_NONE("mailfrom_next_expiry_timestamp_seconds");
    view.tally.next_expiry = 1234;
    EXPECT("mailfrom_next_expiry_timestamp_seconds 1234");
}

static void says_nothing_of_what_it_does_not_know(void **state)
{
    (void)state;
    view.has_tally = false;
    EXPECT("mailfrom_store_readable 1");
    EXPECT_NONE("mailfrom_records", "mailfrom_expired_records");
    view.readable = false;
    EXPECT("mailfrom_store_readable 0", "mailfrom_connections_total 0");
    EXPECT_NONE("mailfrom_source_up", "mailfrom_store_modified");
}

static void tells_of_each_source(void **state)
{
    (void)state;
    struct source_state *eu = &view.sources[0].state;
    struct source_state *local = &view.sources[1].state;

    view.source_count = 2;
    strcpy(view.sources[0].title, "eu");
    strcpy(view.sources[1].title, SOURCE_STATE_LOCAL);
    view.sync.runs = true;
    *eu = (struct source_state){.heartbeat = view.now - 1000,
                                .last_success = 5042,
                                .failing_since = 3,
                                .transitions = 4,
                                .identities = 5};
    source_state_count(eu, SOURCE_FETCH, "throttled");
    source_state_count(eu, SOURCE_FETCH, "throttled");
    source_state_count(local, SOURCE_LOOKUP, "NXDOMAIN");
    EXPECT("mailfrom_source_up{source=\"ses\",section=\"eu\"} 1",
           "mailfrom_source_up{source=\"local\",section=\"\"} 0",
           "mailfrom_source_failing{source=\"ses\",section=\"eu\"} 1",
           "mailfrom_source_failing{source=\"local\",section=\"\"} 0",
           "mailfrom_source_last_success_timestamp_seconds{source=\"ses\",section=\"eu\"} 5.042",
           "mailfrom_source_last_error_timestamp_seconds{source=\"ses\",section=\"eu\"} 0.000",
           "mailfrom_transitions_total{source=\"ses\",section=\"eu\"} 4",
           "mailfrom_source_identities{source=\"ses\",section=\"eu\"} 5",
           "mailfrom_api_calls_total{source=\"ses\",section=\"eu\","
           "operation=\"GetIdentityMailFromDomainAttributes\",result=\"throttled\"} 2",
           "mailfrom_dns_answers_total{kind=\"NXDOMAIN\"} 1");
    view.sync.runs = false;
    EXPECT("mailfrom_source_up{source=\"ses\",section=\"eu\"} 0");
}

static void what_the_store_holds_cannot_break_a_line(void **state)
{
    (void)state;
    view.source_count = 1;
    strcpy(view.sources[0].title, "a\"} 5\n\\\xff");
    EXPECT("mailfrom_source_up{source=\"ses\",section=\"a?} 5???\"} 0");
}

static void is_ready_only_with_a_store_and_nothing_expired(void **state)
{
    (void)state;
    struct failure why;

    assert_true(store_view_is_ready(&view, &why));
    view.tally.expired = 3;
    assert_false(store_view_is_ready(&view, &why));
    assert_string_equal(why.text, "expired records in the store: 3");
    view.readable = false;
    (void)failure_set(&view.why, EX_NOINPUT, "no store");
    assert_false(store_view_is_ready(&view, &why));
    assert_string_equal(why.text, "no store");
}

#define TEST(function) cmocka_unit_test_setup(function, forget)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(every_row_of_the_decision_table_is_there_at_zero),
        TEST(no_decision_is_left_out),
        TEST(the_histogram_is_cumulative_and_in_seconds),
        TEST(counts_into_the_right_bucket),
        TEST(tells_of_the_records),
        TEST(says_nothing_of_what_it_does_not_know),
        TEST(tells_of_each_source),
        TEST(what_the_store_holds_cannot_break_a_line),
        TEST(is_ready_only_with_a_store_and_nothing_expired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
