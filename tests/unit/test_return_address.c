/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Both ways with a real store: what a sender becomes, and whose bounce comes back.
 */
#include "common/judgement.h"
#include "tests/unit/scratch.h"

#include <ctype.h>

enum { NOW = 1795341600, A_DAY = 86400 };

static struct scratch scratch;
static struct lookup *filled, *missing;
static struct return_secrets *secrets;

#define DOMAIN_OF(name, mail_from_domain, ...)                                                     \
    {                                                                                              \
        name,                                                                                      \
        {                                                                                          \
            .kind = IDENTITY_DOMAIN, .verified = true, .status = MAIL_FROM_SUCCESS,                \
            .domain = mail_from_domain, __VA_ARGS__                                                \
        }                                                                                          \
    }

static const struct scratch_record records[] = {
    DOMAIN_OF("bare.example", "", .source = MAIL_FROM_LOCAL),
    DOMAIN_OF("mute.example", "bounce.mute.example", .source = MAIL_FROM_LOCAL,
              .feedback_off = true),
    DOMAIN_OF("shop.example", "bounce.shop.example", .source = MAIL_FROM_LOCAL),
    DOMAIN_OF("ses.example", "bounce.ses.example", .source = MAIL_FROM_SES),
    DOMAIN_OF("twin.example", "bounce.mail.twin.example", .source = MAIL_FROM_LOCAL),
    DOMAIN_OF("mail.twin.example", "bounce.mail.twin.example", .source = MAIL_FROM_LOCAL),
    {"quiet@shop.example",
     {.kind = IDENTITY_ADDRESS,
      .source = MAIL_FROM_LOCAL,
      .verified = true,
      .status = MAIL_FROM_SUCCESS,
      .feedback_off = true,
      .domain = "bounce.shop.example"}},
};

static int open_all(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    struct failure why;

    (void)state;
    scratch_make(&scratch);
    scratch_fill(scratch.store, records, sizeof records / sizeof *records);
    (void)snprintf(path, sizeof path, "%s/missing", scratch.directory);
    filled = lookup_open(scratch.store);
    missing = lookup_open(path);
    secrets = calloc(1, sizeof *secrets);
    return filled != NULL && missing != NULL && secrets != NULL &&
                   return_secrets_add(secrets, "0123456789abcdef", 0, &why)
               ? 0
               : -1;
}

static int close_all(void **state)
{
    (void)state;
    lookup_close(filled);
    lookup_close(missing);
    return_secrets_free(secrets);
    scratch_remove(&scratch);
    return 0;
}

static struct settings *read_settings(const char *section)
{
    char text[1000];
    struct settings *settings;
    struct failure why;
    FILE *in;

    (void)snprintf(text, sizeof text,
                   "default-mail-from-domain = d.example\nreturn-path {\n%s\n}\n", section);
    in = fmemopen(text, strlen(text), "r");
    assert_non_null(in);
    if (!settings_parse(&settings, in, "test", &why))
        fail_msg("%s", why.text);
    (void)fclose(in);
    return settings;
}

static struct judgement send(const char *sender, const char *from, const char *section)
{
    struct judgement_message message = {
        .sender = sender, .from = from, .client = "127.0.0.1", .smtputf8 = true};
    struct settings *settings = read_settings(section);
    struct judgement judgement;

    judge(&judgement, &message, &(struct return_scene){settings, secrets, filled, NOW}, NULL);
    settings_free(settings);
    return judgement;
}

static struct return_answer ask(const char *address, const char *section, int64_t now,
                                struct lookup *lookup)
{
    struct settings *settings = read_settings(section);
    struct return_answer answer;

    return_address_read(&answer, address, strlen(address),
                        &(struct return_scene){settings, secrets, lookup, now});
    settings_free(settings);
    return answer;
}

/* 48 octets fit with a signature of the short form, 49 do not. */
#define LOCAL_48 "a23456789012345678901234567890123456789012345678"
#define LOCAL_49 LOCAL_48 "9"

struct round {
    const char *behaviour;
    const char *sender, *from;
    const char *section;
    const char *form; /* NULL: no return path at all */
    const char *back; /* the address that a bounce goes to, NULL for none */
};

static const struct round rounds[] = {
    {"the identity's own domain", "Env+Tag@shop.example", "a@shop.example", "", "prvs",
     "Env+Tag@shop.example"},
    {"its own domain in capitals", "env@SHOP.Example", "a@shop.example", "", "prvs",
     "env@shop.example"},
    {"a dot at the end", "env@shop.example.", "a@shop.example", "", "prvs", "env@shop.example"},
    {"a foreign domain", "www-data@Web7.hosting.example", "a@shop.example", "", "srs",
     "www-data@Web7.hosting.example"},
    {"a subdomain of its own", "env@web.shop.example", "a@shop.example", "", "srs",
     "env@web.shop.example"},
    {"a listed domain", "env@web7.hosting.example", "a@shop.example",
     "return-domains = {web7.hosting.example}", "prvs", "env@web7.hosting.example"},
    {"another identity with the same MAIL FROM domain", "env@twin.example", "a@mail.twin.example",
     "", "prvs", "env@twin.example"},
    {"the identity itself there", "env@mail.twin.example", "a@mail.twin.example", "", "prvs",
     "env@mail.twin.example"},
    {"VERP", "list-bounces+bob=next.example@shop.example", "a@shop.example", "", "prvs",
     "list-bounces+bob=next.example@shop.example"},
    {"SRS0 of another forwarder", "SRS0=abcd=QX=foo.example=bar@shop.example", "a@shop.example", "",
     "prvs", "SRS0=abcd=QX=foo.example=bar@shop.example"},
    {"BATV", "prvs=1234567890=x@shop.example", "a@shop.example", "", "prvs",
     "prvs=1234567890=x@shop.example"},
    {"a quoted local part", "\"john doe\"@shop.example", "a@shop.example", "", "prvs",
     "\"john doe\"@shop.example"},
    {"8-bit", "b\303\274cher@shop.example", "a@shop.example", "", "prvs",
     "b\303\274cher@shop.example"},
    {"8-bit capitals, and a letter that folds to two", "B\303\234RGER-Stra\303\237e@shop.example",
     "a@shop.example", "", "prvs", "B\303\234RGER-Stra\303\237e@shop.example"},
    {"a foreign U-label", "env@b\303\274cher.example", "a@shop.example", "", "srs",
     "env@xn--bcher-kva.example"},
    {"the default domain", "env@x.example", "a@bare.example", "", "srs", "env@x.example"},
    {"the default domain from its own", "env@bare.example", "a@bare.example", "", "srs",
     "env@bare.example"},
    {"just short enough", LOCAL_48 "@shop.example", "a@shop.example", "", "prvs",
     LOCAL_48 "@shop.example"},
    {"too long, and only one domain is possible", LOCAL_49 "@shop.example", "a@shop.example", "",
     "plain", LOCAL_49 "@shop.example"},
    {"too long, and two domains are possible", LOCAL_49 "@shop.example", "a@shop.example",
     "return-domains = {web7.example}", "none", NULL},
    {"too long, two identities", LOCAL_49 "@twin.example", "a@twin.example", "", "none", NULL},
    {"too long for the default domain", LOCAL_49 "@bare.example", "a@bare.example", "", "none",
     NULL},
    {"too long and looks signed", "SRS0=" LOCAL_49 "@shop.example", "a@shop.example", "", "none",
     NULL},
    {"foreign-only: the own domain", "env@shop.example", "a@shop.example", "tag = foreign-only",
     "plain", "env@shop.example"},
    {"foreign-only: a foreign one", "env@x.example", "a@shop.example", "tag = foreign-only", "srs",
     "env@x.example"},
    {"foreign-only: looks signed", "prvs=x@shop.example", "a@shop.example", "tag = foreign-only",
     "prvs", "prvs=x@shop.example"},
    {"foreign-only: two are possible", "env@twin.example", "a@twin.example", "tag = foreign-only",
     "prvs", "env@twin.example"},
    {"foreign-only: a listed one", "env@web7.example", "a@shop.example",
     "tag = foreign-only return-domains = {web7.example}", "prvs", "env@web7.example"},
    {"an identity of SES", "env@ses.example", "a@ses.example", "", NULL, NULL},
};

static char upper(char octet)
{
    return (char)toupper((unsigned char)octet);
}

/* The local part of an address in capitals. */
static void fold(char *address, char (*how)(char octet))
{
    char *at = strrchr(address, '@');
    for (; address < at; address++)
        *address = how(*address);
}

static void brings_bounces_back_to_the_original_sender(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++) {
        const struct round *round = &rounds[i];
        struct judgement out = send(round->sender, round->from, round->section);
        struct return_answer back = ask(out.new_sender, round->section, NOW + A_DAY, filled);
        const char *form = out.has_return_path ? return_form_words[out.return_form] : "-";

        assert_true(out.rewrite);
        if (strcmp(form, round->form == NULL ? "-" : round->form) != 0)
            fail_msg("%s: %s is %s", round->behaviour, out.new_sender, form);
        if (strcmp(back.address, round->back == NULL ? "" : round->back) != 0)
            fail_msg("%s: %s goes to %s", round->behaviour, out.new_sender, back.address);
        assert_true(strchr(out.new_sender, '@') - out.new_sender <= RETURN_LOCAL_MAX ||
                    out.return_form == RETURN_NONE);
        if (round->back == NULL)
            continue;
        assert_int_equal(back.bounces_only, out.return_form == RETURN_PLAIN);
        fold(out.new_sender, upper);
        back = ask(out.new_sender, round->section, NOW, filled);
        if (strcasecmp(back.address, round->back) != 0)
            fail_msg("%s: folded, %s goes to %s", round->behaviour, out.new_sender, back.address);
    }
}

static void rejects_what_cannot_come_back_if_it_shall(void **state)
{
    (void)state;
    struct judgement out =
        send(LOCAL_49 "@x.example", "a@shop.example", "on-unreturnable = reject");

    assert_int_equal(out.decision.reason, REASON_BAD_SENDER);
    assert_string_equal(out.reply.code, "553");
    assert_non_null(strstr(out.detail.text, "longer than 64 octets"));
    out = send(LOCAL_49 "@shop.example", "a@shop.example", "on-unreturnable = reject");
    assert_int_equal(out.decision.verdict, VERDICT_CUSTOM);
}

static void signs_a_sender_without_a_domain_by_what_the_mta_makes_of_it(void **state)
{
    (void)state;
    struct judgement_message message = {
        .sender = "<root>", .from = "a@shop.example", .client = "127.0.0.1"};
    struct settings *settings = read_settings("");
    struct return_scene scene = {settings, secrets, filled, NOW};
    struct judgement judgement;
    struct return_answer back;

    judge(&judgement, &message, &scene, NULL);
    assert_int_equal(judgement.return_form, RETURN_NONE);
    assert_string_equal(judgement.new_sender, "root@bounce.shop.example");
    message.home_domain = "gateway.example";
    judge(&judgement, &message, &scene, NULL);
    assert_int_equal(judgement.return_form, RETURN_SRS);
    return_address_read(&back, judgement.new_sender, strlen(judgement.new_sender), &scene);
    assert_string_equal(back.address, "root@gateway.example");
    settings_free(settings);
}

static void changes_nothing_without_secrets(void **state)
{
    (void)state;
    struct judgement_message message = {
        .sender = "env@x.example", .from = "a@shop.example", .client = "127.0.0.1"};
    struct settings *settings = read_settings("");
    struct judgement judgement;

    judge(&judgement, &message, &(struct return_scene){settings, NULL, filled, NOW}, NULL);
    assert_false(judgement.has_return_path);
    assert_string_equal(judgement.new_sender, "env@bounce.shop.example");
    settings_free(settings);
}

static void says_what_is_wrong_with_a_return_path(void **state)
{
    (void)state;
    struct judgement ours = send("env@shop.example", "a@shop.example", "");
    struct judgement foreign = send("env@x.example", "a@shop.example", "");
    struct judgement old_default = send("env@x.example", "a@bare.example", "");
    const struct {
        const char *behaviour, *address, *section;
        enum return_result result;
        int64_t now;
    } rows[] = {
        {"on its last day", ours.new_sender, "", RETURN_OK, NOW + 21 * A_DAY},
        {"the day after", ours.new_sender, "", RETURN_EXPIRED, NOW + 22 * A_DAY},
        {"of the other form", foreign.new_sender, "", RETURN_EXPIRED, NOW + 22 * A_DAY},
        {"with a longer life", ours.new_sender, "lifetime = 365d", RETURN_OK, NOW + 365 * A_DAY},
        {"a clock that is behind", ours.new_sender, "", RETURN_OK, NOW - A_DAY},
        {"a clock that is far behind", ours.new_sender, "", RETURN_EXPIRED, NOW - 2 * A_DAY},
        {"forged", "prvs=0123456789=env@bounce.shop.example", "", RETURN_FORGED, NOW},
        {"forged, the other form", "SRS0=abcdefgh=ab=x.example=env@bounce.shop.example", "",
         RETURN_FORGED, NOW},
        {"a mailbox, unsigned", "env@bounce.shop.example", "", RETURN_UNKNOWN, NOW},
        {"damaged", "prvs=012345=env@bounce.shop.example", "", RETURN_UNKNOWN, NOW},
        {"too long for a local part",
         "prvs=0123456789=" LOCAL_49 LOCAL_49 LOCAL_49 LOCAL_49 LOCAL_49 LOCAL_49
         "@bounce.shop.example",
         "", RETURN_ELSEWHERE, NOW},
        {"unsigned at the default domain", "env@d.example", "", RETURN_UNKNOWN, NOW},
        {"a domain that is not ours", "prvs=0123456789=env@bounce.other.example", "",
         RETURN_ELSEWHERE, NOW},
        {"SRS at a domain that is not ours", "SRS0=abcdefgh=ab=x.example=env@forward.example", "",
         RETURN_ELSEWHERE, NOW},
        {"the domain alone", "@bounce.shop.example", "", RETURN_ELSEWHERE, NOW},
        {"nothing", "", "", RETURN_ELSEWHERE, NOW},
        {"no domain", "prvs=0123456789=env", "", RETURN_ELSEWHERE, NOW},
        {"no domain behind the at", "prvs=0123456789=env@", "", RETURN_ELSEWHERE, NOW},
        {"a domain of SES's", "prvs=0123456789=env@bounce.ses.example", "", RETURN_ELSEWHERE, NOW},
        {"postmaster", "Postmaster@bounce.shop.example", "", RETURN_POSTMASTER, NOW},
        {"abuse", "abuse@d.example", "", RETURN_POSTMASTER, NOW},
        {"postmaster elsewhere", "postmaster@x.example", "", RETURN_ELSEWHERE, NOW},
        {"signed for the default domain", old_default.new_sender, "", RETURN_OK, NOW},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct return_answer answer = ask(rows[i].address, rows[i].section, rows[i].now, filled);
        bool goes_somewhere = rows[i].result == RETURN_OK || rows[i].result == RETURN_POSTMASTER;
        bool is_proved = rows[i].result == RETURN_OK || rows[i].result == RETURN_EXPIRED;

        assert_int_equal(answer.original[0] != '\0', is_proved);
        if (answer.result != rows[i].result || (answer.address[0] != '\0') != goes_somewhere)
            fail_msg("%s: %s is %s, goes to <%s>", rows[i].behaviour, rows[i].address,
                     return_result_words[answer.result], answer.address);
    }
}

static void takes_what_it_signed_for_a_domain_that_it_has_forgotten(void **state)
{
    (void)state;
    struct judgement out = send("env@x.example", "a@bare.example", "");
    struct settings *settings = read_settings("");
    struct return_answer answer;

    free(settings->default_mail_from_domain);
    settings->default_mail_from_domain = strdup("other.example");
    return_address_read(&answer, out.new_sender, strlen(out.new_sender),
                        &(struct return_scene){settings, secrets, filled, NOW});
    assert_int_equal(answer.result, RETURN_OK);
    assert_string_equal(answer.address, "env@x.example");
    settings_free(settings);
}

static void sends_no_feedback_to_those_who_want_none(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour, *sender, *from;
        bool is_off;
    } rows[] = {
        {"an address with a switch of its own", "quiet@shop.example", "quiet@shop.example", true},
        {"its label", "quiet+a@shop.example", "quiet@shop.example", true},
        {"its domain", "loud@shop.example", "a@shop.example", false},
        {"a foreign sender there", "env@x.example", "a@shop.example", false},
        {"a domain", "env@mute.example", "a@mute.example", true},
        {"a foreign sender of a domain that has it off", "env@x.example", "a@mute.example", true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct judgement out = send(rows[i].sender, rows[i].from, "");
        struct return_answer answer = ask(out.new_sender, "", NOW, filled);
        if ((answer.result == RETURN_FEEDBACK_OFF) != rows[i].is_off)
            fail_msg("%s: %s", rows[i].behaviour, return_result_words[answer.result]);
        assert_int_equal(answer.address[0] == '\0', rows[i].is_off);
        assert_string_equal(answer.original, rows[i].sender);
        answer = ask(out.new_sender, "feedback-address = f@x.example", NOW, filled);
        if (rows[i].is_off)
            assert_string_equal(answer.address, "f@x.example");
    }
}

static void lets_only_bounces_through_if_it_shall(void **state)
{
    (void)state;
    struct judgement out = send("env@shop.example", "a@shop.example", "");

    assert_false(ask(out.new_sender, "", NOW, filled).bounces_only);
    assert_true(ask(out.new_sender, "accept-from = null", NOW, filled).bounces_only);
}

static void undoes_one_layer_at_a_time(void **state)
{
    (void)state;
    struct judgement outer;
    struct return_answer answer;

    outer = send("prvs=0123456789=e@bounce.shop.example", "a@bare.example", "");
    answer = ask(outer.new_sender, "", NOW, filled);
    assert_string_equal(answer.address, "prvs=0123456789=e@bounce.shop.example");
}

static void knows_nothing_while_the_store_cannot_be_read(void **state)
{
    (void)state;
    struct return_answer answer = ask("prvs=0123456789=env@bounce.shop.example", "", NOW, missing);
    struct settings *settings = read_settings("");
    struct return_scene scene = {settings, secrets, missing, NOW};
    char domain[IDENTITY_DOMAIN_MAX + 1];
    struct failure why = {.text = ""};

    assert_int_equal(answer.result, RETURN_UNAVAILABLE);
    assert_non_null(strstr(answer.detail.text, "no store"));
    assert_int_equal(return_domain_find(domain, "bounce.shop.example", 19, &scene, &why),
                     LOOKUP_UNAVAILABLE);
    scene.lookup = filled;
    assert_int_equal(return_domain_find(domain, "BOUNCE.shop.example", 19, &scene, &why),
                     LOOKUP_FOUND);
    assert_string_equal(domain, "bounce.shop.example");
    assert_int_equal(return_domain_find(domain, "D.example", 9, &scene, &why), LOOKUP_FOUND);
    assert_int_equal(return_domain_find(domain, "shop.example", 12, &scene, &why), LOOKUP_UNKNOWN);
    assert_int_equal(return_domain_find(domain, "", 0, &scene, &why), LOOKUP_UNKNOWN);
    settings_free(settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brings_bounces_back_to_the_original_sender),
        cmocka_unit_test(rejects_what_cannot_come_back_if_it_shall),
        cmocka_unit_test(signs_a_sender_without_a_domain_by_what_the_mta_makes_of_it),
        cmocka_unit_test(changes_nothing_without_secrets),
        cmocka_unit_test(says_what_is_wrong_with_a_return_path),
        cmocka_unit_test(takes_what_it_signed_for_a_domain_that_it_has_forgotten),
        cmocka_unit_test(sends_no_feedback_to_those_who_want_none),
        cmocka_unit_test(lets_only_bounces_through_if_it_shall),
        cmocka_unit_test(undoes_one_layer_at_a_time),
        cmocka_unit_test(knows_nothing_while_the_store_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
