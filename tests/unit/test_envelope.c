/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The forms are those of which it was measured what Postfix and Sendmail make of them.
 */
#include "common/envelope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static const char target[] = "m.example";

/* To another domain, as a rewrite without a return path does. */
static bool move(struct envelope envelope, const char *domain, bool smtputf8,
                 char out[ENVELOPE_ADDRESS_SIZE], struct failure *why)
{
    char content[LOCAL_PART_MAX];
    size_t length = 0;

    return envelope_content(envelope, smtputf8, content, &length, why) &&
           envelope_join(out, content, length, domain, why);
}

struct row {
    const char *behaviour;
    const char *argument;
    bool smtputf8;
    const char *moved; /* NULL: refused */
};

static void expect(const struct row *row)
{
    char out[ENVELOPE_ADDRESS_SIZE] = "";
    struct failure why = {.text = ""};
    bool worked = move(envelope_parse(row->argument), target, row->smtputf8, out, &why);

    if (worked != (row->moved != NULL) || (worked && strcmp(out, row->moved) != 0))
        fail_msg("%s: %s became %s", row->behaviour, row->argument, worked ? out : why.text);
    if (!worked) {
        assert_int_equal(why.exit_code, EX_DATAERR);
        assert_true(why.text[0] != '\0');
    }
}

#define EXPECT_ROWS(rows)                                                                          \
    for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++)                                     \
    expect(&(rows)[i])

static void moves_what_both_mtas_keep(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"in brackets", "<a@x.example>", false, "a@m.example"},
        {"without brackets", "a@x.example", false, "a@m.example"},
        {"case stays", "<Alice@X.Example>", false, "Alice@m.example"},
        {"SRS", "<SRS0=Hx=AB=x.example=a@y>", false, "SRS0=Hx=AB=x.example=a@m.example"},
        {"BATV", "<prvs=1234abcd=a@x>", false, "prvs=1234abcd=a@m.example"},
        {"VERP", "<list+b=y.example@x>", false, "list+b=y.example@m.example"},
        {"label", "<b+tag=foo@x>", false, "b+tag=foo@m.example"},
        {"percent and bang", "<a%b/c!d@x>", false, "a%b/c!d@m.example"},
        {"hyphen first", "<-a@x>", false, "-a@m.example"},
        {"address literal", "<a@[192.0.2.1]>", false, "a@m.example"},
        {"final dot", "<a@x.example.>", false, "a@m.example"},
        {"bare local part", "bare", false, "bare@m.example"},
        {"bare local part in brackets", "<bare>", false, "bare@m.example"},
        {"quoted space", "<\"john doe\"@x>", false, "\"john doe\"@m.example"},
        {"quoted at sign", "<\"a@b\"@x>", false, "\"a@b\"@m.example"},
        {"quoted quote", "<\"a\\\"b\"@x>", false, "\"a\\\"b\"@m.example"},
        {"quoted backslash", "<\"a\\\\b\"@x>", false, "\"a\\\\b\"@m.example"},
        {"quoted bracket", "<\"a>b\"@x>", false, "\"a>b\"@m.example"},
        {"quoted, bare", "\"q l\"", false, "\"q l\"@m.example"},
        {"route", "<@h:a@x>", false, "a@m.example"},
        {"route over two", "<@h1,@h2:a@x>", false, "a@m.example"},
        {"route and quotes", "<@h:\"q l\"@x>", false, "\"q l\"@m.example"},
        {"a colon in quotes is no route", "<\"@h:a\"@x>", false, "\"@h:a\"@m.example"},
    };
    EXPECT_ROWS(rows);
}

static void writes_the_one_way_that_both_keep(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"needless quotes", "<\"a\"@x>", false, "a@m.example"},
        {"needless backslash", "<\"a\\b\"@x>", false, "ab@m.example"},
        {"needless backslash in quotes that stay", "<\"a\\b c\"@x>", false, "\"ab c\"@m.example"},
        {"two dots", "<a..b@x>", false, "\"a..b\"@m.example"},
        {"dot first", "<.a@x>", false, "\".a\"@m.example"},
        {"dot last", "<a.@x>", false, "\"a.\"@m.example"},
    };
    EXPECT_ROWS(rows);
}

static void refuses_what_an_mta_would_repair(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"null sender", "<>", false, NULL},
        {"submitted null sender", "", false, NULL},
        {"display name", "Bob <new@x>", false, NULL},
        {"two addresses", "n1@x, n2@x", false, NULL},
        {"two addresses in brackets", "<n1@x,n2@x>", false, NULL},
        {"space", "<john doe@x>", false, NULL},
        {"two at signs", "<a@@x>", false, NULL},
        {"two domains", "<a@b@x>", false, NULL},
        {"bracket not closed", "<a@x", false, NULL},
        {"bracket alone", "<", false, NULL},
        {"two brackets", "<<a@x>>", false, NULL},
        {"bracket in the local part", "<a>b@x>", false, NULL},
        {"no local part", "<@x>", false, NULL},
        {"only an at sign", "@", false, NULL},
        {"route to nowhere", "<@h:>", false, NULL},
        {"route to no local part", "<@h:@x>", false, NULL},
        {"empty quotes", "<\"\"@x>", false, NULL},
        {"open quotes", "<\"a@x>", false, NULL},
        {"text behind the quotes", "<\"a\"b@x>", false, NULL},
        {"quotes inside", "<a\"b\"@x>", false, NULL},
        {"escaped end", "<\"a\\\"@x>", false, NULL},
        {"comment", "<a(c)@x>", false, NULL},
        {"backslash", "<a\\b@x>", false, NULL},
        {"control character", "<a\001b@x>", false, NULL},
        {"control character in quotes", "<\"a\001b\"@x>", false, NULL},
        {"escaped control character", "<\"a\\\tb\"@x>", false, NULL},
        {"DEL", "<a\177@x>", false, NULL},
        {"line end", "<a\r\n@x>", false, NULL},
    };
    EXPECT_ROWS(rows);
}

static void takes_utf8_only_where_it_was_announced(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"two octets", "<\303\274@x>", true, "\303\274@m.example"},
        {"three octets", "<\342\202\254@x>", true, "\342\202\254@m.example"},
        {"four octets", "<\360\237\230\200@x>", true, "\360\237\230\200@m.example"},
        {"highest", "<\364\217\277\277@x>", true, "\364\217\277\277@m.example"},
        {"before the surrogates", "<\355\237\277@x>", true, "\355\237\277@m.example"},
        {"behind the surrogates", "<\356\200\200@x>", true, "\356\200\200@m.example"},
        {"lowest of three octets", "<\340\240\200@x>", true, "\340\240\200@m.example"},
        {"lowest of four octets", "<\360\220\200\200@x>", true, "\360\220\200\200@m.example"},
        {"in quotes", "<\"\303\274 a\"@x>", true, "\"\303\274 a\"@m.example"},
        {"only in the old domain", "<a@b\303\274cher.example>", false, "a@m.example"},
        {"without SMTPUTF8", "<\303\274@x>", false, NULL},
        {"in quotes without SMTPUTF8", "<\"\303\274 a\"@x>", false, NULL},
        {"Latin-1", "<\374@x>", true, NULL},
        {"continuation alone", "<a\200@x>", true, NULL},
        {"cut after one", "<\303@x>", true, NULL},
        {"cut after two", "<\342\202@x>", true, NULL},
        {"cut after three", "<\360\237\230@x>", true, NULL},
        {"cut by another", "<\303a@x>", true, NULL},
        {"overlong slash", "<\300\257@x>", true, NULL},
        {"overlong C1", "<\301\277@x>", true, NULL},
        {"overlong of three", "<\340\237\277@x>", true, NULL},
        {"overlong of four", "<\360\217\277\277@x>", true, NULL},
        {"first surrogate", "<\355\240\200@x>", true, NULL},
        {"last surrogate", "<\355\277\277@x>", true, NULL},
        {"beyond Unicode", "<\364\220\200\200@x>", true, NULL},
        {"five octets", "<\370\210\200\200\200@x>", true, NULL},
        {"FF", "<\377@x>", true, NULL},
    };
    EXPECT_ROWS(rows);
}

static void keeps_to_the_length_of_an_address(void **state)
{
    (void)state;
    enum { DOMAIN_LENGTH = sizeof target - 1, LOCAL = ENVELOPE_ADDRESS_MAX - 1 - DOMAIN_LENGTH };
    char argument[1200];
    char out[ENVELOPE_ADDRESS_SIZE];
    struct failure why;

    memset(argument, 'a', sizeof argument);
    strcpy(argument + LOCAL, "@x");
    assert_true(move(envelope_parse(argument), target, false, out, &why));
    assert_int_equal(strlen(out), ENVELOPE_ADDRESS_MAX);
    argument[LOCAL] = 'a';
    strcpy(argument + LOCAL + 1, "@x");
    assert_false(move(envelope_parse(argument), target, false, out, &why));
    assert_non_null(strstr(why.text, "254"));
    memset(argument, 'a', sizeof argument);
    strcpy(argument + 900, "@x");
    assert_false(move(envelope_parse(argument), target, false, out, &why));
}

static void takes_a_local_part_of_64_octets(void **state)
{
    (void)state;
    char argument[100];
    char moved[100];

    memset(argument, 'l', 64);
    strcpy(argument + 64, "@x.example");
    memset(moved, 'l', 64);
    strcpy(moved + 64, "@m.example");
    expect(&(struct row){"64 octets", argument, false, moved});
}

static void knows_the_null_sender(void **state)
{
    (void)state;
    assert_true(envelope_parse("<>").is_null);
    assert_true(envelope_parse("").is_null);
    assert_null(envelope_parse("<>").local);
    assert_false(envelope_parse("<a@x>").is_null);
    assert_false(envelope_parse("<").is_null);
    assert_false(envelope_parse(">").is_null);
    assert_false(envelope_parse("< >").is_null);
    assert_false(envelope_parse("<\"\">").is_null);
}

static void takes_the_parts_as_written(void **state)
{
    (void)state;
    static const struct {
        const char *argument;
        const char *local; /* NULL: none */
        const char *domain;
    } rows[] = {
        {"<a@x.example>", "a", "x.example"},
        {"a@X.", "a", "X."},
        {"<\"a@b\"@x>", "\"a@b\"", "x"},
        {"<@h:a@x>", "a", "x"},
        {"bare", "bare", NULL},
        {"<a@>", "a", ""},
        {"<\"a@x>", NULL, NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct envelope envelope = envelope_parse(rows[i].argument);
        if (rows[i].local == NULL) {
            assert_null(envelope.local);
            continue;
        }
        assert_int_equal(envelope.local_length, strlen(rows[i].local));
        assert_memory_equal(envelope.local, rows[i].local, envelope.local_length);
        if (rows[i].domain == NULL) {
            assert_null(envelope.domain);
            continue;
        }
        assert_int_equal(envelope.domain_length, strlen(rows[i].domain));
        assert_memory_equal(envelope.domain, rows[i].domain, envelope.domain_length);
    }
}

static void sees_that_the_sender_is_there_already(void **state)
{
    (void)state;
    static const struct {
        const char *argument;
        bool is_at;
    } rows[] = {
        {"<a@m.example>", true},
        {"a@M.Example", true},
        {"<a@m.example.>", true},
        {"<a@n.example>", false},
        {"<a@x.m.example>", false},
        {"<a@example>", false},
        {"<a@m.example.x>", false},
        {"<a@m.example..>", false},
        {"<a@>", false},
        {"<a@.>", false},
        {"m.example", false},
        {"<>", false},
        {"<@m.example>", false},
        {"<\"b@m.example>", false},
        {"<\"b\"@m.example>", true},
        {"<@m.example:a@x>", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (envelope_is_at(envelope_parse(rows[i].argument), target) != rows[i].is_at)
            fail_msg("%s", rows[i].argument);
    }
}

static void takes_off_angle_brackets_in_pairs(void **state)
{
    static const struct {
        const char *argument;
        const char *bare;
    } rows[] = {
        {"<a@x>", "a@x"}, {"a@x", "a@x"},   {"<>", ""}, {"", ""},         {"<", "<"},
        {"<a@x", "<a@x"}, {"a@x>", "a@x>"}, {">", ">"}, {"<<a>>", "<a>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *address = rows[i].argument;
        size_t length = envelope_bare(&address);
        if (length != strlen(rows[i].bare) || memcmp(address, rows[i].bare, length) != 0)
            fail_msg("%s became %.*s", rows[i].argument, (int)length, address);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_what_both_mtas_keep),
        cmocka_unit_test(writes_the_one_way_that_both_keep),
        cmocka_unit_test(refuses_what_an_mta_would_repair),
        cmocka_unit_test(takes_utf8_only_where_it_was_announced),
        cmocka_unit_test(keeps_to_the_length_of_an_address),
        cmocka_unit_test(takes_a_local_part_of_64_octets),
        cmocka_unit_test(knows_the_null_sender),
        cmocka_unit_test(takes_off_angle_brackets_in_pairs),
        cmocka_unit_test(takes_the_parts_as_written),
        cmocka_unit_test(sees_that_the_sender_is_there_already),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
