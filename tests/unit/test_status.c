/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * `mailfromctl status' and `mailfromctl refresh' beside a mailfrom-sync that is played by this
 * program.
 */
#include "common/instance.h"
#include "common/lookup_request.h"
#include "common/refresh_request.h"
#include "common/source_state.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/moment.h"
#include "tests/unit/ctl_call.h"

static const char sample[] =
    "{\"MailFromDomainAttributes\": {"
    "\"x.example\": {\"MailFromDomain\": \"m.x.example\", \"MailFromDomainStatus\": \"Success\","
    " \"Record\": {\"Source\": \"ses\"}},"
    "\"y.example\": {\"Record\": {\"Source\": \"ses\"}}}}";
static const char section[] = "ses { region = \"eu-west-1\"\n endpoint = \"http://127.0.0.1:9\" }";

static int setup(void **state)
{
    int failed = ctl_setup(state);

    if (failed != 0)
        return failed;
    ctl_settings(section);
    return ctl_import(sample);
}

/* The mailfrom-sync that is played: a process that holds the lock, and nothing else. */
static pid_t sync_process;

static void start_sync(void)
{
    struct failure why;
    char octet;
    int ready[2];

    assert_int_equal(pipe(ready), 0);
    sync_process = fork();
    if (sync_process == 0) {
        (void)alarm(300);
        (void)close(ready[0]);
        if (instance_lock(ctl_store(), &why) && write(ready[1], "", 1) == 1)
            (void)pause();
        _exit(1);
    }
    (void)close(ready[1]);
    assert_int_equal(read(ready[0], &octet, 1), 1);
    (void)close(ready[0]);
}

static void end_sync(void)
{
    (void)kill(sync_process, SIGKILL);
}

static void reap_sync(void)
{
    if (sync_process == 0)
        return;
    end_sync();
    (void)waitpid(sync_process, NULL, 0);
    sync_process = 0;
}

static int teardown(void **state)
{
    reap_sync();
    return ctl_teardown(state);
}

static struct store *open_store(void)
{
    struct store *store = NULL;
    struct failure why;

    if (!store_open(&store, ctl_store(), STORE_WRITE, "", &why))
        fail_msg("%s", why.text);
    return store;
}

static bool write_state(struct store *store, void *context, struct failure *why)
{
    return source_state_write(store, "", context, why);
}

static bool write_local_state(struct store *store, void *context, struct failure *why)
{
    return source_state_write(store, SOURCE_STATE_LOCAL, context, why);
}

static void set_state(struct source_state state)
{
    struct store *store = open_store();
    struct failure why;

    assert_true(store_update(store, write_state, &state, &why));
    store_close(store);
}

static void set_local_state(struct source_state state)
{
    struct store *store = open_store();
    struct failure why;

    assert_true(store_update(store, write_local_state, &state, &why));
    store_close(store);
}

/* In the middle of a minute, so that a busy machine does not make it another one. */
static struct source_state healthy(void)
{
    int64_t now = moment_milliseconds();

    return (struct source_state){.heartbeat = now,
                                 .last_success = now - 750000,
                                 .last_call = now - 750000,
                                 .next_call = now + 2490000};
}

static void expect_in(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void expect_process(void)
{
    char line[64];

    (void)snprintf(line, sizeof line, "mailfrom-sync   running, process %ld\n", (long)sync_process);
    expect_in(ctl_result.out, line);
}

static void all_is_well_while_mailfrom_sync_succeeds(void **state)
{
    (void)state;
    start_sync();
    set_state(healthy());
    assert_int_equal(ctl_call("status", NULL), EX_OK);
    expect_process();
    expect_in(ctl_result.out, "Source          ses, region eu-west-1\n");
    expect_in(ctl_result.out, "Last success    12m ago\n"
                              "Last error      none\n"
                              "Next call       in 4");
    expect_in(ctl_result.out, "Identities      2: 1 Success, 1 without a MAIL FROM domain\n"
                              "Expiry          never\n");
    assert_int_equal(ctl_call("status", "--json", NULL), EX_OK);
    expect_in(ctl_result.out, "{\"Well\": true, \"Sources\": [\n{\"Source\": \"ses\", ");
}

static void an_error_shows_with_its_age_and_whether_it_lasts(void **state)
{
    struct source_state failing = healthy();

    (void)state;
    start_sync();
    failing.last_error_at = failing.heartbeat - 210000;
    failing.failing_since = failing.heartbeat - 330000;
    (void)strcpy(failing.last_error, "Throttling: Rate exceeded \033[2J");
    set_state(failing);
    assert_int_equal(ctl_call("status", NULL), 1);
    expect_in(ctl_result.out,
              "Last error      3m ago, failing for 5m: Throttling: Rate exceeded \\x1b[2J\n");
    assert_string_equal(ctl_result.why.text, "");
    failing.failing_since = 0;
    failing.last_success = failing.last_error_at + 1;
    set_state(failing);
    assert_int_equal(ctl_call("status", NULL), EX_OK);
    expect_in(ctl_result.out, "3m ago, over since: Throttling");
    /* As of look-ups, of which a few without an answer are no failure yet. */
    failing.last_success = failing.last_error_at - 1;
    set_state(failing);
    assert_int_equal(ctl_call("status", NULL), EX_OK);
    expect_in(ctl_result.out, "3m ago: Throttling");
}

/* An identity that is not there, so that nothing is asked of the DNS. */
static void check_sees_mailfrom_sync_too(void **state)
{
    struct source_state failing = healthy();

    (void)state;
    start_sync();
    set_state(healthy());
    assert_int_equal(ctl_call("check", "nobody.example", NULL), 2);
    expect_in(ctl_result.out, "ok       mailfrom-sync: is alive\n");
    failing.failing_since = failing.heartbeat - 1230000;
    (void)strcpy(failing.last_error, "AccessDenied");
    set_state(failing);
    assert_int_equal(ctl_call("check", "nobody.example", NULL), 2);
    expect_in(ctl_result.out, "error    mailfrom-sync: ses fails for 20m: AccessDenied\n");
    failing.failing_since = failing.heartbeat - 90000;
    set_state(failing);
    reap_sync();
    assert_int_equal(ctl_call("check", "nobody.example", NULL), 2);
    expect_in(ctl_result.out, "error    mailfrom-sync: does not run, so records do not follow SES");
    expect_in(ctl_result.out, "warning  mailfrom-sync: ses fails for 1m: AccessDenied\n");
}

static void a_mailfrom_sync_that_ended_is_not_running(void **state)
{
    (void)state;
    set_state(healthy());
    assert_int_equal(ctl_call("status", NULL), 1);
    expect_in(ctl_result.out, "mailfrom-sync   NOT RUNNING\n");
}

static void a_mailfrom_sync_that_is_slow_runs_and_one_that_is_stuck_is_silent(void **state)
{
    struct source_state slow = healthy();

    (void)state;
    start_sync();
    slow.heartbeat -= 600000;
    set_state(slow);
    assert_int_equal(ctl_call("status", NULL), EX_OK);
    expect_process();
    slow.heartbeat -= 600000;
    set_state(slow);
    assert_int_equal(ctl_call("status", NULL), 1);
    expect_in(ctl_result.out, ", NOTHING FROM IT for 20m\n");
    assert_int_equal(ctl_call("status", "--json", NULL), 1);
    expect_in(ctl_result.out, "\"Running\": true, \"Silent\": true, ");
    assert_int_equal(ctl_call("check", "nobody.example", NULL), 2);
    expect_in(ctl_result.out, "error    mailfrom-sync: runs, but says nothing of ses");
    slow.heartbeat = 0;
    set_state(slow);
    assert_int_equal(ctl_call("status", NULL), 1);
    expect_in(ctl_result.out, ", NOTHING FROM IT YET\n");
}

static void refresh_only_asks_a_mailfrom_sync_that_runs(void **state)
{
    struct store *store;
    struct failure why;

    (void)state;
    start_sync();
    assert_int_equal(ctl_call("refresh", "--no-wait", "X.example", "new.example", NULL), EX_OK);
    assert_string_equal(ctl_result.out, "asked mailfrom-sync to refresh 2 identities\n");
    store = open_store();
    assert_int_equal(refresh_request_find(store, "x.example", &why), STORE_FOUND);
    assert_int_equal(refresh_request_find(store, "new.example", &why), STORE_FOUND);
    assert_int_equal(refresh_request_find(store, "y.example", &why), STORE_NOT_FOUND);
    store_close(store);
    assert_int_equal(ctl_call("refresh", "--no-wait", NULL), EX_OK);
    store = open_store();
    assert_int_equal(refresh_request_find(store, REFRESH_REQUEST_ALL, &why), STORE_FOUND);
    store_close(store);
}

static bool serve(struct store *store, void *context, struct failure *why)
{
    struct mail_from record;

    (void)context;
    return store_get(store, "x.example", &record, why) == STORE_FOUND &&
           (record.status = MAIL_FROM_FAILED) == MAIL_FROM_FAILED &&
           store_put(store, "x.example", &record, why) &&
           refresh_request_remove(store, "x.example", why);
}

static bool is_any(void *context, const char *identity, int64_t requested)
{
    (void)identity;
    (void)requested;
    *(bool *)context = true;
    return false;
}

static bool is_any_look_up(void *context, const char *identity)
{
    return is_any(context, identity, 0);
}

static void wait_for_request(void)
{
    const struct timespec moment = {.tv_nsec = 10000000};
    struct store *store = open_store();
    struct failure why;
    bool asked = false;

    while (refresh_request_each(store, is_any, &asked, &why) &&
           lookup_request_each(store, is_any_look_up, &asked, &why) && !asked)
        (void)nanosleep(&moment, NULL);
    store_close(store);
}

/* Does this in another process, once there is a request: LMDB wants each process to open a store
 * once. */
static pid_t later(void (*work)(void))
{
    pid_t child = fork();

    if (child != 0)
        return child;
    (void)alarm(300);
    wait_for_request();
    work();
    _exit(0);
}

static void serve_request(void)
{
    struct store *store = open_store();
    struct failure why;

    if (!store_update(store, serve, NULL, &why))
        (void)fprintf(stderr, "%s\n", why.text);
    store_close(store);
}

static void refresh_waits_until_the_request_is_gone(void **state)
{
    pid_t child;

    (void)state;
    start_sync();
    child = later(serve_request);
    assert_int_equal(ctl_call("refresh", "x.example", NULL), EX_OK);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_string_equal(ctl_result.out, "mailfrom-sync refreshed 1 identity\n"
                                        "x.example: m.x.example, Failed, UseDefaultValue\n");
}

/* The next one takes a moment to start, and then does what was asked. */
static void restart_sync(void)
{
    struct timespec moment = {.tv_nsec = 500000000};
    struct failure why;

    end_sync();
    (void)nanosleep(&moment, NULL);
    if (instance_lock(ctl_store(), &why))
        serve_request();
}

static void refresh_waits_for_a_mailfrom_sync_that_is_restarted(void **state)
{
    pid_t child;

    (void)state;
    start_sync();
    child = later(restart_sync);
    assert_int_equal(ctl_call("refresh", "x.example", NULL), EX_OK);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void refresh_does_not_wait_for_a_mailfrom_sync_that_ends(void **state)
{
    pid_t child;

    (void)state;
    start_sync();
    child = later(end_sync);
    assert_int_equal(ctl_call("refresh", NULL), EX_TEMPFAIL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    expect_in(ctl_result.why.text, "mailfrom-sync has ended");
}

static void refresh_without_a_section_says_so(void **state)
{
    (void)state;
    ctl_settings("");
    assert_int_equal(ctl_call("refresh", NULL), EX_CONFIG);
    assert_int_equal(ctl_call("status", NULL), 1);
    expect_in(ctl_result.out, "ses, which is not in the settings: nobody refreshes it");
}

static const char local_section[] = "local { expected-mx = {\"mx1.example\", \"mx2.example\"} }";

/* One that is Success, one whose look-ups say nothing, one without a domain. */
static void make_local(const char *settings)
{
    static const char local[] =
        "{\"MailFromDomainAttributes\": {"
        "\"l.example\": {\"MailFromDomain\": \"m.l.example\", \"MailFromDomainStatus\": "
        "\"Success\", \"Record\": {\"Source\": \"local\", \"Found\": \"MX 10 mx1.example\","
        " \"FoundAt\": \"2026-01-01T00:00:00Z\"}},"
        "\"u.example\": {\"MailFromDomain\": \"m.u.example\", \"MailFromDomainStatus\": "
        "\"TemporaryFailure\", \"Record\": {\"Source\": \"local\", \"Found\": \"timeout from "
        "127.0.0.1:53\", \"UnclearSince\": \"2026-01-01T00:00:00Z\"}},"
        "\"w.example\": {\"FeedbackForwardingStatus\": false, \"Record\": {\"Source\": "
        "\"local\"}}}}";

    ctl_settings(settings);
    assert_int_equal(ctl_call("remove", "x.example", "y.example", NULL), EX_OK);
    assert_int_equal(ctl_import(local), EX_OK);
}

static void the_local_source_shows_its_look_ups(void **state)
{
    (void)state;
    make_local(local_section);
    start_sync();
    set_local_state(healthy());
    assert_int_equal(ctl_call("status", NULL), EX_OK);
    expect_process();
    expect_in(ctl_result.out, "Source          local, expected MX mx1.example, mx2.example\n");
    expect_in(ctl_result.out, "Last look-up    12m ago\n"
                              "Last answer     12m ago\n"
                              "Last error      none\n"
                              "Next look-up    in 4");
    expect_in(ctl_result.out, "Identities      3: 1 Success, 1 TemporaryFailure, 1 without a MAIL "
                              "FROM domain; 1 without a definite answer; 1 with feedback "
                              "forwarding off\n");
    assert_null(strstr(ctl_result.out, "Expiry"));
    assert_int_equal(ctl_call("status", "--json", NULL), EX_OK);
    expect_in(ctl_result.out, "\"ExpectedMX\": [\"mx1.example\", \"mx2.example\"], \"Running\": "
                              "true, \"Silent\": false, ");
    expect_in(ctl_result.out, "\"Unclear\": 1, \"FeedbackForwardingOff\": 1");
}

static void a_local_source_that_fails_or_that_nobody_keeps_is_not_well(void **state)
{
    struct source_state failing = healthy();

    (void)state;
    make_local(local_section);
    assert_int_equal(ctl_call("status", NULL), 1);
    expect_in(ctl_result.out, "mailfrom-sync   NOT RUNNING, and never did\n"
                              "Last look-up    never\n");
    start_sync();
    failing.failing_since = failing.heartbeat - 330000;
    set_local_state(failing);
    assert_int_equal(ctl_call("status", NULL), 1);
}

static void without_an_expected_mx_status_warns(void **state)
{
    (void)state;
    make_local("");
    assert_int_equal(ctl_call("status", NULL), EX_OK);
    expect_in(ctl_result.out, "Warning         NOTHING IS CHECKED: expected-mx is empty");
    assert_null(strstr(ctl_result.out, "RUNNING"));
    assert_int_equal(ctl_call("remove", "l.example", "u.example", NULL), EX_OK);
    assert_int_equal(ctl_call("status", NULL), EX_OK);
    assert_null(strstr(ctl_result.out, "Warning"));
}

static void expected_mx_alone_is_a_source(void **state)
{
    (void)state;
    ctl_settings(local_section);
    assert_int_equal(ctl_call("remove", "x.example", "y.example", NULL), EX_OK);
    assert_int_equal(ctl_call("status", NULL), EX_OK); /* there is nothing to look up */
    expect_in(ctl_result.out, "Source          local, expected MX mx1.example");
    assert_int_equal(ctl_call("status", "too-much", NULL), EX_USAGE);
    assert_null(strstr(ctl_result.why.text, "get"));
}

/* context: what was found; NULL: nothing definite. */
static bool look_up(struct store *store, void *context, struct failure *why)
{
    struct mail_from record;

    if (store_get(store, "u.example", &record, why) != STORE_FOUND)
        return false;
    record.found_at = moment_milliseconds() / 1000;
    record.refresh_after = record.found_at + 3600;
    if (context != NULL) {
        record.status = MAIL_FROM_SUCCESS;
        record.unclear_since = 0;
        (void)strcpy(record.found, context);
    }
    return store_put(store, "u.example", &record, why);
}

static void play_look_up(const char *found)
{
    struct store *store = open_store();
    struct failure why;

    if (!store_update(store, look_up, (void *)found, &why))
        (void)fprintf(stderr, "%s\n", why.text);
    store_close(store);
}

static void look_up_now(void)
{
    play_look_up("MX 10 mx1.example");
}

static void look_up_in_vain(void)
{
    play_look_up(NULL);
}

static void refresh_waits_until_a_local_one_is_looked_up(void **state)
{
    pid_t child;

    (void)state;
    make_local(local_section);
    start_sync();
    child = later(look_up_now);
    assert_int_equal(ctl_call("refresh", "u.example", "w.example", NULL), EX_OK);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_string_equal(ctl_result.out,
                        "u.example: m.u.example, Success, UseDefaultValue; found MX 10 "
                        "mx1.example\n"
                        "w.example: no MAIL FROM domain\n");
}

static void refresh_fails_where_the_look_up_says_nothing_definite(void **state)
{
    pid_t child;

    (void)state;
    make_local(local_section);
    start_sync();
    child = later(look_up_in_vain);
    assert_int_equal(ctl_call("refresh", "u.example", NULL), EX_UNAVAILABLE);
    assert_int_equal(waitpid(child, NULL, 0), child);
    expect_in(ctl_result.out, "u.example: m.u.example, TemporaryFailure, UseDefaultValue; found "
                              "timeout from 127.0.0.1:53\n");
    expect_in(ctl_result.why.text, "the look-up of 1 identity brought nothing definite");
}

static void a_local_source_that_is_behind_says_so(void **state)
{
    struct source_state late = healthy();

    (void)state;
    make_local(local_section);
    start_sync();
    late.due_since = late.heartbeat - 60000;
    set_local_state(late);
    assert_int_equal(ctl_call("status", NULL), EX_OK);
    assert_null(strstr(ctl_result.out, "Behind"));
    late.due_since = late.heartbeat - 15 * 3600000LL - 30000;
    set_local_state(late);
    assert_int_equal(ctl_call("status", NULL), 1);
    expect_in(ctl_result.out,
              "Behind          LOOK-UPS ARE 15h BEHIND: queries-per-second is 100\n");
    assert_int_equal(ctl_call("status", "--json", NULL), 1);
    expect_in(ctl_result.out, "\"Well\": false");
    expect_in(ctl_result.out, "\"DueSince\": \"2");
}

static bool take_first(void *context, const char *key, const struct mail_from *record)
{
    (void)record;
    (void)strcpy(context, key);
    return false;
}

static void refresh_without_mailfrom_sync_leaves_a_local_one_due(void **state)
{
    char first[IDENTITY_SIZE] = "";
    struct mail_from record;
    struct store *store;
    struct failure why;

    (void)state;
    make_local(local_section);
    assert_int_equal(ctl_call("refresh", "l.example", NULL), EX_TEMPFAIL);
    expect_in(ctl_result.why.text, "mailfrom-sync does not run");
    store = open_store();
    assert_int_equal(store_get(store, "l.example", &record, &why), STORE_FOUND);
    assert_true(moment_milliseconds() / 1000 - record.refresh_after < 60);
    assert_int_equal(record.status, MAIL_FROM_SUCCESS);
    assert_true(store_each_due(store, NULL, NULL, take_first, first, &why));
    assert_string_equal(first, "u.example"); /* which never was looked up */
    store_close(store);
    assert_int_equal(ctl_call("refresh", "--no-wait", "l.example", NULL), EX_OK);
    assert_string_equal(ctl_result.out, "asked mailfrom-sync to look up 1 local identity\n");
    assert_int_equal(ctl_call("refresh", "--section", "eu", "l.example", NULL), EX_USAGE);
    ctl_settings("");
    assert_int_equal(ctl_call("refresh", "l.example", NULL), EX_CONFIG);
    expect_in(ctl_result.why.text, "expected-mx");
}

#define UNIT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(all_is_well_while_mailfrom_sync_succeeds),
        UNIT_TEST(an_error_shows_with_its_age_and_whether_it_lasts),
        UNIT_TEST(check_sees_mailfrom_sync_too),
        UNIT_TEST(a_mailfrom_sync_that_ended_is_not_running),
        UNIT_TEST(a_mailfrom_sync_that_is_slow_runs_and_one_that_is_stuck_is_silent),
        UNIT_TEST(refresh_only_asks_a_mailfrom_sync_that_runs),
        UNIT_TEST(refresh_waits_until_the_request_is_gone),
        UNIT_TEST(refresh_waits_for_a_mailfrom_sync_that_is_restarted),
        UNIT_TEST(refresh_does_not_wait_for_a_mailfrom_sync_that_ends),
        UNIT_TEST(refresh_without_a_section_says_so),
        UNIT_TEST(the_local_source_shows_its_look_ups),
        UNIT_TEST(a_local_source_that_fails_or_that_nobody_keeps_is_not_well),
        UNIT_TEST(without_an_expected_mx_status_warns),
        UNIT_TEST(expected_mx_alone_is_a_source),
        UNIT_TEST(refresh_waits_until_a_local_one_is_looked_up),
        UNIT_TEST(refresh_fails_where_the_look_up_says_nothing_definite),
        UNIT_TEST(a_local_source_that_is_behind_says_so),
        UNIT_TEST(refresh_without_mailfrom_sync_leaves_a_local_one_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
