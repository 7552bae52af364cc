/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NS = 2, CNAME = 5, SOA = 6, OPT = 41, HOPS = DNS_CNAMES_MAX, BUFFER_SIZE = 65535 };
enum { REPLY = 0x8000, FINAL = 0x0400, CUT_OFF = 0x0200, RECURSES = 0x0080 };

/* A message as it is made up. */
static unsigned char octets[BUFFER_SIZE];
static size_t length;
static struct message message;

static void put(const void *data, size_t size)
{
    memcpy(octets + length, data, size);
    length += size;
}

static void put_16(unsigned number)
{
    const unsigned char data[] = {(unsigned char)(number >> 8), (unsigned char)number};

    put(data, 2);
}

/* name: without escapes. */
static void put_name(const char *name)
{
    while (*name != '\0') {
        size_t size = strcspn(name, ".");
        const unsigned char label = (unsigned char)size;
        put(&label, 1);
        put(name, size);
        name += size + (name[size] == '.');
    }
    put("", 1);
}

static void begin(unsigned flags)
{
    length = 0;
    put_16(0x1234);
    put_16(flags);
    put_16(1);
    put_16(0);
    put_16(0);
    put_16(0);
    put_name("a.example");
    put_16(DNS_MX);
    put_16(1);
}

/* Of the answer section. */
static void set_count(unsigned count)
{
    octets[6] = (unsigned char)(count >> 8);
    octets[7] = (unsigned char)count;
}

static void put_record(const char *owner, unsigned type, const void *data, size_t size)
{
    put_name(owner);
    put_16(type);
    put_16(1);
    put("\0\0\0\x3c", 4);
    put_16((unsigned)size);
    put(data, size);
}

static void add(const char *owner, unsigned type, const void *data, size_t size)
{
    set_count((octets[6] << 8 | octets[7]) + 1U);
    put_record(owner, type, data, size);
}

/* Behind the answers, of which none may follow. */
static void add_authority(const char *owner, unsigned type)
{
    octets[9]++;
    put_record(owner, type, "\0", 1);
}

/* Its data end in a name; preference: -1 for none. */
static void add_name(const char *owner, unsigned type, int preference, const char *name)
{
    size_t before;

    add(owner, type, "", 0);
    before = length;
    if (preference >= 0)
        put_16((unsigned)preference);
    put_name(name);
    octets[before - 2] = (unsigned char)((length - before) >> 8);
    octets[before - 1] = (unsigned char)(length - before);
}

static void add_mx(const char *owner, int preference, const char *host)
{
    add_name(owner, DNS_MX, preference, host);
}

static void add_alias(const char *owner, const char *target)
{
    add_name(owner, CNAME, -1, target);
}

/* In memory of exactly that length, so that the sanitizer and valgrind see a step beyond it. */
static enum dns_result read_part(size_t size, enum dns_type type)
{
    unsigned char *exact = malloc(size > 0 ? size : 1);

    assert_non_null(exact);
    memcpy(exact, octets, size);
    message_read(&message, exact, size, "a.example", type, HOPS);
    free(exact);
    return message.result;
}

static enum dns_result read_it(enum dns_type type)
{
    return read_part(length, type);
}

static void sorts_mx_by_preference_then_name(void **state)
{
    (void)state;
    begin(REPLY | FINAL);
    add_mx("a.example", 20, "B.Example");
    add_mx("a.example", 10, "z.example");
    add_mx("A.EXAMPLE", 20, "a.example");
    add_mx("a.example", 256, "");
    assert_int_equal(read_it(DNS_MX), DNS_FOUND);
    assert_int_equal(message.count, 4);
    assert_false(message.truncated);
    assert_string_equal(message.records[0].text, "z.example");
    assert_string_equal(message.records[1].text, "a.example");
    assert_string_equal(message.records[2].text, "b.example");
    assert_string_equal(message.records[3].text, "");
    assert_int_equal(message.records[3].preference, 256);
}

static void takes_only_records_of_the_name(void **state)
{
    (void)state;
    begin(REPLY | FINAL);
    add_mx("b.example", 10, "mx.example");
    add_mx("a.example.com", 10, "mx.example");
    add("a.example", DNS_TXT, "\1x", 2);
    assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
    assert_int_equal(message.count, 0);
    add_mx("a.example", 10, "mx.example");
    octets[length - 21] = 3; /* CHAOS */
    assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
    octets[length - 21] = 1;
    assert_int_equal(read_it(DNS_MX), DNS_FOUND);
    assert_int_equal(message.count, 1);
}

static void follows_aliases_in_any_order(void **state)
{
    (void)state;
    begin(REPLY | FINAL);
    add_mx("c.example", 10, "mx.example");
    add_alias("b.example", "C.example");
    add_alias("a.example", "b.example");
    add_mx("other.example", 10, "evil.example");
    assert_int_equal(read_it(DNS_MX), DNS_FOUND);
    assert_int_equal(message.count, 1);
    assert_int_equal(message.aliases, 2);
    assert_string_equal(message.alias, "");
    assert_string_equal(message.records[0].text, "mx.example");
}

static void names_the_alias_that_is_left(void **state)
{
    (void)state;
    begin(REPLY | FINAL);
    add_alias("a.example", "b.example");
    add_alias("b.example", "c.example");
    assert_int_equal(read_it(DNS_MX), DNS_NO_DATA);
    assert_string_equal(message.alias, "c.example");
    assert_int_equal(message.aliases, 2);
    begin(REPLY); /* a server that is neither final nor recursive may know a CNAME */
    add_alias("a.example", "b.example");
    assert_int_equal(read_it(DNS_MX), DNS_NO_DATA);
    assert_string_equal(message.alias, "b.example");
}

static void follows_so_many_aliases_and_no_more(void **state)
{
    char owner[] = "a.example", target[] = "b.example";

    (void)state;
    begin(REPLY | FINAL);
    for (int i = 0; i < HOPS; i++, owner[0]++, target[0]++)
        add_alias(owner, target);
    add_mx(owner, 10, "mx.example");
    assert_int_equal(read_it(DNS_MX), DNS_FOUND);
    message_read(&message, octets, length, "a.example", DNS_MX, HOPS - 1);
    assert_int_equal(message.result, DNS_MALFORMED);
    message_read(&message, octets, length, "i.example", DNS_MX, 0);
    assert_int_equal(message.result, DNS_FOUND);
}

static void ends_a_loop_of_aliases(void **state)
{
    (void)state;
    begin(REPLY | FINAL);
    add_alias("a.example", "b.example");
    add_alias("b.example", "a.example");
    assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
    begin(REPLY | FINAL);
    add_alias("a.example", "a.example");
    assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
}

static void maps_the_response_codes(void **state)
{
    static const struct {
        unsigned flags;
        enum dns_result result;
    } rows[] = {
        {REPLY | FINAL, DNS_NO_DATA},
        {REPLY | RECURSES, DNS_NO_DATA},
        {REPLY, DNS_REFUSED}, /* a referral */
        {REPLY | FINAL | 1, DNS_REFUSED},
        {REPLY | 2, DNS_SERVFAIL},
        {REPLY | FINAL | 3, DNS_NXDOMAIN},
        {REPLY | 4, DNS_REFUSED},
        {REPLY | 5, DNS_REFUSED},
        {REPLY | 9, DNS_REFUSED},
        {REPLY | FINAL | CUT_OFF, DNS_MALFORMED},
        {FINAL, DNS_MALFORMED},                  /* a question */
        {REPLY | FINAL | 0x2800, DNS_MALFORMED}, /* an update */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        begin(rows[i].flags);
        assert_int_equal(read_it(DNS_MX), rows[i].result);
        assert_int_equal(message.count, 0);
    }
}

/* What the answer section holds for a question that has another answer, or none. */
static const struct {
    const char *name;
    const char *owner;
    unsigned type;
    const char *data;
    size_t length;
} misfits[] = {
    {"an address for an MX", "a.example", DNS_A, "\300\0\2\120", 4},
    {"an MX of another owner", "b.example", DNS_MX, "\0\12\2mx\0", 6},
    {"an MX of the zone above", "example", DNS_MX, "\0\12\2mx\0", 6},
    {"an alias of another owner", "b.example", CNAME, "\1c\0", 3},
    {"an OPT", "", OPT, "", 0},
};

static void takes_what_does_not_fit_the_question_for_no_answer(void **state)
{
    static const unsigned flags[] = {FINAL, RECURSES, FINAL | 3, RECURSES | 3};

    (void)state;
    for (size_t i = 0; i < sizeof misfits / sizeof misfits[0]; i++) {
        print_message("%s\n", misfits[i].name);
        for (size_t j = 0; j < sizeof flags / sizeof flags[0]; j++) {
            begin(REPLY | flags[j]);
            add(misfits[i].owner, misfits[i].type, misfits[i].data, misfits[i].length);
            assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
            assert_int_equal(message.count, 0);
            add_authority("other.example", SOA);
            assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
            add_authority("example", SOA);
            assert_int_equal(read_it(DNS_MX), (flags[j] & 3) == 3 ? DNS_NXDOMAIN : DNS_NO_DATA);
        }
    }
}

static void takes_no_name_for_missing_that_has_records(void **state)
{
    (void)state;
    begin(REPLY | FINAL | 3);
    add_mx("a.example", 10, "mx.example");
    assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
    begin(REPLY | FINAL | 3); /* RFC 6604: it is the last name that is missing */
    add_alias("a.example", "b.example");
    assert_int_equal(read_it(DNS_MX), DNS_NXDOMAIN);
    assert_string_equal(message.alias, "");
}

static void tells_a_referral_from_an_empty_answer(void **state)
{
    (void)state;
    begin(REPLY | RECURSES);
    add_authority("example", NS);
    assert_int_equal(read_it(DNS_MX), DNS_REFUSED);
    octets[2] |= FINAL >> 8;
    assert_int_equal(read_it(DNS_MX), DNS_NO_DATA);
    begin(REPLY); /* neither final nor recursive, but it has the zone's word */
    add_authority("", SOA);
    assert_int_equal(read_it(DNS_MX), DNS_NO_DATA);
    octets[9]++; /* a record that is not there */
    assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
}

static void tells_who_may_not_know_edns(void **state)
{
    (void)state;
    for (unsigned rcode = 0; rcode <= 15; rcode++) {
        begin(REPLY | FINAL | rcode);
        (void)read_it(DNS_MX);
        assert_int_equal(message.doubts_edns, rcode == 1 || rcode == 4);
    }
    begin(REPLY | FINAL); /* BADVERS, whose lower bits are those of NOERROR */
    octets[11] = 1;
    put_record("", OPT, "", 0);
    assert_int_equal(read_it(DNS_MX), DNS_NO_DATA);
    octets[length - 6] = 1;
    assert_int_equal(read_it(DNS_MX), DNS_REFUSED);
    assert_true(message.doubts_edns);
}

/* Over UDP such an answer is fetched again over TCP, so this came over TCP. */
static void takes_an_answer_that_was_cut_off_for_none(void **state)
{
    (void)state;
    begin(REPLY | FINAL | CUT_OFF);
    add_mx("a.example", 10, "mx.example");
    assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
    begin(REPLY | FINAL | CUT_OFF | 3);
    assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
}

static void keeps_64_records(void **state)
{
    (void)state;
    begin(REPLY | FINAL);
    for (int i = 0; i < DNS_RECORDS_MAX; i++)
        add_mx("a.example", i, "mx.example");
    assert_int_equal(read_it(DNS_MX), DNS_FOUND);
    assert_int_equal(message.count, DNS_RECORDS_MAX);
    assert_false(message.truncated);
    add_mx("a.example", 0, "mx.example");
    assert_int_equal(read_it(DNS_MX), DNS_FOUND);
    assert_int_equal(message.count, DNS_RECORDS_MAX);
    assert_true(message.truncated);
}

static void reads_addresses_and_names(void **state)
{
    (void)state;
    begin(REPLY | FINAL);
    add("a.example", DNS_A, "\300\0\2\1", 4);
    add("a.example", DNS_AAAA, "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16);
    add_name("a.example", DNS_PTR, -1, "Host.example");
    assert_int_equal(read_it(DNS_A), DNS_FOUND);
    assert_string_equal(message.records[0].text, "192.0.2.1");
    assert_int_equal(read_it(DNS_AAAA), DNS_FOUND);
    assert_string_equal(message.records[0].text, "2001:db8::1");
    assert_int_equal(read_it(DNS_PTR), DNS_FOUND);
    assert_string_equal(message.records[0].text, "host.example");
}

static void joins_the_strings_of_a_text(void **state)
{
    (void)state;
    begin(REPLY | FINAL);
    add("a.example", DNS_TXT, "\2ab\0\4c \xc3\n", 9);
    assert_int_equal(read_it(DNS_TXT), DNS_FOUND);
    assert_string_equal(message.records[0].text, "abc \\xC3\\x0A");
}

/* So many strings of 255 octets, the first of which is printable. */
static void add_long_text(size_t strings)
{
    static unsigned char text[256 * 256];

    memset(text, 0xFF, sizeof text);
    text[1] = 'x';
    add("a.example", DNS_TXT, text, 256 * strings);
}

static void cuts_long_texts_but_no_escape(void **state)
{
    (void)state;
    begin(REPLY | FINAL);
    add_long_text(4);
    add_long_text(5);
    assert_int_equal(read_it(DNS_TXT), DNS_FOUND);
    assert_int_equal(strlen(message.records[0].text), 1 + 4 * (4 * 255 - 1));
    assert_int_equal(strlen(message.records[1].text), 1 + 4 * 1023);
}

static void keeps_as_much_as_a_message_may_hold(void **state)
{
    (void)state;
    begin(REPLY | FINAL);
    for (int i = 0; i < 60; i++)
        add_long_text(4);
    assert_int_equal(read_it(DNS_TXT), DNS_FOUND);
    assert_int_equal(message.count, 60);
    for (size_t i = 0; i < message.count; i++)
        assert_int_equal(strlen(message.records[i].text), 1 + 4 * (4 * 255 - 1));
}

static const struct {
    const char *name;
    unsigned type;
    const char *data;
    size_t length;
} bad_data[] = {
    {"an A of 3 octets", DNS_A, "abc", 3},
    {"an A of 5 octets", DNS_A, "abcde", 5},
    {"an AAAA of 4 octets", DNS_AAAA, "abcd", 4},
    {"an MX of nothing", DNS_MX, "", 0},
    {"an MX of a preference", DNS_MX, "\0\1", 2},
    {"an MX with octets behind the name", DNS_MX, "\0\1\1a\0\0", 6},
    {"an MX whose name goes on behind it", DNS_MX, "\0\1\5a", 4},
    {"an MX that points to itself", DNS_MX, "\0\1\300\62", 4},
    {"a PTR of nothing", DNS_PTR, "", 0},
    {"a TXT of nothing", DNS_TXT, "", 0},
    {"a TXT whose string goes on behind it", DNS_TXT, "\3ab", 3},
    {"a CNAME of nothing", CNAME, "", 0},
};

static void refuses_bad_data(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_data / sizeof bad_data[0]; i++) {
        print_message("%s\n", bad_data[i].name);
        begin(REPLY | FINAL);
        add("a.example", bad_data[i].type, bad_data[i].data, bad_data[i].length);
        add_mx("b.example", 10, "mx.example");
        assert_int_equal(
            read_it(bad_data[i].type == CNAME ? DNS_MX : (enum dns_type)bad_data[i].type),
            DNS_MALFORMED);
        assert_int_equal(message.count, 0);
    }
}

static void refuses_every_beginning(void **state)
{
    (void)state;
    begin(REPLY | FINAL);
    add_alias("a.example", "b.example");
    add_mx("b.example", 10, "mx.example");
    for (size_t size = 0; size < length; size++)
        assert_int_equal(read_part(size, DNS_MX), DNS_MALFORMED);
    assert_int_equal(read_it(DNS_MX), DNS_FOUND);
}

static void refuses_counts_that_lie(void **state)
{
    (void)state;
    begin(REPLY | FINAL);
    add_mx("a.example", 10, "mx.example");
    set_count(2);
    assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
    set_count(65535);
    assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
    set_count(0);
    assert_int_equal(read_it(DNS_MX), DNS_NO_DATA);
    set_count(1);
    octets[5] = 2; /* questions */
    assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
    octets[5] = 0;
    assert_int_equal(read_it(DNS_MX), DNS_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_mx_by_preference_then_name),
        cmocka_unit_test(takes_only_records_of_the_name),
        cmocka_unit_test(follows_aliases_in_any_order),
        cmocka_unit_test(names_the_alias_that_is_left),
        cmocka_unit_test(follows_so_many_aliases_and_no_more),
        cmocka_unit_test(ends_a_loop_of_aliases),
        cmocka_unit_test(maps_the_response_codes),
        cmocka_unit_test(takes_what_does_not_fit_the_question_for_no_answer),
        cmocka_unit_test(takes_no_name_for_missing_that_has_records),
        cmocka_unit_test(tells_a_referral_from_an_empty_answer),
        cmocka_unit_test(tells_who_may_not_know_edns),
        cmocka_unit_test(takes_an_answer_that_was_cut_off_for_none),
        cmocka_unit_test(keeps_64_records),
        cmocka_unit_test(reads_addresses_and_names),
        cmocka_unit_test(joins_the_strings_of_a_text),
        cmocka_unit_test(cuts_long_texts_but_no_escape),
        cmocka_unit_test(keeps_as_much_as_a_message_may_hold),
        cmocka_unit_test(refuses_bad_data),
        cmocka_unit_test(refuses_every_beginning),
        cmocka_unit_test(refuses_counts_that_lie),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
