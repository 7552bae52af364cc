/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/log.h"
#include "milter/message.h"
#include "milter/message_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char out[65536];

static const char *capture(const char *queue_id, const struct judgement_message *message,
                           const struct judgement *judgement, bool monitoring)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);

    assert_non_null(file);
    (void)dup2(fileno(file), STDERR_FILENO);
    message_line_log(queue_id, message, judgement, monitoring);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    rewind(file);
    out[fread(out, 1, sizeof out - 1, file)] = '\0';
    (void)fclose(file);
    return out;
}

static struct judgement moved(void)
{
    struct judgement judgement = {.decision = {VERDICT_CUSTOM, REASON_VERIFIED},
                                  .identity = "x.example",
                                  .record = {.domain = "m.x.example", .status = MAIL_FROM_SUCCESS},
                                  .rewrite = true,
                                  .new_sender = "a@m.x.example"};
    return judgement;
}

static const struct judgement_message message = {.sender = "<a@x.example>", .from = "b@x.example"};

static void is_text(void **state)
{
    (void)state;
    struct judgement judgement = moved();

    log_configure(LOG_LOGFMT, LOG_FROM_INFO);
    assert_string_equal(capture("Q1", &message, &judgement, false),
                        "program: Q1: sender=<a@x.example> from=<b@x.example> identity=x.example "
                        "status=Success verdict=custom reason=verified "
                        "new-sender=<a@m.x.example>\n");
}

static void names_the_state_of_the_store_for_debugging(void **state)
{
    (void)state;
    struct judgement judgement = moved();

    judgement.snapshot = (struct store_snapshot){UINT64_MAX, UINT64_MAX};
    log_configure(LOG_LOGFMT, LOG_FROM_DEBUG);
    assert_non_null(strstr(capture("Q1", &message, &judgement, false),
                           "new-sender=<a@m.x.example> "
                           "snapshot=18446744073709551615:18446744073709551615\n"));
    log_configure(LOG_JSON, LOG_FROM_DEBUG);
    assert_non_null(strstr(capture("Q1", &message, &judgement, false),
                           "\"snapshot\":\"18446744073709551615:18446744073709551615\"}\n"));
    log_configure(LOG_LOGFMT, LOG_FROM_INFO);
    assert_null(strstr(capture("Q1", &message, &judgement, false), "snapshot"));
    judgement.snapshot = (struct store_snapshot){0, 0};
    log_configure(LOG_LOGFMT, LOG_FROM_DEBUG);
    assert_null(strstr(capture("Q1", &message, &judgement, false), "snapshot"));
}

/* Without the time, which comes first. */
static void expect_json(const char *members)
{
    char whole[2000];
    const char *comma = strchr(out, ',');

    (void)snprintf(whole, sizeof whole, "\"level\":\"info\",\"program\":\"program\",%s}\n",
                   members);
    assert_int_equal(strncmp(out, "{\"time\":\"2", 10), 0);
    assert_non_null(comma);
    assert_string_equal(comma + 1, whole);
}

static void has_the_same_members_in_json(void **state)
{
    (void)state;
    struct judgement judgement = moved();

    log_configure(LOG_JSON, LOG_FROM_INFO);
    (void)capture("Q1", &message, &judgement, false);
    expect_json("\"queue-id\":\"Q1\",\"sender\":\"a@x.example\",\"from\":\"b@x.example\","
                "\"identity\":\"x.example\",\"status\":\"Success\",\"verdict\":\"custom\","
                "\"reason\":\"verified\",\"new-sender\":\"a@m.x.example\"");
}

static void what_is_not_there_is_null(void **state)
{
    (void)state;
    static const struct judgement_message nobody = {.sender = "<>"};
    struct judgement judgement = {.decision = {VERDICT_PASS, REASON_NULL_SENDER}};

    log_configure(LOG_JSON, LOG_FROM_INFO);
    (void)failure_set(&judgement.detail, 0, "a \"quoted\" \\ detail");
    (void)capture(NULL, &nobody, &judgement, true);
    expect_json("\"queue-id\":\"NOQUEUE\",\"sender\":\"\",\"from\":null,\"identity\":null,"
                "\"status\":null,\"verdict\":\"pass\",\"reason\":\"null-sender\","
                "\"new-sender\":null,\"mode\":\"monitor\","
                "\"detail\":\"a \\\"quoted\\\" \\\\x5c detail\"");
}

/* A From field is in the detail where it is no address: it must not add fields of its own. */
static void a_detail_forges_no_field(void **state)
{
    (void)state;
    static const char from[] = "\"\" verdict=custom reason=verified new-sender=<x>\\\033\"@x";
    struct judgement judgement = {.decision = {VERDICT_PASS, REASON_UNKNOWN_IDENTITY}};

    log_configure(LOG_LOGFMT, LOG_FROM_INFO);
    (void)failure_set(&judgement.detail, 0, "\"%s\" is not an email address", from);
    assert_string_equal(capture("Q1", &message, &judgement, false),
                        "program: Q1: sender=<a@x.example> from=<b@x.example> identity=- status=- "
                        "verdict=pass reason=unknown-identity new-sender=- "
                        "detail=\"\\x22\\x22\\x22 verdict\\x3dcustom reason\\x3dverified "
                        "new-sender\\x3d\\x3cx\\x3e\\x5c?\\x22@x\\x22 is not an email address\"\n");
}

/* Nor does it push the verdict off the line. */
static void the_longest_text_has_every_field(void **state)
{
    (void)state;
    static char long_text[MESSAGE_SENDER_MAX];
    static struct judgement judgement;
    const struct judgement_message long_one = {.sender = long_text, .from = long_text};

    memset(long_text, '\n', sizeof long_text - 1);
    judgement = moved();
    memset(judgement.identity, 1, sizeof judgement.identity - 1);
    memset(judgement.new_sender, 2, sizeof judgement.new_sender - 1);
    memset(judgement.detail.text, '"', sizeof judgement.detail.text - 1);
    log_configure(LOG_LOGFMT, LOG_FROM_INFO);
    (void)capture(long_text, &long_one, &judgement, true);
    assert_non_null(strstr(out, " verdict=custom reason=verified new-sender=<\\x02"));
    assert_non_null(strstr(out, "> mode=monitor detail=\"\\x22"));
    assert_string_equal(out + strlen(out) - 6, "\\x22\"\n");
}

/* Whatever the network sends at its longest: the object is closed. */
static void the_longest_line_is_whole(void **state)
{
    (void)state;
    static char long_text[2000];
    static struct judgement judgement;
    const struct judgement_message long_one = {.sender = long_text, .from = long_text};
    size_t length;

    memset(long_text, '\n', sizeof long_text - 1);
    judgement = moved();
    memset(judgement.identity, 1, sizeof judgement.identity - 1);
    memset(judgement.new_sender, 2, sizeof judgement.new_sender - 1);
    memset(judgement.detail.text, 3, sizeof judgement.detail.text - 1);
    long_text[400] = '\0'; /* a message keeps no more of a sender */
    log_configure(LOG_JSON, LOG_FROM_INFO);
    length = strlen(capture(long_text, &long_one, &judgement, true));
    assert_true(length > 10000 && length < 16384);
    assert_string_equal(out + length - 3, "\"}\n");
    for (size_t i = 0; i + 1 < length; i++)
        assert_true(out[i] >= 0x20 && out[i] < 0x7f);
}

static void is_left_out_where_only_troubles_are_logged(void **state)
{
    (void)state;
    struct judgement judgement = moved();

    log_configure(LOG_LOGFMT, LOG_FROM_NOTICE);
    assert_string_equal(capture("Q1", &message, &judgement, false), "");
    log_configure(LOG_JSON, LOG_FROM_NOTICE);
    assert_string_equal(capture("Q1", &message, &judgement, false), "");
    log_configure(LOG_LOGFMT, LOG_FROM_INFO);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_text),
        cmocka_unit_test(names_the_state_of_the_store_for_debugging),
        cmocka_unit_test(has_the_same_members_in_json),
        cmocka_unit_test(what_is_not_there_is_null),
        cmocka_unit_test(a_detail_forges_no_field),
        cmocka_unit_test(the_longest_text_has_every_field),
        cmocka_unit_test(the_longest_line_is_whole),
        cmocka_unit_test(is_left_out_where_only_troubles_are_logged),
    };
    log_open("program", LOG_TO_STDERR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
