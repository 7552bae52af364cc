/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "tests/unit/ctl_call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#define ATTRIBUTES(entries) "{\"MailFromDomainAttributes\": {" entries "}}"
#define X_SUCCESS                                                                                  \
    "\"x.example\": {\"MailFromDomain\": \"m.x.example\", \"MailFromDomainStatus\": \"Success\"}"
#define X_FAILED                                                                                   \
    "\"x.example\": {\"MailFromDomain\": \"m.x.example\", \"MailFromDomainStatus\": \"Failed\"}"

static void import(const char *text)
{
    if (ctl_import(text) != EX_OK)
        fail_msg("%s", ctl_result.why.text);
}

static void expect_in(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void counts_what_it_did(void **state)
{
    (void)state;

    import(ATTRIBUTES(X_SUCCESS ", \"y.example\": {}, \"z.example\": {}"));
    assert_string_equal(ctl_result.out, "imported 3 identities (3 new, 0 changed, 0 unchanged)\n");
    import(ATTRIBUTES(X_FAILED ", \"y.example\": {}, \"w.example\": {}"));
    assert_string_equal(ctl_result.out, "imported 3 identities (1 new, 1 changed, 1 unchanged)\n");
    import(ATTRIBUTES("\"y.example\": {\"BehaviorOnMXFailure\": \"RejectMessage\"}"));
    assert_string_equal(ctl_result.out, "imported 1 identity (0 new, 1 changed, 0 unchanged)\n");
    import(ATTRIBUTES(""));
    assert_string_equal(ctl_result.out, "imported 0 identities (0 new, 0 changed, 0 unchanged)\n");
}

static char *exported(void)
{
    assert_int_equal(ctl_call("export", NULL), EX_OK);
    return strdup(ctl_result.out);
}

static void one_bad_record_refuses_the_file(void **state)
{
    (void)state;
    char *before;
    char *after;

    import(ATTRIBUTES(X_SUCCESS));
    before = exported();
    assert_int_equal(ctl_import(ATTRIBUTES(X_FAILED ", \"a.example\": {}, \"z z.example\": {}")),
                     EX_DATAERR);
    expect_in(ctl_result.why.text, ctl_file());
    expect_in(ctl_result.why.text, ": identity \"z\\x20z.example\": ");
    expect_in(ctl_result.why.text, "; nothing was imported");
    assert_string_equal(ctl_result.out, "");
    after = exported();
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void a_bad_file_makes_no_store(void **state)
{
    (void)state;

    assert_int_equal(ctl_import("{"), EX_DATAERR);
    assert_int_equal(ctl_call("list", NULL), EX_NOINPUT);
}

static void one_identity_twice_is_refused(void **state)
{
    (void)state;

    assert_int_equal(ctl_import(ATTRIBUTES(X_SUCCESS ", \"X.Example\": {}")), EX_DATAERR);
    expect_in(ctl_result.why.text, "identity \"x.example\": given twice");
}

static void dry_run_changes_nothing(void **state)
{
    (void)state;

    import(ATTRIBUTES(X_SUCCESS));
    import(ATTRIBUTES(X_SUCCESS)); /* the file is there */
    assert_int_equal(ctl_call("remove", "x.example", NULL), EX_OK);
    assert_int_equal(ctl_call("import", "--dry-run", ctl_file(), NULL), EX_OK);
    expect_in(ctl_result.out, "is good: 1 identity; nothing was imported");
    assert_int_equal(ctl_call("get", "x.example", NULL), EX_UNAVAILABLE);
}

static void export_and_import_keep_everything(void **state)
{
    (void)state;
    char *before;
    char *after;

    import(ATTRIBUTES(
        "\"x.example\": {\"MailFromDomain\": \"m.x.example\", \"MailFromDomainStatus\": "
        "\"TemporaryFailure\", \"BehaviorOnMXFailure\": \"RejectMessage\", \"Record\": "
        "{\"Source\": \"ses\", \"Section\": \"eu\", \"Verified\": false, \"StatusSince\": "
        "\"2026-11-20T10:00:00Z\", "
        "\"Checked\": \"2026-11-21T10:00:00Z\", \"RefreshAfter\": \"2026-11-22T10:00:00Z\", "
        "\"ExpireAfter\": null, \"LastError\": \"time-out\\n\"}}, \"a@x.example\": {\"Record\": "
        "{\"Source\": \"local\", \"StatusSince\": null}}"));
    before = exported();
    assert_int_equal(ctl_call("remove", "x.example", "a@x.example", NULL), EX_OK);
    import(before);
    assert_string_equal(ctl_result.out, "imported 2 identities (2 new, 0 changed, 0 unchanged)\n");
    after = exported();
    assert_string_equal(before, after);
    expect_in(after, "\"Section\": \"eu\"");
    free(before);
    free(after);
}

static void replacing_another_source_is_said(void **state)
{
    (void)state;

    import(ATTRIBUTES("\"x.example\": {\"Record\": {\"Source\": \"local\"}}, \"y.example\": "
                      "{\"Record\": {\"Source\": \"ses\"}}, \"z.example\": {\"Record\": "
                      "{\"Source\": \"ses\"}}"));
    import(ATTRIBUTES("\"x.example\": {}, \"y.example\": {}, \"z.example\": {}"));
    assert_string_equal(ctl_result.out,
                        "imported 3 identities (0 new, 3 changed, 0 unchanged); replaced 2 ses "
                        "records; replaced 1 local record\n");
}

static void replace_removes_only_file_records(void **state)
{
    (void)state;

    import(ATTRIBUTES("\"a.example\": {}, \"b.example\": {\"Record\": {\"Source\": \"local\"}}, "
                      "\"c.example\": {}, \"d.example\": {}, \"e.example\": {}"));
    import(ATTRIBUTES("\"c.example\": {}, \"cc.example\": {}"));
    assert_int_equal(ctl_call("import", "--replace", ctl_file(), NULL), EX_OK);
    expect_in(ctl_result.out, "(0 new, 0 changed, 2 unchanged); removed 3 file records\n");
    assert_int_equal(ctl_call("get", "b.example", "c.example", "cc.example", NULL), EX_OK);
    assert_int_equal(ctl_call("get", "a.example", NULL), EX_UNAVAILABLE);
    assert_int_equal(ctl_call("get", "e.example", NULL), EX_UNAVAILABLE);
}

#define X_SUCCESS_SINCE                                                                            \
    "\"x.example\": {\"MailFromDomain\": \"m.x.example\", \"MailFromDomainStatus\": \"Success\", " \
    "\"Record\": {\"StatusSince\": \"2020-01-01T00:00:00Z\", \"Checked\": null}}"

static void the_same_status_keeps_its_time(void **state)
{
    (void)state;

    import(ATTRIBUTES(X_SUCCESS_SINCE));
    import(ATTRIBUTES(X_SUCCESS));
    assert_int_equal(ctl_call("export", NULL), EX_OK);
    expect_in(ctl_result.out, "\"StatusSince\": \"2020-01-01T00:00:00Z\"");
    assert_null(strstr(ctl_result.out, "\"Checked\": null"));
}

static void a_time_that_is_given_wins(void **state)
{
    (void)state;

    import(ATTRIBUTES(X_SUCCESS));
    import(ATTRIBUTES(X_SUCCESS_SINCE));
    assert_int_equal(ctl_call("export", NULL), EX_OK);
    expect_in(ctl_result.out, "\"StatusSince\": \"2020-01-01T00:00:00Z\"");
}

static void another_status_begins_now(void **state)
{
    (void)state;

    import(ATTRIBUTES(X_SUCCESS_SINCE));
    import(ATTRIBUTES(X_FAILED));
    assert_int_equal(ctl_call("export", NULL), EX_OK);
    assert_null(strstr(ctl_result.out, "2020-01-01T00:00:00Z"));
}

#define X_OFF "\"x.example\": {\"FeedbackForwardingStatus\": false}"
#define X_ON  "\"x.example\": {\"FeedbackForwardingStatus\": true}"

/* What aws prints does not have the field. */
static void feedback_forwarding_that_is_not_given_stays_as_it_is(void **state)
{
    static const char *const silent[] = {
        ATTRIBUTES(X_SUCCESS), ATTRIBUTES(X_FAILED),
        ATTRIBUTES("\"x.example\": {\"Record\": {\"Source\": \"local\"}}"), ATTRIBUTES(X_SUCCESS)};
    (void)state;

    import(ATTRIBUTES(X_OFF));
    for (size_t i = 0; i < sizeof silent / sizeof silent[0]; i++) {
        import(silent[i]);
        assert_int_equal(ctl_call("export", NULL), EX_OK);
        expect_in(ctl_result.out, "\"FeedbackForwardingStatus\": false");
    }
    assert_int_equal(ctl_call("import", "--replace", ctl_file(), NULL), EX_OK);
    expect_in(ctl_result.out, "(0 new, 0 changed, 1 unchanged)");
    assert_int_equal(ctl_call("remove", "x.example", NULL), EX_OK);
    import(ATTRIBUTES(X_SUCCESS));
    assert_int_equal(ctl_call("export", NULL), EX_OK);
    expect_in(ctl_result.out, "\"FeedbackForwardingStatus\": true");
}

static void feedback_forwarding_that_is_given_is_a_change(void **state)
{
    (void)state;

    import(ATTRIBUTES(X_ON));
    import(ATTRIBUTES(X_ON));
    expect_in(ctl_result.out, "(0 new, 0 changed, 1 unchanged)");
    import(ATTRIBUTES(X_OFF));
    expect_in(ctl_result.out, "(0 new, 1 changed, 0 unchanged)");
    import(ATTRIBUTES(X_ON));
    expect_in(ctl_result.out, "(0 new, 1 changed, 0 unchanged)");
    assert_int_equal(ctl_call("get", "x.example", NULL), EX_OK);
    assert_null(strstr(ctl_result.out, "FeedbackForwardingStatus"));
}

static void a_store_that_grows_counts_once(void **state)
{
    (void)state;
    enum { COUNT = 60000 };
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    (void)fputs("{\"MailFromDomainAttributes\": {", out);
    for (int i = 0; i < COUNT; i++)
        (void)fprintf(out,
                      "%s\"x%05d.example\": {\"MailFromDomain\": \"m.x%05d.example\", "
                      "\"MailFromDomainStatus\": \"Success\"}",
                      i == 0 ? "" : ", ", i, i);
    (void)fputs("}}", out);
    (void)fclose(out);
    import(text);
    assert_string_equal(ctl_result.out,
                        "imported 60000 identities (60000 new, 0 changed, 0 unchanged)\n");
    free(text);
}

static void arguments_are_checked(void **state)
{
    (void)state;

    assert_int_equal(ctl_call("import", NULL), EX_USAGE);
    assert_int_equal(ctl_call("import", "a", "b", NULL), EX_USAGE);
    assert_int_equal(ctl_call("import", "--force", "a", NULL), EX_USAGE);
    expect_in(ctl_result.why.text, "--force; see `mailfromctl import --help'");
    assert_int_equal(ctl_call("import", "/nonexistent", NULL), EX_NOINPUT);
    expect_in(ctl_result.why.text, "/nonexistent: cannot be opened");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ctl_setup, ctl_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counts_what_it_did),
        TEST(one_bad_record_refuses_the_file),
        TEST(a_bad_file_makes_no_store),
        TEST(one_identity_twice_is_refused),
        TEST(dry_run_changes_nothing),
        TEST(export_and_import_keep_everything),
        TEST(replacing_another_source_is_said),
        TEST(replace_removes_only_file_records),
        TEST(the_same_status_keeps_its_time),
        TEST(a_time_that_is_given_wins),
        TEST(another_status_begins_now),
        TEST(feedback_forwarding_that_is_not_given_stays_as_it_is),
        TEST(feedback_forwarding_that_is_given_is_a_change),
        TEST(a_store_that_grows_counts_once),
        TEST(arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
