/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/attributes.h"
#include "ctl/attributes_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

enum { NOW = 1795341600 }; /* 2026-11-22T10:00:00Z */

struct taken {
    struct attributes_item last;
    size_t count;
};

static bool take(void *context, const struct attributes_item *item, struct failure *why)
{
    struct taken *taken = context;

    (void)why;
    taken->last = *item;
    taken->count++;
    return true;
}

static bool read_text(const char *text, struct taken *taken, struct failure *why)
{
    *taken = (struct taken){0};
    return attributes_read(text, strlen(text), NOW, take, taken, why);
}

/* A text with one identity. */
static bool read_one(const char *identity, const char *fields, struct taken *taken,
                     struct failure *why)
{
    char text[8192];

    (void)snprintf(text, sizeof text, "{\"MailFromDomainAttributes\": {\"%s\": %s}}", identity,
                   fields);
    return read_text(text, taken, why);
}

#define DOMAIN_M "\"MailFromDomain\": \"m.x.example\""

static void takes_every_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour;
        const char *fields;
        const char *domain;
        enum mail_from_status status;
        enum mail_from_behavior behavior;
    } rows[] = {
        {"v1",
         "{" DOMAIN_M ", \"MailFromDomainStatus\": \"Success\", \"BehaviorOnMXFailure\": "
         "\"RejectMessage\"}",
         "m.x.example", MAIL_FROM_SUCCESS, MAIL_FROM_REJECT_MESSAGE},
        {"v2",
         "{" DOMAIN_M ", \"MailFromDomainStatus\": \"TEMPORARY_FAILURE\", "
         "\"BehaviorOnMxFailure\": \"REJECT_MESSAGE\"}",
         "m.x.example", MAIL_FROM_TEMPORARY_FAILURE, MAIL_FROM_REJECT_MESSAGE},
        {"behaviour absent", "{" DOMAIN_M ", \"MailFromDomainStatus\": \"Failed\"}", "m.x.example",
         MAIL_FROM_FAILED, MAIL_FROM_USE_DEFAULT_VALUE},
        {"behaviour empty",
         "{" DOMAIN_M ", \"MailFromDomainStatus\": \"Pending\", \"BehaviorOnMXFailure\": \"\"}",
         "m.x.example", MAIL_FROM_PENDING, MAIL_FROM_USE_DEFAULT_VALUE},
        {"behaviour null",
         "{" DOMAIN_M ", \"MailFromDomainStatus\": \"PENDING\", \"BehaviorOnMxFailure\": null}",
         "m.x.example", MAIL_FROM_PENDING, MAIL_FROM_USE_DEFAULT_VALUE},
        {"no domain", "{\"BehaviorOnMXFailure\": \"RejectMessage\"}", "", MAIL_FROM_PENDING,
         MAIL_FROM_REJECT_MESSAGE},
        {"nothing", "{}", "", MAIL_FROM_PENDING, MAIL_FROM_USE_DEFAULT_VALUE},
        {"Pending without a domain",
         "{\"MailFromDomain\": \"\", \"MailFromDomainStatus\": "
         "\"Pending\"}",
         "", MAIL_FROM_PENDING, MAIL_FROM_USE_DEFAULT_VALUE},
        {"Success without a domain is not configured either",
         "{\"MailFromDomainStatus\": \"Success\"}", "", MAIL_FROM_PENDING,
         MAIL_FROM_USE_DEFAULT_VALUE},
        {"an emulator's status without a domain",
         "{\"MailFromDomain\": null, \"MailFromDomainStatus\": \"NOT_STARTED\"}", "",
         MAIL_FROM_PENDING, MAIL_FROM_USE_DEFAULT_VALUE},
        {"upper case and last dot",
         "{\"MailFromDomain\": \"M.X.Example.\", \"MailFromDomainStatus\": \"Success\"}",
         "m.x.example", MAIL_FROM_SUCCESS, MAIL_FROM_USE_DEFAULT_VALUE},
        {"deep subdomain",
         "{\"MailFromDomain\": \"a.b.x.example\", \"MailFromDomainStatus\": \"Success\"}",
         "a.b.x.example", MAIL_FROM_SUCCESS, MAIL_FROM_USE_DEFAULT_VALUE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct mail_from *record;
        struct taken taken;
        struct failure why;
        if (!read_one("x.example", rows[i].fields, &taken, &why))
            fail_msg("%s: %s", rows[i].behaviour, why.text);
        record = &taken.last.record;
        if (strcmp(record->domain, rows[i].domain) != 0 || record->status != rows[i].status ||
            record->behavior != rows[i].behavior)
            fail_msg("%s: gave \"%s\" %d %d", rows[i].behaviour, record->domain,
                     (int)record->status, (int)record->behavior);
    }
}

static void fills_in_what_a_file_does_not_say(void **state)
{
    (void)state;
    struct taken taken;
    struct failure why;

    assert_true(read_one("A@X.Example", "{}", &taken, &why));
    assert_string_equal(taken.last.identity.text, "A@x.example");
    assert_int_equal(taken.last.record.kind, IDENTITY_ADDRESS);
    assert_int_equal(taken.last.record.source, MAIL_FROM_FILE);
    assert_true(taken.last.record.verified);
    assert_int_equal(taken.last.record.status_since, NOW);
    assert_int_equal(taken.last.record.checked, NOW);
    assert_int_equal(taken.last.record.refresh_after, 0);
    assert_int_equal(taken.last.record.expire_after, 0);
    assert_string_equal(taken.last.record.last_error, "");
    assert_false(taken.last.record.feedback_off);
    assert_false(taken.last.given.since);
    assert_false(taken.last.given.feedback);
    assert_false(taken.last.given.mail_from);
}

static void feedback_forwarding_stands_beside_the_others_or_in_the_record(void **state)
{
    static const struct {
        const char *fields;
        bool off;
        bool given;
    } rows[] = {
        {"{}", false, false},
        {"{\"Record\": {}}", false, false},
        {"{\"FeedbackForwardingStatus\": false}", true, true},
        {"{\"FeedbackForwardingStatus\": true}", false, true},
        {"{\"Record\": {\"FeedbackForwardingStatus\": false}}", true, true},
        {"{\"Record\": {\"FeedbackForwardingStatus\": true}}", false, true},
        {"{\"FeedbackForwardingStatus\": false, \"Record\": "
         "{\"FeedbackForwardingStatus\": false}}",
         true, true},
        {"{\"FeedbackForwardingStatus\": true, \"Record\": "
         "{\"FeedbackForwardingStatus\": true}}",
         false, true},
    };
    (void)state;
    struct failure why = {0};
    struct taken taken;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!read_one("x.example", rows[i].fields, &taken, &why))
            fail_msg("%s: %s", rows[i].fields, why.text);
        if (taken.last.record.feedback_off != rows[i].off ||
            taken.last.given.feedback != rows[i].given)
            fail_msg("%s: gave %d %d", rows[i].fields, taken.last.record.feedback_off,
                     taken.last.given.feedback);
    }
}

static void takes_our_own_fields(void **state)
{
    (void)state;
    struct taken taken;
    struct failure why;

    assert_true(read_one("x.example",
                         "{\"Record\": {\"Source\": \"local\", \"Verified\": false, "
                         "\"StatusSince\": \"1970-01-01T00:00:01Z\", \"Checked\": null, "
                         "\"RefreshAfter\": \"1970-01-01T00:00:03Z\", "
                         "\"ExpireAfter\": \"1970-01-01T00:00:04Z\", \"LastError\": \"no\\nMX\"}}",
                         &taken, &why));
    assert_int_equal(taken.last.record.source, MAIL_FROM_LOCAL);
    assert_false(taken.last.record.verified);
    assert_int_equal(taken.last.record.status_since, 1);
    assert_int_equal(taken.last.record.checked, 0);
    assert_int_equal(taken.last.record.refresh_after, 3);
    assert_int_equal(taken.last.record.expire_after, 4);
    assert_string_equal(taken.last.record.last_error, "no\nMX");
    assert_true(taken.last.given.since);
}

static void refuses_bad_records_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour;
        const char *identity;
        const char *fields;
        const char *reason; /* stands somewhere in the failure */
    } rows[] = {
        {"typo in a field", "x.example", "{\"MailFromDomian\": \"m.x.example\"}",
         "unknown field \"MailFromDomian\""},
        {"field in another case", "x.example", "{\"mailFromDomain\": \"m.x.example\"}",
         "unknown field \"mailFromDomain\""},
        {"field of Record outside of it", "x.example", "{\"Source\": \"file\"}",
         "unknown field \"Source\""},
        {"typo in Record", "x.example", "{\"Record\": {\"Sauce\": \"file\"}}",
         "Record: unknown field \"Sauce\""},
        {"terminal escape in a field", "x.example", "{\"\\u001b[2J\": 1}",
         "unknown field \"\\x1b[2J\""},
        {"field twice", "x.example", "{\"Record\": {}, \"Record\": {}}", "Record is given twice"},
        {"both spellings", "x.example",
         "{\"BehaviorOnMXFailure\": \"RejectMessage\", \"BehaviorOnMxFailure\": "
         "\"USE_DEFAULT_VALUE\"}",
         "BehaviorOnMXFailure is given twice"},
        {"domain without status", "x.example", "{" DOMAIN_M "}",
         "MailFromDomain stands without MailFromDomainStatus"},
        {"domain with an empty status", "x.example",
         "{" DOMAIN_M ", \"MailFromDomainStatus\": \"\"}", "without MailFromDomainStatus"},
        {"unknown status", "x.example", "{" DOMAIN_M ", \"MailFromDomainStatus\": \"NOT_STARTED\"}",
         "MailFromDomainStatus is \"NOT_STARTED\", but must be Pending, Success"},
        {"status in another case", "x.example",
         "{" DOMAIN_M ", \"MailFromDomainStatus\": \"success\"}", "must be Pending"},
        {"unknown behaviour", "x.example", "{\"BehaviorOnMXFailure\": \"Reject\"}",
         "must be UseDefaultValue or RejectMessage"},
        {"domain of another", "x.example",
         "{\"MailFromDomain\": \"m.y.example\", \"MailFromDomainStatus\": \"Success\"}",
         "is not subdomain of the domain of the identity"},
        {"the identity's own domain", "x.example",
         "{\"MailFromDomain\": \"x.example\", \"MailFromDomainStatus\": \"Success\"}",
         "is not subdomain"},
        {"only the letters agree", "x.example",
         "{\"MailFromDomain\": \"mx.example\", \"MailFromDomainStatus\": \"Success\"}",
         "is not subdomain"},
        {"domain of another, for an address", "a@x.example",
         "{\"MailFromDomain\": \"m.example\", \"MailFromDomainStatus\": \"Success\"}",
         "is not subdomain"},
        {"no domain name", "x.example",
         "{\"MailFromDomain\": \"m m.x.example\", \"MailFromDomainStatus\": \"Success\"}",
         "MailFromDomain: "},
        {"a number for a domain", "x.example", "{\"MailFromDomain\": 1}",
         "MailFromDomain must be a string"},
        {"an array for a status", "x.example", "{\"MailFromDomainStatus\": []}",
         "MailFromDomainStatus must be a string"},
        {"a record that is a string", "x.example", "\"Success\"", "an object { .. } is expected"},
        {"a record that is null", "x.example", "null", "an object { .. } is expected"},
        {"Record that is an array", "x.example", "{\"Record\": []}", "Record: an object"},
        {"a title that is none", "x.example", "{\"Record\": {\"Section\": \"a b\"}}",
         "Section is not a title of a section"},
        {"unknown source", "x.example", "{\"Record\": {\"Source\": \"dns\"}}",
         "Source is \"dns\", but must be ses, local or file"},
        {"Verified in words", "x.example", "{\"Record\": {\"Verified\": \"true\"}}",
         "Verified must be true or false"},
        {"feedback forwarding as a number", "x.example", "{\"FeedbackForwardingStatus\": 0}",
         "FeedbackForwardingStatus must be true or false"},
        {"feedback forwarding in words", "x.example", "{\"FeedbackForwardingStatus\": \"off\"}",
         "FeedbackForwardingStatus must be true or false"},
        {"feedback forwarding that is null", "x.example", "{\"FeedbackForwardingStatus\": null}",
         "FeedbackForwardingStatus must be true or false"},
        {"feedback forwarding as a number in Record", "x.example",
         "{\"Record\": {\"FeedbackForwardingStatus\": 1}}",
         "Record: FeedbackForwardingStatus must be true or false"},
        {"feedback forwarding twice in Record", "x.example",
         "{\"Record\": {\"FeedbackForwardingStatus\": true, \"FeedbackForwardingStatus\": true}}",
         "Record: FeedbackForwardingStatus is given twice"},
        {"feedback forwarding both ways", "x.example",
         "{\"FeedbackForwardingStatus\": true, \"Record\": {\"FeedbackForwardingStatus\": false}}",
         "FeedbackForwardingStatus is true, but that of Record is false"},
        {"time in seconds", "x.example", "{\"Record\": {\"Checked\": 1795341600}}",
         "Checked must be a time such as"},
        {"time with an offset", "x.example",
         "{\"Record\": {\"Checked\": \"2026-11-22T10:00:00+01:00\"}}", "Checked must be a time"},
        {"empty identity", "", "{}", "identity \"\": "},
        {"identity with a space", "x .example", "{}", "identity \"x\\x20.example\": "},
        {"address literal", "a@[192.0.2.1]", "{}", "identity \"a@[192.0.2.1]\": "},
        {"mailbox with a name", "A <a@x.example>", "{}", "identity \"A\\x20\\x3ca@x.example\\x3e"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct taken taken;
        struct failure why = {0};
        if (read_one(rows[i].identity, rows[i].fields, &taken, &why))
            fail_msg("%s: was taken", rows[i].behaviour);
        if (strncmp(why.text, "identity \"", 10) != 0 || strstr(why.text, rows[i].reason) == NULL)
            fail_msg("%s: said \"%s\", not \"%s\"", rows[i].behaviour, why.text, rows[i].reason);
        assert_int_equal(why.exit_code, EX_DATAERR);
        assert_int_equal(taken.count, 0);
    }
}

static void refuses_other_texts(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour;
        const char *text;
        const char *failure; /* how it begins */
    } rows[] = {
        {"nothing", "", "line 1, column 1: not JSON"},
        {"blank", " \n ", "line 2, column 1: not JSON"},
        {"cut short", "{\n  \"MailFromDomainAttributes\": {", "line 2, column 31: not JSON"},
        {"comma too many", "{\n \"MailFromDomainAttributes\": {},\n}",
         "line 3, column 1: not JSON"},
        {"two values", "{\"MailFromDomainAttributes\": {}}\n {}",
         "line 2, column 2: something follows"},
        {"quote missing", "{\"MailFromDomainAttributes: {}}\n", "line 1, column 32: control"},
        {"an array", "[]", "not what `aws ses"},
        {"typo at the top", "{\"MailFromDomainAttribute\": {}}",
         "not what `aws ses get-identity-mail-from-domain-attributes' prints: unknown field "
         "\"MailFromDomainAttribute\""},
        {"an empty object", "{}",
         "not what `aws ses get-identity-mail-from-domain-attributes' prints: no object "
         "\"MailFromDomainAttributes\""},
        {"attributes as an array", "{\"MailFromDomainAttributes\": []}", "not what"},
        {"attributes twice", "{\"MailFromDomainAttributes\": {}, \"MailFromDomainAttributes\": {}}",
         "not what"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct taken taken;
        struct failure why = {0};
        if (read_text(rows[i].text, &taken, &why))
            fail_msg("%s: was taken", rows[i].behaviour);
        if (strncmp(why.text, rows[i].failure, strlen(rows[i].failure)) != 0)
            fail_msg("%s: said \"%s\", not \"%s\"", rows[i].behaviour, why.text, rows[i].failure);
        assert_int_equal(why.exit_code, EX_DATAERR);
    }
}

static void tolerates_what_surrounds_the_attributes(void **state)
{
    (void)state;
    struct taken taken;
    struct failure why;

    assert_true(read_text("\xef\xbb\xbf{\"ResponseMetadata\": {\"RetryAttempts\": 0}, "
                          "\"MailFromDomainAttributes\": {\"x.example\": {}, \"y.example\": {}}}"
                          "\r\n\t ",
                          &taken, &why));
    assert_int_equal(taken.count, 2);
    assert_string_equal(taken.last.identity.text, "y.example");
    assert_true(read_text("{\"MailFromDomainAttributes\": {}}", &taken, &why));
    assert_int_equal(taken.count, 0);
}

static void caps_local_parts(void **state)
{
    (void)state;
    char identity[128];
    struct taken taken;
    struct failure why;

    (void)snprintf(identity, sizeof identity, "%064d@x.example", 0);
    assert_true(read_one(identity, "{}", &taken, &why));
    (void)snprintf(identity, sizeof identity, "%065d@x.example", 0);
    assert_false(read_one(identity, "{}", &taken, &why));
    assert_non_null(strstr(why.text, "longer than 64 octets"));
}

static void caps_the_last_error(void **state)
{
    (void)state;
    char fields[512];
    struct taken taken;
    struct failure why;

    (void)snprintf(fields, sizeof fields, "{\"Record\": {\"LastError\": \"%0200d\"}}", 0);
    assert_true(read_one("x.example", fields, &taken, &why));
    assert_int_equal(strlen(taken.last.record.last_error), MAIL_FROM_ERROR_MAX);
    (void)snprintf(fields, sizeof fields, "{\"Record\": {\"LastError\": \"%0201d\"}}", 0);
    assert_false(read_one("x.example", fields, &taken, &why));
}

static void survives_deep_nesting(void **state)
{
    (void)state;
    enum { DEPTH = 1000000 };
    char *text = malloc(DEPTH + 1);
    struct taken taken;
    struct failure why;

    assert_non_null(text);
    memset(text, '[', DEPTH);
    text[DEPTH] = '\0';
    assert_false(read_text(text, &taken, &why));
    assert_non_null(strstr(why.text, "nested too deep"));
    free(text);
}

static bool refuse(void *context, const struct attributes_item *item, struct failure *why)
{
    (void)context;
    (void)item;
    return failure_set(why, EX_OSERR, "enough");
}

static void stops_when_told(void **state)
{
    (void)state;
    static const char text[] = "{\"MailFromDomainAttributes\": {\"x.example\": {}}}";
    struct failure why;

    assert_false(attributes_read(text, sizeof text - 1, NOW, refuse, NULL, &why));
    assert_string_equal(why.text, "enough");
    assert_int_equal(why.exit_code, EX_OSERR);
}

/* --- out --- */

static const struct mail_from full = {.kind = IDENTITY_DOMAIN,
                                      .source = MAIL_FROM_SES,
                                      .domain = "m.x.example",
                                      .status = MAIL_FROM_TEMPORARY_FAILURE,
                                      .behavior = MAIL_FROM_REJECT_MESSAGE,
                                      .status_since = 1,
                                      .checked = NOW,
                                      .expire_after = 4,
                                      .feedback_off = true,
                                      .last_error = "\"\\\x01\x7f\n\xc3\xbc"};
static const struct mail_from bare = {.kind = IDENTITY_ADDRESS,
                                      .source = MAIL_FROM_FILE,
                                      .verified = true,
                                      .behavior = MAIL_FROM_USE_DEFAULT_VALUE};

static char *print_two(const struct mail_from *first, enum attributes_form form)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    attributes_out_begin(out);
    attributes_out_entry(out, "x.example", first, form, 0);
    attributes_out_entry(out, "\"a b\"@x.example", &bare, form, 1);
    attributes_out_end(out, 2);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void prints_as_the_aws_cli_does(void **state)
{
    (void)state;
    struct mail_from on = full;
    char *text;

    on.feedback_off = false;
    text = print_two(&on, ATTRIBUTES_SES);

    assert_string_equal(text, "{\n"
                              "    \"MailFromDomainAttributes\": {\n"
                              "        \"x.example\": {\n"
                              "            \"MailFromDomain\": \"m.x.example\",\n"
                              "            \"MailFromDomainStatus\": \"TemporaryFailure\",\n"
                              "            \"BehaviorOnMXFailure\": \"RejectMessage\"\n"
                              "        },\n"
                              "        \"\\\"a b\\\"@x.example\": {\n"
                              "            \"BehaviorOnMXFailure\": \"UseDefaultValue\"\n"
                              "        }\n"
                              "    }\n"
                              "}\n");
    free(text);
}

static void says_beside_the_fields_of_aws_that_feedback_forwarding_is_off(void **state)
{
    struct mail_from off = bare;
    (void)state;
    char text[512] = "";
    FILE *out = fmemopen(text, sizeof text, "w");

    off.feedback_off = true;
    attributes_out_begin(out);
    attributes_out_entry(out, "a@x.example", &off, ATTRIBUTES_SES, 0);
    attributes_out_end(out, 1);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "{\n"
                              "    \"MailFromDomainAttributes\": {\n"
                              "        \"a@x.example\": {\n"
                              "            \"BehaviorOnMXFailure\": \"UseDefaultValue\",\n"
                              "            \"FeedbackForwardingStatus\": false\n"
                              "        }\n"
                              "    }\n"
                              "}\n");
}

static void prints_an_empty_map(void **state)
{
    (void)state;
    char text[64] = "";
    FILE *out = fmemopen(text, sizeof text, "w");

    attributes_out_begin(out);
    attributes_out_end(out, 0);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "{\n    \"MailFromDomainAttributes\": {}\n}\n");
}

static bool take_two(void *context, const struct attributes_item *item, struct failure *why)
{
    size_t *count = context;
    const struct mail_from *expected = *count == 0 ? &full : &bare;
    const struct mail_from *record = &item->record;

    (void)why;
    assert_string_equal(item->identity.text, *count == 0 ? "x.example" : "\"a b\"@x.example");
    assert_int_equal(record->kind, expected->kind);
    assert_int_equal(record->source, expected->source);
    assert_int_equal(record->verified, expected->verified);
    assert_string_equal(record->domain, expected->domain);
    assert_int_equal(record->status, expected->status);
    assert_int_equal(record->behavior, expected->behavior);
    assert_int_equal(record->status_since, expected->status_since);
    assert_int_equal(record->checked, expected->checked);
    assert_int_equal(record->refresh_after, expected->refresh_after);
    assert_int_equal(record->expire_after, expected->expire_after);
    assert_string_equal(record->last_error, expected->last_error);
    assert_int_equal(record->feedback_off, expected->feedback_off);
    assert_true(item->given.since && item->given.feedback && item->given.mail_from);
    ++*count;
    return true;
}

static void reads_back_what_it_prints(void **state)
{
    (void)state;
    char *text = print_two(&full, ATTRIBUTES_WITH_RECORD);
    struct failure why = {0};
    size_t count = 0;

    if (!attributes_read(text, strlen(text), NOW - 1, take_two, &count, &why))
        fail_msg("%s", why.text);
    assert_int_equal(count, 2);
    free(text);
}

/* A local one, printed and read back. */
static void local_ones_keep_what_was_found(void **state)
{
    static const struct mail_from record = {.kind = IDENTITY_DOMAIN,
                                            .source = MAIL_FROM_LOCAL,
                                            .former = MAIL_FROM_SES,
                                            .section = "eu",
                                            .domain = "m.x.example",
                                            .found = "MX 10 \"mx\".example",
                                            .found_at = NOW - 5,
                                            .unclear_since = NOW - 50};
    (void)state;
    struct failure why = {0};
    struct taken taken;
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);

    attributes_out_begin(out);
    attributes_out_entry(out, "x.example", &record, ATTRIBUTES_WITH_RECORD, 0);
    attributes_out_end(out, 1);
    assert_int_equal(fclose(out), 0);
    if (!read_text(text, &taken, &why))
        fail_msg("%s", why.text);
    free(text);
    assert_int_equal(taken.last.record.source, MAIL_FROM_LOCAL);
    assert_int_equal(taken.last.record.former, MAIL_FROM_SES);
    assert_string_equal(taken.last.record.section, "eu");
    assert_string_equal(taken.last.record.found, record.found);
    assert_int_equal(taken.last.record.found_at, NOW - 5);
    assert_int_equal(taken.last.record.unclear_since, NOW - 50);
    assert_int_equal(taken.last.record.refresh_after, 0);
}

static void a_local_one_is_due_unless_the_text_says_when(void **state)
{
    static const struct {
        const char *fields;
        int64_t refresh_after;
    } rows[] = {
        {"{" DOMAIN_M ", \"MailFromDomainStatus\": \"Pending\", \"Record\": {\"Source\": "
         "\"local\"}}",
         NOW},
        {"{" DOMAIN_M ", \"MailFromDomainStatus\": \"Failed\", \"Record\": {\"Source\": "
         "\"local\", \"RefreshAfter\": null}}",
         0},
        {"{\"Record\": {\"Source\": \"local\"}}", 0},
        {"{" DOMAIN_M ", \"MailFromDomainStatus\": \"Pending\"}", 0},
    };
    (void)state;
    struct failure why = {0};
    struct taken taken;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!read_one("x.example", rows[i].fields, &taken, &why))
            fail_msg("%s", why.text);
        assert_int_equal(taken.last.record.refresh_after, rows[i].refresh_after);
        assert_int_equal(taken.last.record.former, MAIL_FROM_LOCAL);
    }
    assert_false(read_one("x.example", "{\"Record\": {\"Former\": \"elsewhere\"}}", &taken, &why));
    assert_false(read_one("x.example", "{\"Record\": {\"FoundAt\": \"soon\"}}", &taken, &why));
}

static void note_refusal(void *context, const struct failure *reason)
{
    (void)strcat(strcat(context, reason->text), "\n");
}

static bool refuse_all(void *context, const struct attributes_item *item, struct failure *why)
{
    (void)context;
    (void)item;
    return failure_set(why, 1, "enough");
}

static bool take_put_of_x(void *context, const struct attributes_item *item, struct failure *why)
{
    (void)context;
    (void)why;
    assert_string_equal(item->identity.text, "x.example");
    assert_string_equal(item->record.domain, "m.x.example");
    assert_int_equal(item->record.behavior, MAIL_FROM_REJECT_MESSAGE);
    return true;
}

static void a_put_reads_domain_and_behavior_and_names_all_that_is_bad(void **state)
{
    static const char text[] =
        "{\"MailFromDomainAttributes\": {"
        "\"y.example\": {\"MailFromDomain\": \"m.z.example\"},"
        "\"x.example\": {" DOMAIN_M ", \"MailFromDomainStatus\": \"Hopeful\","
        " \"BehaviorOnMxFailure\": \"REJECT_MESSAGE\", \"Record\": 7},"
        "\"z.example\": {\"BehaviorOnMXFailure\": \"RejectMessage\"},"
        "\"z z\": {}}}";
    (void)state;
    struct failure why = {0};
    char refusals[4096] = "";

    if (!attributes_read_puts(text, sizeof text - 1, take_put_of_x, note_refusal, refusals, &why))
        fail_msg("%s", why.text);
    assert_non_null(strstr(refusals, "identity \"y.example\": Provided MAIL-FROM domain "
                                     "<m.z.example> is not subdomain"));
    assert_non_null(strstr(refusals, "identity \"z.example\": without a MAIL FROM domain"));
    assert_non_null(strstr(refusals, "identity \"z\\x20z\": "));
    assert_null(strstr(refusals, "x.example\": P"));
    assert_false(
        attributes_read_puts(text, sizeof text - 1, refuse_all, note_refusal, refusals, &why));
    assert_string_equal(why.text, "enough");
    assert_false(attributes_read_puts("{}", 2, take_put_of_x, note_refusal, refusals, &why));
}

struct put {
    bool mail_from;
    bool feedback;
    bool off;
};

static bool note_put(void *context, const struct attributes_item *item, struct failure *why)
{
    struct put *put = context;

    (void)why;
    *put = (struct put){item->given.mail_from, item->given.feedback, item->record.feedback_off};
    return true;
}

static void a_put_knows_what_feedback_forwarding_stands_alone_with(void **state)
{
    static const struct {
        const char *fields;
        struct put put;
    } rows[] = {
        {"{}", {false, false, false}},
        {"{\"FeedbackForwardingStatus\": false}", {false, true, true}},
        {"{\"Record\": {\"FeedbackForwardingStatus\": false}}", {false, true, true}},
        {"{" DOMAIN_M ", \"FeedbackForwardingStatus\": true}", {true, true, false}},
        {"{\"MailFromDomain\": null, \"FeedbackForwardingStatus\": true}", {true, true, false}},
        {"{\"BehaviorOnMxFailure\": \"USE_DEFAULT_VALUE\", \"FeedbackForwardingStatus\": false}",
         {true, true, true}},
        {"{" DOMAIN_M ", \"Record\": [{\"FeedbackForwardingStatus\": false}]}",
         {true, false, false}},
    };
    (void)state;
    struct failure why = {0};
    char refusals[1024] = "";
    char text[512];
    struct put put;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        (void)snprintf(text, sizeof text, "{\"MailFromDomainAttributes\": {\"x.example\": %s}}",
                       rows[i].fields);
        if (!attributes_read_puts(text, strlen(text), note_put, note_refusal, &put, &why))
            fail_msg("%s: %s", rows[i].fields, why.text);
        if (memcmp(&put, &rows[i].put, sizeof put) != 0)
            fail_msg("%s: %d %d %d", rows[i].fields, put.mail_from, put.feedback, put.off);
    }
    (void)snprintf(text, sizeof text, "%s",
                   "{\"MailFromDomainAttributes\": {\"x.example\": "
                   "{\"Record\": {\"FeedbackForwardingStatus\": 0}}}}");
    assert_true(attributes_read_puts(text, strlen(text), refuse_all, note_refusal, refusals, &why));
    assert_string_equal(refusals, "identity \"x.example\": Record: FeedbackForwardingStatus must "
                                  "be true or false\n");
}

static void lists_objects_with_every_field(void **state)
{
    (void)state;
    char text[1024] = "";
    FILE *out = fmemopen(text, sizeof text, "w");

    attributes_out_list_begin(out);
    attributes_out_list_entry(out, "a@x.example", &bare, 0);
    attributes_out_list_end(out, 1);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(
        text, "[\n{\"Identity\": \"a@x.example\", \"Kind\": \"address\", \"MailFromDomain\": \"\", "
              "\"MailFromDomainStatus\": \"\", \"BehaviorOnMXFailure\": \"UseDefaultValue\", "
              "\"Source\": \"file\", \"Section\": \"\", \"Verified\": true, "
              "\"FeedbackForwardingStatus\": true, \"StatusSince\": null, "
              "\"Checked\": null, "
              "\"RefreshAfter\": null, \"ExpireAfter\": null, \"LastError\": \"\", "
              "\"Former\": \"\", \"Found\": \"\", \"FoundAt\": null, \"UnclearSince\": "
              "null}\n]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_every_spelling),
        cmocka_unit_test(fills_in_what_a_file_does_not_say),
        cmocka_unit_test(feedback_forwarding_stands_beside_the_others_or_in_the_record),
        cmocka_unit_test(takes_our_own_fields),
        cmocka_unit_test(refuses_bad_records_by_name),
        cmocka_unit_test(refuses_other_texts),
        cmocka_unit_test(tolerates_what_surrounds_the_attributes),
        cmocka_unit_test(caps_local_parts),
        cmocka_unit_test(caps_the_last_error),
        cmocka_unit_test(survives_deep_nesting),
        cmocka_unit_test(stops_when_told),
        cmocka_unit_test(prints_as_the_aws_cli_does),
        cmocka_unit_test(says_beside_the_fields_of_aws_that_feedback_forwarding_is_off),
        cmocka_unit_test(prints_an_empty_map),
        cmocka_unit_test(reads_back_what_it_prints),
        cmocka_unit_test(local_ones_keep_what_was_found),
        cmocka_unit_test(a_local_one_is_due_unless_the_text_says_when),
        cmocka_unit_test(a_put_reads_domain_and_behavior_and_names_all_that_is_bad),
        cmocka_unit_test(a_put_knows_what_feedback_forwarding_stands_alone_with),
        cmocka_unit_test(lists_objects_with_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
