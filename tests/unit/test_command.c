/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

#include "tests/unit/ctl_call.h"

/* An identity for each kind of outcome. */
static const char sample[] =
    "{\"MailFromDomainAttributes\": {"
    "\"x.example\": {\"MailFromDomain\": \"m.x.example\", \"MailFromDomainStatus\": \"Success\"},"
    "\"r.example\": {\"MailFromDomain\": \"m.r.example\", \"MailFromDomainStatus\": \"Failed\", "
    "\"BehaviorOnMXFailure\": \"RejectMessage\"},"
    "\"a@x.example\": {\"Record\": {\"Verified\": false}},"
    "\"n.example\": {},"
    "\"\\\"a b\\\"@q.example\": {\"MailFromDomain\": \"m.q.example\", \"MailFromDomainStatus\": "
    "\"Success\"}}}";

static int setup(void **state)
{
    int failed = ctl_setup(state);

    return failed != 0 ? failed : ctl_import(sample);
}

static void expect_in(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void expect_absent(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        fail_msg("\"%s\" is in:\n%s", part, text);
}

static void get_prints_the_shape_of_the_aws_cli(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("get", "X.Example.", "n.example", "x.example", NULL), EX_OK);
    assert_string_equal(ctl_result.out, "{\n"
                                        "    \"MailFromDomainAttributes\": {\n"
                                        "        \"n.example\": {\n"
                                        "            \"BehaviorOnMXFailure\": \"UseDefaultValue\"\n"
                                        "        },\n"
                                        "        \"x.example\": {\n"
                                        "            \"MailFromDomain\": \"m.x.example\",\n"
                                        "            \"MailFromDomainStatus\": \"Success\",\n"
                                        "            \"BehaviorOnMXFailure\": \"UseDefaultValue\"\n"
                                        "        }\n"
                                        "    }\n"
                                        "}\n");
}

static void get_names_the_unknown_and_prints_the_others(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("get", "x.example", "mail.x.example", NULL), EX_UNAVAILABLE);
    expect_in(ctl_result.out, "\"x.example\": {");
    expect_absent(ctl_result.out, "mail.x.example");
    expect_in(ctl_result.err, "mailfromctl: no identity \"mail.x.example\" in the store ");
    assert_string_equal(ctl_result.why.text, "");
    assert_int_equal(ctl_call("get", "no such", NULL), EX_DATAERR);
    assert_int_equal(ctl_call("get", NULL), EX_USAGE);
}

static void list_aligns_columns_and_totals(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("list", NULL), EX_OK);
    expect_in(ctl_result.out, "IDENTITY         MAIL FROM DOMAIN  STATUS   BEHAVIOR         SOURCE"
                              "  SINCE  CHECKED  NOTE\n");
    expect_in(ctl_result.out, "\n\"a b\"@q.example  m.q.example       Success  UseDefaultValue  ");
    expect_in(ctl_result.out, "\na@x.example      -                 -        UseDefaultValue  file "
                              "   -      ");
    expect_in(ctl_result.out, "  unverified\n");
    expect_in(ctl_result.out,
              "\n5 identities: 2 Success, 1 Failed, 2 without a MAIL FROM domain\n");
}

static void list_notes_feedback_forwarding_that_is_off_beside_any_trouble(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("list", NULL), EX_OK);
    expect_absent(ctl_result.out, "feedback-off");
    assert_int_equal(
        ctl_import("{\"MailFromDomainAttributes\": {"
                   "\"n.example\": {\"FeedbackForwardingStatus\": false},"
                   "\"a@x.example\": {\"FeedbackForwardingStatus\": false, \"Record\": "
                   "{\"Verified\": false}},"
                   "\"r.example\": {\"Record\": {\"Source\": \"ses\", "
                   "\"FeedbackForwardingStatus\": false}}}}"),
        EX_OK);
    assert_int_equal(ctl_call("list", NULL), EX_OK);
    expect_in(ctl_result.out, "  feedback-off\n");
    expect_in(ctl_result.out, "  unverified; feedback-off\n");
    /* Of SES it says nothing, which has a setting of its own. */
    assert_int_equal(ctl_call("list", "--source", "ses", NULL), EX_OK);
    expect_absent(ctl_result.out, "feedback-off");
    assert_int_equal(ctl_call("list", "--json", NULL), EX_OK);
    expect_in(ctl_result.out, "\"FeedbackForwardingStatus\": false");
    expect_in(ctl_result.out, "\"FeedbackForwardingStatus\": true");
}

static void list_shows_what_is_asked_for(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("list", "--status", "failed", NULL), EX_OK);
    expect_in(ctl_result.out, "\nr.example ");
    expect_in(ctl_result.out, "\n1 identity: 1 Failed\n");
    assert_int_equal(ctl_call("list", "--status", "none", NULL), EX_OK);
    expect_in(ctl_result.out, "\n2 identities: 2 without a MAIL FROM domain\n");
    assert_int_equal(ctl_call("list", "--match", "*@*.EXAMPLE", NULL), EX_OK);
    expect_in(ctl_result.out, "\n2 identities: 1 Success, 1 without a MAIL FROM domain\n");
    assert_int_equal(
        ctl_call("list", "--match", "?.example", "--status", "Success", "--json", NULL), EX_OK);
    expect_in(ctl_result.out, "[\n{\"Identity\": \"x.example\", ");
    expect_absent(ctl_result.out, "q.example");
    expect_absent(ctl_result.out, "r.example");
    assert_int_equal(ctl_call("list", "--match", "nothing", NULL), EX_OK);
    expect_in(ctl_result.out, "\n0 identities\n");
    assert_int_equal(ctl_call("list", "--status", "good", NULL), EX_USAGE);
    expect_in(ctl_result.why.text, "--status is Pending, Success, Failed or TemporaryFailure, or "
                                   "none, not good");
    assert_int_equal(ctl_call("list", "--status", "failed", "--mail-from-domains", NULL), EX_USAGE);
}

static void list_takes_no_identity(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("list", "x.example", NULL), EX_USAGE);
    assert_int_equal(ctl_call("list", "--jsonn", NULL), EX_USAGE);
}

static void list_json_is_an_array(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("list", "--json", NULL), EX_OK);
    assert_memory_equal(ctl_result.out, "[\n{\"Identity\": ", 15);
    expect_in(ctl_result.out, "\n{\"Identity\": \"x.example\", \"Kind\": \"domain\", ");
    assert_string_equal(ctl_result.out + strlen(ctl_result.out) - 4, "}\n]\n");
}

static void what_is_misspelt_is_guessed(void **state)
{
    (void)state;
    struct failure why;

    assert_int_equal(ctl_call("list", "--sourcce", "ses", NULL), EX_USAGE);
    expect_in(ctl_result.why.text, "list: wrong option --sourcce; did you mean --source?; see ");
    assert_int_equal(ctl_call("list", "--souce=ses", NULL), EX_USAGE);
    expect_in(ctl_result.why.text, "did you mean --source?");
    assert_int_equal(ctl_call("list", "--nonsense", NULL), EX_USAGE);
    expect_absent(ctl_result.why.text, "did you mean");
    assert_int_equal(ctl_call("list", "--json=3", NULL), EX_USAGE);
    expect_in(ctl_result.why.text, "--json takes no value");
    assert_int_equal(ctl_call("list", "-j", NULL), EX_USAGE);
    expect_in(ctl_result.why.text, "unknown option -j");
    assert_int_equal(ctl_call("identity", "remvoe", "x.example", NULL), EX_USAGE);
    expect_in(ctl_result.why.text, "did you mean remove?");
    assert_int_equal(ctl_call("identity", NULL), EX_USAGE);
    expect_in(ctl_result.why.text, "add, remove or list");
    assert_int_equal(ctl_call("return-path", "ecnode", NULL), EX_USAGE);
    expect_in(ctl_result.why.text, "did you mean encode?");
    assert_int_equal(ctl_call("return-path", "key", "lsit", NULL), EX_USAGE);
    expect_in(ctl_result.why.text, "did you mean list?");
    assert_int_equal(ctl_call("help", "explian", NULL), EX_USAGE);
    expect_in(ctl_result.why.text, "no command `explian'; did you mean `mailfromctl explain'?");
    assert_false(command_unknown("xyzzy", &why));
    expect_in(why.text, "see `mailfromctl help'");
}

static void remove_is_all_or_nothing(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("remove", "x.example", "z.example", NULL), EX_UNAVAILABLE);
    expect_in(ctl_result.why.text, "no identity \"z.example\" in the store; nothing was removed");
    assert_int_equal(ctl_call("get", "x.example", NULL), EX_OK);
    assert_int_equal(ctl_call("remove", "X.example", "n.example", "x.example", NULL), EX_OK);
    assert_string_equal(ctl_result.out, "removed 2 identities\n");
    assert_int_equal(ctl_call("get", "x.example", NULL), EX_UNAVAILABLE);
    assert_int_equal(ctl_call("remove", NULL), EX_USAGE);
}

static void removing_the_last_identity_warns(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("remove", "x.example", "r.example", "a@x.example", "n.example", NULL),
                     EX_OK);
    assert_string_equal(ctl_result.err, "");
    assert_int_equal(ctl_call("remove", "\"a b\"@q.example", NULL), EX_OK);
    expect_in(ctl_result.err, "is empty now, and the milter does what on-unavailable says");
}

static void a_missing_store_is_named_and_not_made(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("remove", "x.example", NULL), EX_NOINPUT);
    assert_int_equal(ctl_call("get", "x.example", NULL), EX_NOINPUT);
    assert_int_equal(ctl_call("export", NULL), EX_NOINPUT);
    assert_int_equal(ctl_call("list", NULL), EX_NOINPUT);
    expect_in(ctl_result.why.text, "there is no store in ");
}

static void explain_shows_keys_record_and_sender(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("explain", "<a+l@x.example>", NULL), EX_OK);
    expect_in(ctl_result.out, "From address        a+l@x.example\n");
    expect_in(ctl_result.out, "Keys tried          a+l@x.example ");
    expect_in(ctl_result.out, "\n                    a@x.example ");
    expect_in(ctl_result.out, "\n                    x.example ");
    expect_in(ctl_result.out, "Outbound            yes: taken for a local submission");
    expect_in(ctl_result.out, "Identity            x.example (domain, source file)\n");
    expect_in(ctl_result.out, "Verdict             custom\nReason              verified: ");
    expect_in(ctl_result.out, "Result              MAIL FROM:<a+l@m.x.example>\n");
    expect_absent(ctl_result.out, "monitor");
}

static void explain_shows_the_exact_sender(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("explain", "\"a b\"@q.example", NULL), EX_OK);
    expect_in(ctl_result.out, "Result              MAIL FROM:<\"a b\"@m.q.example>\n");
    assert_int_equal(ctl_call("explain", "a@q.example", "--envelope", "b=c@other.example", NULL),
                     EX_OK);
    expect_in(ctl_result.out, "Envelope sender     <b=c@other.example>\n");
    expect_in(ctl_result.out, "MAIL FROM:<b=c@other.example>, unchanged\n");
}

static void explain_shows_the_reply(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("explain", "a@r.example", "--authenticated", NULL), EX_OK);
    expect_in(ctl_result.out, "Outbound            yes: the session is authenticated\n");
    expect_in(ctl_result.out,
              "Verdict             reject\nReason              mx-failure-reject: ");
    expect_in(ctl_result.out, "Result              554 5.1.8 MailFromDomainNotVerified: ");
}

static void explain_shows_why_mail_is_not_touched(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("explain", "a@x.example", "--client", "192.0.2.1", NULL), EX_OK);
    expect_in(ctl_result.out, "no: client 192.0.2.1 is not in outbound-networks\n");
    expect_in(ctl_result.out, "Reason              not-outbound: ");
    assert_int_equal(ctl_call("explain", "a@x.example", "--client", "127.0.0.1", NULL), EX_OK);
    expect_in(ctl_result.out, "yes: client 127.0.0.1 is in outbound-networks\n");
    assert_int_equal(ctl_call("explain", "a@x.example", "--envelope", "<>", NULL), EX_OK);
    expect_in(ctl_result.out, "Envelope sender     <>, the null sender\n");
    expect_in(ctl_result.out, "Reason              null-sender: ");
}

static void explain_says_that_feedback_forwarding_is_off(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("explain", "b@n.example", NULL), EX_OK);
    expect_absent(ctl_result.out, "Bounces");
    assert_int_equal(ctl_import("{\"MailFromDomainAttributes\": {\"n.example\": "
                                "{\"FeedbackForwardingStatus\": false}}}"),
                     EX_OK);
    assert_int_equal(ctl_call("explain", "b@n.example", NULL), EX_OK);
    expect_in(ctl_result.out, "\n  Bounces           not forwarded to the sender (feedback "
                              "forwarding is off)\n");
}

static void explain_knows_the_default_domain(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("explain", "a@n.example", NULL), EX_OK);
    expect_in(ctl_result.out, "Default domain      none");
    expect_in(ctl_result.out, "MAIL FROM:<a@n.example>, unchanged\n");
    ctl_settings("default-mail-from-domain = \"bounce.example\"\nmilter { mode = \"monitor\" }");
    assert_int_equal(ctl_call("explain", "a@n.example", NULL), EX_OK);
    expect_in(ctl_result.out, "MAIL FROM:<a@bounce.example>\n");
    expect_in(ctl_result.out, "monitor mode: it logs this and changes nothing");
}

static void explain_answers_without_a_store(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("explain", "a@x.example", NULL), EX_OK);
    expect_in(ctl_result.out, "Reason              unavailable: ");
    expect_in(ctl_result.out, "Detail              there is no store in ");
    expect_in(ctl_result.out, "Result              451 ");
}

static void explain_checks_its_arguments(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("explain", NULL), EX_USAGE);
    assert_int_equal(ctl_call("explain", "x.example", NULL), EX_USAGE);
    assert_int_equal(ctl_call("explain", "a@x.example", "b@x.example", NULL), EX_USAGE);
    assert_int_equal(ctl_call("explain", "a@x.example", "--envelope", NULL), EX_USAGE);
    expect_in(ctl_result.why.text, "--envelope needs a value");
    assert_int_equal(ctl_call("explain", "a@x.example", "--client", "192.0.2.0/24", NULL),
                     EX_USAGE);
    assert_int_equal(ctl_call("explain", "a@x.example", "--client", "192.0.2.256", NULL), EX_USAGE);
    assert_int_equal(ctl_call("explain", "a@x.example", "--client", "::1", "--authenticated", NULL),
                     EX_USAGE);
}

static void settings_are_printed(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("settings", NULL), EX_OK);
    expect_in(ctl_result.out, "/store\"");
    ctl_settings("stor = 1");
    assert_int_equal(ctl_call("settings", NULL), EX_CONFIG);
    assert_int_equal(ctl_call("settings", "--sample", NULL), EX_OK);
    expect_in(ctl_result.out, "default-mail-from-domain");
    assert_int_equal(ctl_call("settings", "all", NULL), EX_USAGE);
}

static void every_command_has_its_help(void **state)
{
    (void)state;
    static const char *const names[] = {"import", "export",  "get",      "list",
                                        "remove", "explain", "settings", "help"};

    assert_int_equal(ctl_call("help", NULL), EX_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(ctl_call("help", names[i], NULL), EX_OK);
        expect_in(ctl_result.out, names[i]);
    }
    assert_int_equal(ctl_call("help", "nothing", NULL), EX_USAGE);
    assert_null(command_find("nothing"));
}

#define FILLED(name) cmocka_unit_test_setup_teardown(name, setup, ctl_teardown)
#define EMPTY(name)  cmocka_unit_test_setup_teardown(name, ctl_setup, ctl_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILLED(get_prints_the_shape_of_the_aws_cli),
        FILLED(get_names_the_unknown_and_prints_the_others),
        FILLED(list_aligns_columns_and_totals),
        FILLED(list_notes_feedback_forwarding_that_is_off_beside_any_trouble),
        FILLED(list_takes_no_identity),
        FILLED(list_shows_what_is_asked_for),
        FILLED(what_is_misspelt_is_guessed),
        FILLED(list_json_is_an_array),
        FILLED(remove_is_all_or_nothing),
        FILLED(removing_the_last_identity_warns),
        EMPTY(a_missing_store_is_named_and_not_made),
        FILLED(explain_shows_keys_record_and_sender),
        FILLED(explain_shows_the_exact_sender),
        FILLED(explain_shows_the_reply),
        FILLED(explain_shows_why_mail_is_not_touched),
        FILLED(explain_says_that_feedback_forwarding_is_off),
        FILLED(explain_knows_the_default_domain),
        EMPTY(explain_answers_without_a_store),
        EMPTY(explain_checks_its_arguments),
        EMPTY(settings_are_printed),
        EMPTY(every_command_has_its_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
