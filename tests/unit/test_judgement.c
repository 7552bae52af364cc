/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The whole way, with a real store: one row for each of the decision table, and then what stands
 * around it.
 */
#include "common/judgement.h"
#include "tests/unit/scratch.h"

enum { NOW = 1795341600 };

static struct scratch scratch;
static struct lookup *filled; /* of the store with the records below */
static struct lookup *missing;

#define DOMAIN_OF(name, ...)                                                                       \
    {                                                                                              \
        name,                                                                                      \
        {                                                                                          \
            .kind = IDENTITY_DOMAIN, .verified = true, __VA_ARGS__                                 \
        }                                                                                          \
    }

static const struct scratch_record records[] = {
    DOMAIN_OF("bare.example", .status = MAIL_FROM_SUCCESS),
    DOMAIN_OF("failed.example", .domain = "m.failed.example", .status = MAIL_FROM_FAILED,
              .behavior = MAIL_FROM_REJECT_MESSAGE),
    DOMAIN_OF("lax.example", .domain = "m.lax.example", .status = MAIL_FROM_FAILED),
    DOMAIN_OF("ok.example", .domain = "m.ok.example", .status = MAIL_FROM_SUCCESS,
              .expire_after = NOW),
    DOMAIN_OF("old.example", .domain = "m.old.example", .status = MAIL_FROM_SUCCESS,
              .expire_after = NOW - 1),
    DOMAIN_OF("pending.example", .domain = "m.pending.example", .status = MAIL_FROM_PENDING,
              .behavior = MAIL_FROM_REJECT_MESSAGE),
    DOMAIN_OF("temporary.example", .domain = "m.temporary.example",
              .status = MAIL_FROM_TEMPORARY_FAILURE, .behavior = MAIL_FROM_REJECT_MESSAGE),
    {"user@ok.example",
     {.kind = IDENTITY_ADDRESS,
      .verified = true,
      .domain = "u.ok.example",
      .status = MAIL_FROM_SUCCESS}},
    DOMAIN_OF("xn--bcher-kva.example", .domain = "m.xn--bcher-kva.example",
              .status = MAIL_FROM_SUCCESS),
};

static int open_lookups(void **state)
{
    char path[SCRATCH_PATH_SIZE];

    (void)state;
    scratch_make(&scratch);
    scratch_fill(scratch.store, records, sizeof records / sizeof *records);
    (void)snprintf(path, sizeof path, "%s/missing", scratch.directory);
    filled = lookup_open(scratch.store);
    missing = lookup_open(path);
    return filled == NULL || missing == NULL ? -1 : 0;
}

static int close_lookups(void **state)
{
    (void)state;
    lookup_close(filled);
    lookup_close(missing);
    scratch_remove(&scratch);
    return 0;
}

static const char usual[] = "default-mail-from-domain = d.example\n";

static struct settings *read_settings(const char *first, const char *second)
{
    char text[1000];
    struct settings *settings;
    struct failure why;
    FILE *in;

    (void)snprintf(text, sizeof text, "%s\n%s\n", first, second);
    in = fmemopen(text, strlen(text), "r");
    assert_non_null(in);
    if (!settings_parse(&settings, in, "test", &why))
        fail_msg("%s", why.text);
    (void)fclose(in);
    return settings;
}

/* A message of a local client, judged by the usual settings and those given. */
static struct judgement judge_message(const char *sender, const char *from, const char *settings)
{
    struct judgement_message message = {.sender = sender, .from = from, .client = "127.0.0.1"};
    struct settings *read = read_settings(usual, settings);
    struct judgement judgement;

    judge(&judgement, &message, &(struct return_scene){read, NULL, filled, NOW}, NULL);
    settings_free(read);
    return judgement;
}

struct row {
    const char *behaviour;
    const char *sender;
    const char *from;
    const char *settings;
    const char *reason;
    enum verdict verdict;
    const char *identity;
    const char *new_sender; /* NULL: it stays */
};

static void expect(const struct row *row)
{
    struct judgement judgement = judge_message(row->sender, row->from, row->settings);

    if (strcmp(reason_words[judgement.decision.reason], row->reason) != 0 ||
        judgement.decision.verdict != row->verdict ||
        strcmp(judgement.identity, row->identity) != 0 ||
        judgement.rewrite != (row->new_sender != NULL) ||
        (judgement.rewrite && strcmp(judgement.new_sender, row->new_sender) != 0))
        fail_msg("%s: %s, %s, identity %s, new sender %s", row->behaviour,
                 verdict_words[judgement.decision.verdict], reason_words[judgement.decision.reason],
                 judgement.identity, judgement.rewrite ? judgement.new_sender : "none");
}

#define EXPECT_ROWS(rows)                                                                          \
    for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++)                                     \
    expect(&(rows)[i])

static void judges_each_row_of_the_table(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1", "<>", "a@ok.example", "", "null-sender", VERDICT_PASS, "", NULL},
        {"1, submitted", "", "a@ok.example", "", "null-sender", VERDICT_PASS, "", NULL},
        {"2", "<a@b.test>", "a@ok.example", "milter { outbound-networks = {\"192.0.2.1\"} }",
         "not-outbound", VERDICT_PASS, "", NULL},
        {"4", "<a@b.test>", "a@none.test", "", "unknown-identity", VERDICT_PASS, "", NULL},
        {"5", "<a@b.test>", "a@old.example", "", "expired", VERDICT_DEFER, "old.example", NULL},
        {"6", "<a@b.test>", "a@bare.example", "", "no-mail-from-domain", VERDICT_DEFAULT,
         "bare.example", "a@d.example"},
        {"7", "<a@b.test>", "a@ok.example", "", "verified", VERDICT_CUSTOM, "ok.example",
         "a@m.ok.example"},
        {"8", "<a@b.test>", "a@temporary.example", "milter { temporary-failure = defer }",
         "temporary-failure-deferred", VERDICT_DEFER, "temporary.example", NULL},
        {"8, switched off", "<a@b.test>", "a@temporary.example", "", "mx-failure-reject",
         VERDICT_REJECT, "temporary.example", NULL},
        {"9", "<a@b.test>", "a@failed.example", "", "mx-failure-reject", VERDICT_REJECT,
         "failed.example", NULL},
        {"9, pending", "<a@b.test>", "a@pending.example", "", "mx-failure-reject", VERDICT_REJECT,
         "pending.example", NULL},
        {"10", "<a@b.test>", "a@lax.example", "", "mx-failure-default", VERDICT_DEFAULT,
         "lax.example", "a@d.example"},
        {"6, and the sender stays", "<a@b.test>", "a@bare.example", "rewrite = false",
         "no-mail-from-domain", VERDICT_PASS, "bare.example", NULL},
        {"7, and the sender stays", "<a@b.test>", "a@ok.example", "rewrite = false", "verified",
         VERDICT_PASS, "ok.example", NULL},
        {"9, and the sender would stay", "<a@b.test>", "a@failed.example", "rewrite = false",
         "mx-failure-reject", VERDICT_REJECT, "failed.example", NULL},
        {"10, and the sender stays", "<a@b.test>", "a@lax.example", "rewrite = false",
         "mx-failure-default", VERDICT_PASS, "lax.example", NULL},
        {"a bad sender that stays", "<a b@b.test>", "a@ok.example", "rewrite = false", "verified",
         VERDICT_PASS, "ok.example", NULL},
        {"7, and the sender stays by the section of the record", "<a@b.test>", "a@ok.example",
         "ses { rewrite = false }", "verified", VERDICT_PASS, "ok.example", NULL},
        {"7, and the section says other than the top", "<a@b.test>", "a@ok.example",
         "rewrite = false\nses { }", "verified", VERDICT_CUSTOM, "ok.example", "a@m.ok.example"},
        {"7, and the sender stays in other sections", "<a@b.test>", "a@ok.example",
         "ses \"other\" { rewrite = false }\nlocal { rewrite = false }", "verified", VERDICT_CUSTOM,
         "ok.example", "a@m.ok.example"},
        {"bad sender", "<a b@b.test>", "a@ok.example", "", "bad-sender", VERDICT_REJECT,
         "ok.example", NULL},
        {"bad sender to the default domain", "<a@b@c>", "a@lax.example", "", "bad-sender",
         VERDICT_REJECT, "lax.example", NULL},
    };
    EXPECT_ROWS(rows);
}

static void chooses_whose_identity_counts(void **state)
{
    (void)state;
    static const char envelope[] = "milter { identity-from = envelope }";
    static const struct row rows[] = {
        {"the address before its domain", "<a@b.test>", "user@ok.example", "", "verified",
         VERDICT_CUSTOM, "user@ok.example", "a@u.ok.example"},
        {"a label", "<a@b.test>", "user+l@ok.example", "", "verified", VERDICT_CUSTOM,
         "user@ok.example", "a@u.ok.example"},
        {"labels count by the setting", "<a@b.test>", "user+l@ok.example",
         "milter { strip-label = false }", "verified", VERDICT_CUSTOM, "ok.example",
         "a@m.ok.example"},
        {"a parent domain", "<a@b.test>", "a@x.y.OK.example", "", "verified", VERDICT_CUSTOM,
         "ok.example", "a@m.ok.example"},
        {"U-labels", "<a@b.test>", "a@B\303\274cher.example", "", "verified", VERDICT_CUSTOM,
         "xn--bcher-kva.example", "a@m.xn--bcher-kva.example"},
        {"no usable From: the envelope", "<a@ok.example>", NULL, "", "verified", VERDICT_CUSTOM,
         "ok.example", "a@m.ok.example"},
        {"From wins over the envelope", "<a@ok.example>", "a@none.test", "", "unknown-identity",
         VERDICT_PASS, "", NULL},
        {"the envelope by the setting", "<a@ok.example>", "a@none.test", envelope, "verified",
         VERDICT_CUSTOM, "ok.example", "a@m.ok.example"},
        {"the envelope, unknown", "<a@none.test>", "a@ok.example", envelope, "unknown-identity",
         VERDICT_PASS, "", NULL},
        {"the envelope with a route", "<@h:a@ok.example>", NULL, envelope, "verified",
         VERDICT_CUSTOM, "ok.example", "a@m.ok.example"},
        {"the envelope is no address", "<bare>", NULL, "", "unknown-identity", VERDICT_PASS, "",
         NULL},
        {"From is no proper address", "<a@b.test>", "a@[192.0.2.1]", "", "unknown-identity",
         VERDICT_PASS, "", NULL},
    };
    EXPECT_ROWS(rows);
}

static void moves_only_what_is_not_there_yet(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"there already", "<a@m.ok.example>", "a@ok.example", "", "verified", VERDICT_CUSTOM,
         "ok.example", NULL},
        {"in another case", "<a@M.Ok.Example.>", "a@ok.example", "", "verified", VERDICT_CUSTOM,
         "ok.example", NULL},
        {"at the default domain already", "<a@d.example>", "a@lax.example", "",
         "mx-failure-default", VERDICT_DEFAULT, "lax.example", NULL},
        {"below it is not there", "<a@x.m.ok.example>", "a@ok.example", "", "verified",
         VERDICT_CUSTOM, "ok.example", "a@m.ok.example"},
        {"VERP", "<list+u=c.test@b.test>", "a@ok.example", "", "verified", VERDICT_CUSTOM,
         "ok.example", "list+u=c.test@m.ok.example"},
        {"quotes", "<\"q l\"@b.test>", "a@ok.example", "", "verified", VERDICT_CUSTOM, "ok.example",
         "\"q l\"@m.ok.example"},
        {"bare", "root", "a@ok.example", "", "verified", VERDICT_CUSTOM, "ok.example",
         "root@m.ok.example"},
    };
    EXPECT_ROWS(rows);
}

static void passes_where_no_default_domain_is_set(void **state)
{
    (void)state;
    static const char unset[] = "default-mail-from-domain = \"\"";
    static const struct row rows[] = {
        {"fallback", "<a@b.test>", "a@lax.example", unset, "mx-failure-default", VERDICT_PASS,
         "lax.example", NULL},
        {"no domain", "<a@b.test>", "a@bare.example", unset, "no-mail-from-domain", VERDICT_PASS,
         "bare.example", NULL},
        {"a bad sender stays", "<a b@b.test>", "a@lax.example", unset, "mx-failure-default",
         VERDICT_PASS, "lax.example", NULL},
        {"custom", "<a@b.test>", "a@ok.example", unset, "verified", VERDICT_CUSTOM, "ok.example",
         "a@m.ok.example"},
        {"reject", "<a@b.test>", "a@failed.example", unset, "mx-failure-reject", VERDICT_REJECT,
         "failed.example", NULL},
    };
    EXPECT_ROWS(rows);
}

static void follows_the_policies(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"unknown: default", "<a@b.test>", "a@none.test", "milter {on-unknown-identity = default}",
         "unknown-identity", VERDICT_DEFAULT, "", "a@d.example"},
        {"unknown: reject", "<a@b.test>", "a@none.test", "milter { on-unknown-identity = reject }",
         "unknown-identity", VERDICT_REJECT, "", NULL},
        {"expired: pass", "<a@b.test>", "a@old.example", "milter { on-expired = pass }", "expired",
         VERDICT_PASS, "old.example", NULL},
        {"expired: default", "<a@b.test>", "a@old.example", "milter { on-expired = default }",
         "expired", VERDICT_DEFAULT, "old.example", "a@d.example"},
    };
    EXPECT_ROWS(rows);
}

static void knows_outbound_mail(void **state)
{
    (void)state;
    static const char without[] = "milter { outbound-authenticated = false }";
    static const char ports[] = "milter { reinjection-ports = {\"10025\", \"10027\"} }";
    static const struct {
        const char *behaviour;
        struct judgement_message message;
        const char *settings;
        bool outbound;
    } rows[] = {
        {"a client of the networks", {.client = "127.0.0.1"}, "", true},
        {"by IPv6", {.client = "IPv6:::1"}, "", true},
        {"a client of the world", {.client = "192.0.2.1"}, "", false},
        {"a client of the world, authenticated",
         {.client = "192.0.2.1", .authenticated = true},
         "",
         true},
        {"authenticated counts by the setting",
         {.client = "192.0.2.1", .authenticated = true},
         without,
         false},
        {"submitted", {.submitted = true}, without, true},
        {"an unknown client", {.client = NULL}, "", false},
        {"at another port than that of a filter",
         {.client = "127.0.0.1", .port = "25"},
         ports,
         true},
        {"back from a filter", {.client = "127.0.0.1", .port = "10025"}, ports, false},
        {"the same, at the second port", {.client = "127.0.0.1", .port = "10027"}, ports, false},
        {"the same, authenticated",
         {.client = "127.0.0.1", .port = "10025", .authenticated = true},
         ports,
         false},
        {"a port that is not known", {.client = "127.0.0.1"}, ports, true},
        {"a client without an address", {.client = "localhost"}, "", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct settings *settings = read_settings(usual, rows[i].settings);
        struct judgement_message message = rows[i].message;
        struct judgement judgement;
        message.sender = "<a@b.test>";
        message.from = "a@ok.example";
        judge(&judgement, &message, &(struct return_scene){settings, NULL, filled, NOW}, NULL);
        settings_free(settings);
        if (judgement.outbound != rows[i].outbound || judgement.rewrite != rows[i].outbound)
            fail_msg("%s", rows[i].behaviour);
        assert_int_equal(judgement.decision.reason,
                         rows[i].outbound ? REASON_VERIFIED : REASON_NOT_OUTBOUND);
    }
}

static void asks_the_clock_it_is_given(void **state)
{
    (void)state;
    struct judgement_message message = {
        .sender = "<a@b.test>", .from = "a@ok.example", .submitted = true};
    struct settings *settings = read_settings(usual, "");
    struct judgement judgement;

    judge(&judgement, &message, &(struct return_scene){settings, NULL, filled, NOW}, NULL);
    assert_int_equal(judgement.decision.reason, REASON_VERIFIED);
    judge(&judgement, &message, &(struct return_scene){settings, NULL, filled, NOW + 1}, NULL);
    assert_int_equal(judgement.decision.reason, REASON_EXPIRED);
    settings_free(settings);
}

static void takes_utf8_only_with_smtputf8(void **state)
{
    (void)state;
    struct judgement_message message = {
        .sender = "<\303\274@b.test>", .from = "a@ok.example", .submitted = true};
    struct settings *settings = read_settings(usual, "");
    struct judgement judgement;

    judge(&judgement, &message, &(struct return_scene){settings, NULL, filled, NOW}, NULL);
    assert_int_equal(judgement.decision.reason, REASON_BAD_SENDER);
    assert_non_null(strstr(judgement.detail.text, "SMTPUTF8"));
    assert_string_equal(judgement.reply.text,
                        "<??@b.test>: the envelope sender cannot be moved to another domain "
                        "unharmed (bad-sender)");
    message.smtputf8 = true;
    judge(&judgement, &message, &(struct return_scene){settings, NULL, filled, NOW}, NULL);
    assert_true(judgement.rewrite);
    assert_string_equal(judgement.new_sender, "\303\274@m.ok.example");
    settings_free(settings);
}

static void defers_while_the_store_is_missing(void **state)
{
    (void)state;
    struct judgement_message message = {
        .sender = "<a@b.test>", .from = "a@ok.example", .submitted = true};
    struct settings *settings = read_settings(usual, "");
    struct settings *lax = read_settings(usual, "milter { on-unavailable = default }");
    struct judgement judgement;

    judge(&judgement, &message, &(struct return_scene){settings, NULL, missing, NOW}, NULL);
    assert_int_equal(judgement.decision.verdict, VERDICT_DEFER);
    assert_int_equal(judgement.decision.reason, REASON_UNAVAILABLE);
    assert_string_equal(judgement.reply.code, "451");
    assert_non_null(strstr(judgement.detail.text, "there is no store in"));
    assert_string_equal(judgement.identity, "");
    assert_int_equal(judgement.snapshot.transaction, 0);
    judge(&judgement, &message, &(struct return_scene){lax, NULL, missing, NOW}, NULL);
    assert_int_equal(judgement.decision.verdict, VERDICT_DEFAULT);
    assert_string_equal(judgement.new_sender, "a@d.example");
    settings_free(settings);
    settings_free(lax);
}

static void replies_with_what_it_knows(void **state)
{
    (void)state;
    static const struct {
        const char *sender;
        const char *from;
        const char *settings;
        const char *reply;
    } rows[] = {
        {"<a@b.test>", "a@failed.example", "",
         "554 5.1.8 MailFromDomainNotVerified: the MX record of the custom MAIL FROM domain is not "
         "found (identity failed.example, MAIL FROM domain m.failed.example, status Failed)"},
        {"<a@b.test>", "a@none.test", "milter { on-unknown-identity = reject }",
         "554 5.1.8 MailFromDomainNotVerified: no verified identity covers the sender (identity -, "
         "MAIL FROM domain -, status -)"},
        {"<a@b.test>", "a@old.example", "",
         "451 4.3.0 Try again later: what is known of the identity is out of date (expired, "
         "identity old.example)"},
        {"<a b@b.test>", "a@ok.example", "",
         "553 5.1.7 <a b@b.test>: the envelope sender cannot be moved to another domain unharmed "
         "(bad-sender)"},
        {"<a@b.test>", "a@failed.example",
         "milter { reject-reply = \"550 5.7.1 {sender} {from} {reason} 100%\" }",
         "550 5.7.1 a@b.test a@failed.example mx-failure-reject 100%"},
        {"a@b.test", "a@failed.example", "milter { reject-reply = \"550 5.7.1 {sender}\" }",
         "550 5.7.1 a@b.test"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct judgement judgement = judge_message(rows[i].sender, rows[i].from, rows[i].settings);
        char reply[REPLY_TEXT_MAX + 100];
        (void)snprintf(reply, sizeof reply, "%s %s %s", judgement.reply.code,
                       judgement.reply.enhanced, judgement.reply.text);
        assert_string_equal(reply, rows[i].reply);
    }
}

static void cuts_the_reply_for_a_sender_that_is_too_long(void **state)
{
    (void)state;
    char sender[1200];
    struct judgement judgement;

    memset(sender, 's', sizeof sender);
    memcpy(sender + sizeof sender - 4, "@x>", 4);
    sender[0] = '<';
    judgement = judge_message(sender, "a@ok.example", "");
    assert_int_equal(judgement.decision.reason, REASON_BAD_SENDER);
    assert_int_equal(strlen(judgement.reply.text), REPLY_TEXT_MAX);
}

static void count(void *context, const char *key, const char *outcome)
{
    (void)key;
    (void)outcome;
    ++*(int *)context;
}

static void tells_which_keys_it_tried(void **state)
{
    (void)state;
    struct judgement_message message = {
        .sender = "<>", .from = "a+l@x.ok.example", .submitted = true};
    struct settings *settings = read_settings(usual, "");
    struct judgement judgement;
    int tried = 0;
    struct store_trace trace = {.tried = count, .context = &tried};

    judge(&judgement, &message, &(struct return_scene){settings, NULL, filled, NOW}, &trace);
    assert_int_equal(tried, 0);
    assert_int_equal(judgement.snapshot.transaction, 0);
    message.sender = "<a@b.test>";
    judge(&judgement, &message, &(struct return_scene){settings, NULL, filled, NOW}, &trace);
    assert_int_equal(tried, 4);
    assert_int_not_equal(judgement.snapshot.transaction, 0);
    assert_int_not_equal(judgement.snapshot.inode, 0);
    settings_free(settings);
}

static bool copy_record(struct store *store, void *context, struct failure *why)
{
    return store_get(store, "ok.example", context, why) == STORE_FOUND;
}

static void judges_as_an_identity_that_is_known_already(void **state)
{
    (void)state;
    struct settings *settings = read_settings(usual, "");
    struct return_scene scene = {settings, NULL, filled, NOW};
    struct judgement_message message = {.sender = "<info@ok.example>", .client = "127.0.0.1"};
    struct judgement_message from_elsewhere = {.sender = message.sender, .client = "192.0.2.1"};
    struct judgement expected, judgement;
    struct mail_from record;
    struct failure why;

    assert_true(lookup_with_store(filled, copy_record, &record, &why));
    judge(&expected, &message, &scene, NULL);
    judge_as(&judgement, "ok.example", &record, &from_elsewhere, &scene);
    assert_string_equal(judgement.identity, expected.identity);
    assert_string_equal(judgement.new_sender, "info@m.ok.example");
    assert_int_equal(judgement.decision.reason, expected.decision.reason);
    scene.now++;
    judge_as(&judgement, "ok.example", &record, &from_elsewhere, &scene);
    assert_int_equal(judgement.decision.reason, REASON_EXPIRED);
    from_elsewhere.sender = "<>";
    judge_as(&judgement, "ok.example", &record, &from_elsewhere, &scene);
    assert_int_equal(judgement.decision.reason, REASON_NULL_SENDER);
    settings_free(settings);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_each_row_of_the_table),
        cmocka_unit_test(chooses_whose_identity_counts),
        cmocka_unit_test(moves_only_what_is_not_there_yet),
        cmocka_unit_test(passes_where_no_default_domain_is_set),
        cmocka_unit_test(follows_the_policies),
        cmocka_unit_test(knows_outbound_mail),
        cmocka_unit_test(asks_the_clock_it_is_given),
        cmocka_unit_test(takes_utf8_only_with_smtputf8),
        cmocka_unit_test(defers_while_the_store_is_missing),
        cmocka_unit_test(replies_with_what_it_knows),
        cmocka_unit_test(cuts_the_reply_for_a_sender_that_is_too_long),
        cmocka_unit_test(tells_which_keys_it_tried),
        cmocka_unit_test(judges_as_an_identity_that_is_known_already),
    };
    return cmocka_run_group_tests(tests, open_lookups, close_lookups);
}
