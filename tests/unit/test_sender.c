/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *behaviour;
    const char *from;
    const char *expected; /* NULL: no mailbox */
};

static void expect(const char *behaviour, const char *from, const char *sender,
                   const char *expected)
{
    char out[SENDER_ADDRESS_SIZE] = "untouched";
    bool is_found = sender_choose(from, sender, out);

    if (is_found != (expected != NULL) || strcmp(out, is_found ? expected : "untouched") != 0)
        fail_msg("%s: \"%.200s\" gave %s, not %s", behaviour, from, is_found ? out : "nothing",
                 expected != NULL ? expected : "nothing");
}

#define EXPECT_ROWS(rows)                                                                          \
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows)[0]; i++)                                    \
    expect((rows)[i].behaviour, (rows)[i].from, NULL, (rows)[i].expected)

static void takes_addresses_alone(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"bare", "a@x.example", "a@x.example"},
        {"case stays", "Alice@X.Example", "Alice@X.Example"},
        {"all of atext", "!#$%&'*+-/=?^_`{|}~09azAZ@x", "!#$%&'*+-/=?^_`{|}~09azAZ@x"},
        {"dots", "a.b+c@x.example", "a.b+c@x.example"},
        {"one label", "root@localhost", "root@localhost"},
        {"final dot", "a@x.example.", "a@x.example."},
        {"two final dots", "a@x.example..", NULL},
        {"empty label", "a@x..example", NULL},
        {"dot first", "a@.example", NULL},
        {"only a dot", "a@.", NULL},
        {"no domain", "a@", NULL},
        {"no local part", "@x.example", NULL},
        {"a dot is no local part", ".@x.example", NULL},
        {"no at sign", "root", NULL},
        {"two at signs", "a@evil.example@x.example", NULL},
        {"nothing", "", NULL},
        {"white space only", " \t\n ", NULL},
        {"two words", "a b@x.example", NULL},
        {"a word behind", "a@x.example b", NULL},
        {"a quoted string behind", "a@x.example \"b\"", NULL},
        {"control character in the local part", "a\001b@x.example", NULL},
        {"control character in the domain", "a@x\177.example", NULL},
        {"quoted string as domain", "a@\"x\"", NULL},
        {"backslash outside of quotes", "a\\@b@x.example", NULL},
    };
    EXPECT_ROWS(rows);
}

static void takes_addresses_in_angle_brackets(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"alone", "<a@x.example>", "a@x.example"},
        {"with a name", "Alice <a@x.example>", "a@x.example"},
        {"without space", "Alice<a@x.example>", "a@x.example"},
        {"with a quoted name", "\"Public, John\" <a@x.example>", "a@x.example"},
        {"with dots in the name", "John Q. Public <a@x.example>", "a@x.example"},
        {"with specials in the name", "Al @ Home [1] > 2) \\ <a@x.example>", "a@x.example"},
        {"with an open bracket in the name", "Al [x <a@x.example>", "a@x.example"},
        {"with escaped quotes in the name", "\\\"Al\\\" <a@x.example>", "a@x.example"},
        {"with an empty name", "\"\" <a@x.example>", "a@x.example"},
        {"white space inside", "< a@x.example\n >", "a@x.example"},
        {"an address in the quoted name", "\"ceo@victim.example\" <real@x.example>",
         "real@x.example"},
        {"an angle address in the quoted name", "\"<ceo@victim.example>\" <real@x.example>",
         "real@x.example"},
        {"an address as name", "a@x.example <b@y.example>", "b@y.example"},
        {"a quoted address as name", "\"a\"@x.example <b@y.example>", "b@y.example"},
        {"the first one counts", "<a@x.example> <b@y.example>", "a@x.example"},
        {"text behind", "<a@x.example> b@y.example", "a@x.example"},
        {"a comma in a quoted string behind", "<a@x.example> \", c@z.example,\"", "a@x.example"},
        {"empty", "<>", NULL},
        {"empty, and another behind", "<> <b@y.example>", NULL},
        {"broken, and an address before", "a@x.example <b>", NULL},
        {"unterminated", "Al <a@x.example", NULL},
        {"only terminated", "a@x.example>", NULL},
        {"two words inside", "<a b@x.example>", NULL},
        {"a name inside", "<Al a@x.example>", NULL},
        {"nested", "<<a@x.example>>", NULL},
        {"two at signs", "<a@evil.example@x.example>", NULL},
        {"bare local part", "Al <root>", NULL},
        {"a scheme", "<mailto:a@x.example>", NULL},
    };
    EXPECT_ROWS(rows);
}

static void writes_local_parts_canonically(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"needless quotes go", "\"a.b\"@x", "a.b@x"},
        {"needless backslashes go", "\"a\\b\"@x", "ab@x"},
        {"space needs quotes", "\"a b\"@x", "\"a b\"@x"},
        {"specials need quotes", "\"a@b,(<\"@x", "\"a@b,(<\"@x"},
        {"quote and backslash stay escaped", "\"a\\\"b\\\\c\"@x", "\"a\\\"b\\\\c\"@x"},
        {"empty", "\"\"@x", "\"\"@x"},
        {"quoted word and atom", "\"a b\".c@x", "\"a b.c\"@x"},
        {"quoted word and atom without need", "\"a\".b@x", "a.b@x"},
        {"dot at the end", "a.@x", "\"a.\"@x"},
        {"dot at the start", ".a@x", "\".a\"@x"},
        {"two dots", "a..b@x", "\"a..b\"@x"},
        {"two dots in quotes", "\"a..b\"@x", "\"a..b\"@x"},
        {"a fold is not part of it", "\"a\n b\"@x", "\"a b\"@x"},
        {"a fold with CR is not part of it", "\"a\r\n b\"@x", "\"a b\"@x"},
        {"words side by side", "\"a\"b@x", NULL},
        {"quoted words side by side", "\"a\" \"b\"@x", NULL},
        {"line feed that folds nothing", "\"a\nb\"@x", NULL},
        {"CR that folds nothing", "\"a\r b\"@x", NULL},
        {"line feed at the end", "\"a\n\"@x", NULL},
        {"CR LF at the end", "\"a\r\n\"@x", NULL},
        {"tab", "\"a\tb\"@x", NULL},
        {"first control character", "\"a\001\"@x", NULL},
        {"last control character", "\"a\037\"@x", NULL},
        {"delete", "\"a\177\"@x", NULL},
        {"escaped control character", "\"a\\\001\"@x", NULL},
        {"escaped line feed", "\"a\\\n b\"@x", NULL},
        {"control character in a name is harmless", "\"a\001\" <b@x>", "b@x"},
    };
    EXPECT_ROWS(rows);
}

static void skips_white_space_and_comments(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"comment before", "(Al) a@x", "a@x"},
        {"comment behind", "a@x (Al)", "a@x"},
        {"comment in the name", "Al (b@y) <a@x>", "a@x"},
        {"around at and dots", "a (1) . (2) b (3) @ (4) x (5) . (6) example", "a.b@x.example"},
        {"in angle brackets", "<(1)a(2)@(3)x(4)>", "a@x"},
        {"behind the angle brackets", "<a@x> (, b@y)", "a@x"},
        {"nested", "(1 (2 (3)) <b@y>) a@x", "a@x"},
        {"escaped parentheses", "(\\) b@y, \\() a@x", "a@x"},
        {"quote in a comment", "(\") a@x", "a@x"},
        {"comment in a quoted string is none", "\"(\" <a@x>", "a@x"},
        {"folds", "Al\n <a\n @\r\n\tx>", "a@x"},
        {"comment splits an atom", "a(1)b@x", NULL},
        {"comment splits a label", "a@x(1)y", NULL},
        {"unterminated before", "(Al a@x", NULL},
        {"unterminated behind", "a@x (Al", NULL},
        {"unterminated behind angle brackets", "<a@x> (Al", NULL},
        {"unterminated inner", "(Al (1) a@x", NULL},
        {"backslash at the end", "a@x (\\", NULL},
        {"escaped end", "a@x (\\)", NULL},
        {"closed twice", "(1)) a@x", NULL},
    };
    EXPECT_ROWS(rows);
}

static void recovers_at_the_next_comma(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"empty members", ", ,\n ,a@x,,", "a@x"},
        {"only commas", ",,,", NULL},
        {"first of several", "a@x, b@y", "a@x"},
        {"bare local part first", "root, b@y", "b@y"},
        {"broken angle", "<a@, b@y", "b@y"},
        {"unterminated angle", "Al <a@x, Bo <b@y>", "b@y"},
        {"comma inside of an angle", "<a@x, b@y>, c@z", "c@z"},
        {"control character in quotes", "\"a\tb\"@x, b@y", "b@y"},
        {"semicolon for a comma", "a@x; b@y", "a@x"},
        {"semicolon in a name", "Al; Bo <b@y>", "b@y"},
        {"unquoted comma in a name", "Public, John <a@x>", "a@x"},
        {"unterminated quote", "\"Al <a@x>, b@y", NULL},
        {"unterminated quote later", "b@y, \"Al <a@x>", "b@y"},
        {"unterminated quote behind", "b@y \"Al, <a@x>", NULL},
        {"backslash at the end", "b@y \\", NULL},
        {"backslash at the end of a quote", "b@y \"\\", NULL},
        {"escaped comma", "b@y \\, a@x", NULL},
    };
    EXPECT_ROWS(rows);
}

static void takes_groups(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"one member", "G: a@x;", "a@x"},
        {"named by a phrase", "\"G 1\" of. (us): Al <a@x>, b@y;", "a@x"},
        {"empty", "Undisclosed recipients:;", NULL},
        {"empty, then a mailbox", "G:;, a@x", "a@x"},
        {"empty, mailbox without a comma", "G:; a@x", "a@x"},
        {"only a comment", "G: (none);, a@x", "a@x"},
        {"empty members", "G: , ,a@x,;", "a@x"},
        {"in a list", "root, G: root, a@x;, b@y", "a@x"},
        {"in a group", "G: H: a@x;;", "a@x"},
        {"unterminated", "G: a@x", "a@x"},
        {"named by an address", "b@y: a@x;", "a@x"},
        {"in a colon name", "Re: Al <a@x>", "a@x"},
        {"a name has no mailbox", "a@x:;", NULL},
    };
    EXPECT_ROWS(rows);
}

static void skips_routes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"one", "<@a:b@x>", "b@x"},
        {"two", "Al <@a,@b.example:b@x>", "b@x"},
        {"empty members", "<,,@a,,@b,:b@x>", "b@x"},
        {"white space and comments", "< @ a . c (1) , (2) @ [1.2] : b@x >", "b@x"},
        {"without colon", "<@a b@x>", NULL},
        {"semicolon for the colon", "<@a;b@x>", NULL},
        {"without at sign", "<@a,b:b@x>", NULL},
        {"empty domain", "<@:b@x>", NULL},
        {"without address", "<@a:>", NULL},
        {"only a colon", "<:b@x>", NULL},
        {"outside of angle brackets", "@a,@b: b@x", "b@x"},
    };
    EXPECT_ROWS(rows);
}

static void takes_domain_literals(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"IPv4", "a@[192.0.2.1]", "a@[192.0.2.1]"},
        {"IPv6", "<a@[IPv6:2001:db8::1]>", "a@[IPv6:2001:db8::1]"},
        {"white space goes", "a@[ 192.0\n .2.1\t]", "a@[192.0.2.1]"},
        {"needless backslash goes", "a@[1\\.2]", "a@[1.2]"},
        {"specials", "a@[<,>()\"]", "a@[<,>()\"]"},
        {"hides a comma in a name", "[b@y, c] <a@x>", "a@x"},
        {"escaped bracket", "a@[1\\]2]", NULL},
        {"escaped backslash", "a@[1\\\\2]", NULL},
        {"escaped space", "a@[1\\ 2]", NULL},
        {"control character", "a@[1\0012]", NULL},
        {"unterminated", "a@[1", NULL},
        {"unterminated in a list", "a@[1, b@y", "b@y"},
        {"opened twice", "a@[1[2]", NULL},
        {"an open one hides no comma", "[, b@y, [1]", "b@y"},
        {"with a label", "a@[1]x", NULL},
        {"with a dot", "a@[1].", NULL},
        {"as local part", "[1]@x", NULL},
    };
    EXPECT_ROWS(rows);
}

static void passes_on_octets_above_ascii(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"UTF-8", "\xc3\xa4@\xc3\xb6.example", "\xc3\xa4@\xc3\xb6.example"},
        {"UTF-8 name", "J\xc3\xa4n <a@x>", "a@x"},
        {"Latin-1", "\xe4@x", "\xe4@x"},
        {"any octet", "\x80\xff@x", "\x80\xff@x"},
        {"in quotes without need", "\"\xc3\xa4\"@x", "\xc3\xa4@x"},
        {"encoded word", "=?utf-8?Q?J=C3=A4n?= <a@x>", "a@x"},
        {"encoded words hide nothing", "=?utf-8?Q?a,_b?= <a@x>", "a@x"},
        {"encoded words are not decoded", "=?utf-8?Q?=3Cb@y=3E?= <a@x>", "a@x"},
        {"encoded word alone", "=?utf-8?Q?a=40x?=", NULL},
    };
    EXPECT_ROWS(rows);
}

static void sender_chooses_among_from(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour, *from, *sender, *expected;
    } rows[] = {
        {"second", "a@x, b@y, c@z", "Bo <b@y>", "b@y"},
        {"last", "a@x, b@y, c@z", "c@z", "c@z"},
        {"in a group", "a@x, G: b@y;", "b@y", "b@y"},
        {"domain in another case", "a@x, b@Y.Example", "b@y.eXAMPLE", "b@Y.Example"},
        {"local part in another case", "a@x, b@y", "B@y", "a@x"},
        {"other local part", "a@x, b@y", "c@y", "a@x"},
        {"other domain", "a@x, b@y", "b@z", "a@x"},
        {"start of a domain", "a@x, b@y.example", "b@y", "a@x"},
        {"start of a local part", "a@x, bob@y", "bo@y", "a@x"},
        {"octets that differ in the case bit", "a@x, b@^", "b@~", "a@x"},
        {"quoted differently", "a@x, \"b\"@y", "b@y", "b@y"},
        {"first of the Sender field", "a@x, b@y, c@z", "root, c@z, b@y", "c@z"},
        {"empty", "a@x, b@y", "", "a@x"},
        {"not usable", "a@x, b@y", "b", "a@x"},
        {"the only one", "a@x", "b@y", "a@x"},
        {"no From mailbox", "", "b@y", NULL},
        {"as it stands in From", "a@X", "a@x", "a@X"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i].behaviour, rows[i].from, rows[i].sender, rows[i].expected);
}

/* length times the octet, between before and after. The next call overwrites it. */
static const char *stretch(const char *before, char octet, size_t length, const char *after)
{
    static char text[2 * SENDER_FIELD_MAX];
    size_t start = strlen(before);
    size_t end = start + length;

    assert_true(end + strlen(after) < sizeof text);
    (void)snprintf(text, sizeof text, "%s", before);
    memset(text + start, octet, length);
    (void)snprintf(text + end, sizeof text - end, "%s", after);
    return text;
}

static void address_length_has_a_cap(void **state)
{
    (void)state;
    char longest[SENDER_ADDRESS_SIZE];
    const char *field;

    field = stretch("", 'a', SENDER_ADDRESS_MAX - 2, "@x");
    memcpy(longest, field, sizeof longest);
    expect("local part", field, NULL, longest);
    expect("local part and one", stretch("", 'a', SENDER_ADDRESS_MAX - 1, "@x"), NULL, NULL);
    field = stretch("a@", 'x', SENDER_ADDRESS_MAX - 2, "");
    memcpy(longest, field, sizeof longest);
    expect("domain", field, NULL, longest);
    expect("domain and one", stretch("a@", 'x', SENDER_ADDRESS_MAX - 1, ""), NULL, NULL);
    field = stretch("\"", ' ', SENDER_ADDRESS_MAX - 4, "\"@x");
    memcpy(longest, field, sizeof longest);
    expect("in quotes", field, NULL, longest);
    expect("in quotes and one", stretch("\"", ' ', SENDER_ADDRESS_MAX - 3, "\"@x"), NULL, NULL);
    expect("escapes count", stretch("\"\\\\", ' ', SENDER_ADDRESS_MAX - 5, "\"@x"), NULL, NULL);
    expect("literal", stretch("a@[", '1', SENDER_ADDRESS_MAX - 3, "]"), NULL, NULL);
    expect("the next is taken", stretch("", 'a', 4000, "@x, b@y"), NULL, "b@y");
    expect("a long name is none", stretch("", 'a', 4000, " <b@y>"), NULL, "b@y");
    expect("a long quoted name is none", stretch("\"", 'a', 4000, "\" <b@y>"), NULL, "b@y");
    expect("a long address as name is none", stretch("a@", 'a', 4000, " <b@y>"), NULL, "b@y");
}

static void field_length_has_a_cap(void **state)
{
    (void)state;
    expect("at the limit", stretch("", ' ', SENDER_FIELD_MAX - 3, "a@x"), NULL, "a@x");
    expect("one past it", stretch("", ' ', SENDER_FIELD_MAX - 2, "a@x"), NULL, NULL);
    expect("angle at the limit", stretch("", ' ', SENDER_FIELD_MAX - 5, "<a@x>"), NULL, "a@x");
    expect("angle one past it", stretch("", ' ', SENDER_FIELD_MAX - 4, "<a@x>"), NULL, NULL);
    expect("comma at the limit", stretch("", ' ', SENDER_FIELD_MAX - 4, "a@x, b"), NULL, "a@x");
    expect("comma one past it", stretch("", ' ', SENDER_FIELD_MAX - 3, "a@x, b"), NULL, NULL);
    expect("cut in an ignored text", stretch("<a@x>", ' ', SENDER_FIELD_MAX, ""), NULL, NULL);
    expect("cut later", stretch("<a@x>, b@y", ' ', SENDER_FIELD_MAX, ""), NULL, "a@x");
    expect("too far", stretch("", ',', SENDER_FIELD_MAX, "a@x"), NULL, NULL);
    expect("cut in a Sender field", "a@x, b@y", stretch("b@y", ' ', SENDER_FIELD_MAX, ""), "a@x");
    expect("whole Sender field", "a@x, b@y", stretch("b@y", ' ', SENDER_FIELD_MAX - 3, ""), "b@y");
}

static const char *comment(size_t depth)
{
    static char text[4 * SENDER_COMMENT_DEPTH_MAX];

    memset(text, '(', depth);
    memset(text + depth, ')', depth);
    (void)snprintf(text + 2 * depth, sizeof text - 2 * depth, " a@x");
    return text;
}

static void comment_depth_has_a_cap(void **state)
{
    (void)state;
    expect("at the limit", comment(SENDER_COMMENT_DEPTH_MAX), NULL, "a@x");
    expect("one past it", comment(SENDER_COMMENT_DEPTH_MAX + 1), NULL, NULL);
}

static const char *mailboxes(int count)
{
    static char text[16 * SENDER_MAILBOXES_MAX];
    size_t length = 0;

    for (int i = 1; i <= count; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "a%d@x, ", i);
    (void)snprintf(text + length, sizeof text - length, "last@x");
    return text;
}

static void number_of_mailboxes_has_a_cap(void **state)
{
    (void)state;
    expect("at the limit", mailboxes(SENDER_MAILBOXES_MAX - 1), "last@x", "last@x");
    expect("one past it", mailboxes(SENDER_MAILBOXES_MAX), "last@x", "a1@x");
}

static void leaves_no_more_than_an_address(void **state)
{
    (void)state;
    struct {
        char out[SENDER_ADDRESS_SIZE];
        char fence;
    } place;

    memset(&place, 'f', sizeof place);
    assert_true(sender_choose(stretch("a@", 'x', SENDER_ADDRESS_MAX - 2, ""), NULL, place.out));
    assert_int_equal(strlen(place.out), SENDER_ADDRESS_MAX);
    assert_int_equal(place.fence, 'f');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_addresses_alone),
        cmocka_unit_test(takes_addresses_in_angle_brackets),
        cmocka_unit_test(writes_local_parts_canonically),
        cmocka_unit_test(skips_white_space_and_comments),
        cmocka_unit_test(recovers_at_the_next_comma),
        cmocka_unit_test(takes_groups),
        cmocka_unit_test(skips_routes),
        cmocka_unit_test(takes_domain_literals),
        cmocka_unit_test(passes_on_octets_above_ascii),
        cmocka_unit_test(sender_chooses_among_from),
        cmocka_unit_test(address_length_has_a_cap),
        cmocka_unit_test(field_length_has_a_cap),
        cmocka_unit_test(comment_depth_has_a_cap),
        cmocka_unit_test(number_of_mailboxes_has_a_cap),
        cmocka_unit_test(leaves_no_more_than_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
