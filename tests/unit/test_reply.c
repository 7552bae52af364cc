/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static void takes_a_code_an_enhanced_code_and_a_text(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour;
        const char *text;
        char class;
        const char *complaint; /* NULL: taken */
    } rows[] = {
        {"reject", "554 5.1.8 no", '5', NULL},
        {"defer", "451 4.3.0 later", '4', NULL},
        {"long enhanced code", "550 5.123.456 x", '5', NULL},
        {"all placeholders",
         "554 5.1.8 {identity}{mail-from-domain}{status}{reason}{explanation}{sender}{from}", '5',
         NULL},
        {"percent", "554 5.1.8 100% %s", '5', NULL},
        {"other class", "451 4.3.0 later", '5', "class 5"},
        {"other class the other way", "554 5.1.8 no", '4', "class 4"},
        {"class mismatch", "554 4.1.8 no", '5', "same class"},
        {"class mismatch the other way", "451 5.1.8 no", '4', "same class"},
        {"closes the connection", "421 4.3.0 x", '4', "421 would close"},
        {"closes the connection for good", "521 5.3.0 x", '5', "521 would close"},
        {"no enhanced code", "554 no", '5', "enhanced status code"},
        {"no detail", "554 5.1 no", '5', "enhanced status code"},
        {"no subject", "554 5..8 no", '5', "enhanced status code"},
        {"subject too long", "554 5.1234.8 no", '5', "enhanced status code"},
        {"detail too long", "554 5.1.1234 no", '5', "enhanced status code"},
        {"code alone", "554", '5', "code of class"},
        {"code and space", "554 ", '5', "enhanced status code"},
        {"no text", "554 5.1.8", '5', "and a text"},
        {"empty text", "554 5.1.8 ", '5', "and a text"},
        {"nothing", "", '5', "code of class"},
        {"short code", "55 5.1.8 no", '5', "code of class"},
        {"long code", "5544 5.1.8 no", '5', "code of class"},
        {"letters in the code", "5a4 5.1.8 no", '5', "code of class"},
        {"multi-line code", "554-5.1.8 no", '5', "code of class"},
        {"space first", " 554 5.1.8 no", '5', "code of class"},
        {"unknown placeholder", "554 5.1.8 {Identity}", '5', "unknown placeholder"},
        {"placeholder not closed", "554 5.1.8 {identity", '5', "unknown placeholder"},
        {"empty placeholder", "554 5.1.8 {}", '5', "unknown placeholder"},
        {"placeholder in another", "554 5.1.8 {{identity}}", '5', "unknown placeholder"},
        {"closing brace alone", "554 5.1.8 a}", '5', "unknown placeholder"},
        {"cut placeholder", "554 5.1.8 {ident}", '5', "unknown placeholder"},
        {"not ASCII", "554 5.1.8 \303\274", '5', "printable ASCII"},
        {"line end", "554 5.1.8 a\nb", '5', "printable ASCII"},
        {"tab", "554 5.1.8 a\tb", '5', "printable ASCII"},
        {"DEL", "554 5.1.8 a\177", '5', "printable ASCII"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct failure why = {.text = ""};
        bool worked = reply_check(rows[i].text, rows[i].class, &why);
        if (worked != (rows[i].complaint == NULL) ||
            (!worked &&
             (strstr(why.text, rows[i].complaint) == NULL || why.exit_code != EX_CONFIG)))
            fail_msg("%s: %s", rows[i].behaviour, worked ? "taken" : why.text);
    }
}

static void takes_the_defaults(void **state)
{
    (void)state;
    struct failure why;

    assert_true(reply_check(reply_default_reject, '5', &why));
    assert_true(reply_check(reply_default_defer, '4', &why));
    assert_true(reply_check(reply_bad_sender, '5', &why));
    assert_memory_equal(reply_default_reject, "554 5.1.8 MailFromDomainNotVerified", 35);
    assert_memory_equal(reply_default_defer, "451 ", 4);
    assert_memory_equal(reply_bad_sender, "553 5.1.7 ", 10);
}

static void takes_a_template_up_to_its_maximum(void **state)
{
    (void)state;
    char text[REPLY_TEMPLATE_MAX + 2];
    struct failure why;

    memset(text, 'x', sizeof text);
    memcpy(text, "554 5.1.8 ", 10);
    text[REPLY_TEMPLATE_MAX] = '\0';
    assert_true(reply_check(text, '5', &why));
    text[REPLY_TEMPLATE_MAX] = 'x';
    text[REPLY_TEMPLATE_MAX + 1] = '\0';
    assert_false(reply_check(text, '5', &why));
    assert_non_null(strstr(why.text, "400"));
}

static void fills_the_placeholders(void **state)
{
    (void)state;
    static const struct reply_values values = {
        .identity = "I",
        .mail_from_domain = "M",
        .status = "ST",
        .reason = "R",
        .explanation = "E",
        .sender = "S",
        .from = "F",
    };
    struct reply reply;

    reply_fill(&reply,
               "554 5.1.8 {identity} {mail-from-domain} {status} {reason} {explanation} {sender} "
               "{from}.",
               &values);
    assert_string_equal(reply.code, "554");
    assert_string_equal(reply.enhanced, "5.1.8");
    assert_string_equal(reply.text, "I M ST R E S F.");
    reply_fill(&reply, "450 4.123.456 {status}{status}{identity}", &values);
    assert_string_equal(reply.code, "450");
    assert_string_equal(reply.enhanced, "4.123.456");
    assert_string_equal(reply.text, "STSTI");
}

static void writes_a_dash_for_what_is_unknown(void **state)
{
    (void)state;
    struct reply reply;

    reply_fill(&reply,
               "554 5.1.8 {identity},{mail-from-domain},{status},{reason},{explanation},{sender},"
               "{from}",
               &(struct reply_values){.sender = "", .reason = "r"});
    assert_string_equal(reply.text, "-,-,-,r,-,-,-");
}

static void masks_what_is_not_printable_ascii(void **state)
{
    (void)state;
    struct reply reply;

    reply_fill(&reply, "554 5.1.8 <{sender}>",
               &(struct reply_values){.sender = "a\303\274\r\n\t\177 %s~{from}"});
    assert_string_equal(reply.text, "<a?????? %s~{from}>");
}

static void cuts_a_line_that_gets_too_long(void **state)
{
    (void)state;
    char value[REPLY_TEXT_MAX + 10];
    struct reply_values values = {.identity = value};
    struct reply reply;

    memset(value, 'v', sizeof value);
    value[REPLY_TEXT_MAX - 1] = '\0';
    reply_fill(&reply, "554 5.1.8 {identity}x", &values);
    assert_int_equal(strlen(reply.text), REPLY_TEXT_MAX);
    assert_int_equal(reply.text[REPLY_TEXT_MAX - 1], 'x');
    value[REPLY_TEXT_MAX - 1] = 'v';
    value[REPLY_TEXT_MAX] = '\0';
    reply_fill(&reply, "554 5.1.8 {identity}xyz{identity}", &values);
    assert_int_equal(strlen(reply.text), REPLY_TEXT_MAX);
    assert_int_equal(strspn(reply.text, "v"), REPLY_TEXT_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_a_code_an_enhanced_code_and_a_text),
        cmocka_unit_test(takes_the_defaults),
        cmocka_unit_test(takes_a_template_up_to_its_maximum),
        cmocka_unit_test(fills_the_placeholders),
        cmocka_unit_test(writes_a_dash_for_what_is_unknown),
        cmocka_unit_test(masks_what_is_not_printable_ascii),
        cmocka_unit_test(cuts_a_line_that_gets_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
