/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char negotiation[] = "\0\0\0\15O\0\0\0\6\0\0\1\377\0\37\377\377";

/* What is found behind a negotiation. */
static enum packet_found read_next(const char *octets, size_t length, struct packet *packet,
                                   const char **fault)
{
    struct packet_order order = {0};

    assert_int_equal(packet_read(packet, &order, negotiation, sizeof negotiation - 1, fault),
                     PACKET_WHOLE);
    return packet_read(packet, &order, octets, length, fault);
}

static void takes_what_an_mta_sends(void **state)
{
    static const struct {
        const char *octets;
        size_t length;
    } good[] = {
#define GOOD(text) {text, sizeof text - 1}
        GOOD("\0\0\0\31Cclient.example\0"
             "4"
             "\0\31"
             "1.2.3\0"),
        GOOD("\0\0\0\12Cunknown\0U"),
        GOOD("\0\0\0\2DC"),
        GOOD("\0\0\0\10DCj\0a.b\0"),
        GOOD("\0\0\0\5DLi\0\0"),
        GOOD("\0\0\0\5Hhlo\0"),
        GOOD("\0\0\0\7M<a@b>\0"),
        GOOD("\0\0\0\16M<>\0SIZE=1\0A\0\0"),
        GOOD("\0\0\0\4R<>\0"),
        GOOD("\0\0\0\1T"),
        GOOD("\0\0\0\10LFrom\0a\0"),
        GOOD("\0\0\0\3L\0\0"),
        GOOD("\0\0\0\1N"),
        GOOD("\0\0\0\4Babc"),
        GOOD("\0\0\0\1E"),
        GOOD("\0\0\0\3Eab"),
        GOOD("\0\0\0\1A"),
        GOOD("\0\0\0\1Q"),
        GOOD("\0\0\0\1K"),
        GOOD("\0\0\0\6UVRFY\0"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const char *fault = NULL;
        struct packet packet;
        size_t size = 4 + (size_t)(unsigned char)good[i].octets[3];
        enum packet_found found = read_next(good[i].octets, size, &packet, &fault);

        if (found != PACKET_WHOLE)
            fail_msg("%zu: %s", i, fault);
        assert_int_equal(packet.size, size);
        assert_int_equal(packet.length, size - 5);
        for (size_t part = 0; part < size; part++)
            assert_int_equal(read_next(good[i].octets, part, &packet, &fault), PACKET_INCOMPLETE);
    }
}

static void refuses_what_would_lead_libmilter_astray(void **state)
{
    static const struct {
        const char *fault;
        const char *octets;
        size_t length;
    } bad[] = {
#define BAD(fault, text) {fault, text, sizeof text - 1}
        BAD("impossible length", "\0\0\0\0"),
        BAD("impossible length", "\0\1\0\1"),
        BAD("impossible length", "\377\377\377\377"),
        BAD("unknown command", "\0\0\0\1x"),
        BAD("unknown command", "\0\0\0\1\0"),
        BAD("second negotiation", "\0\0\0\15O\0\0\0\6\0\0\1\377\0\37\377\377"),
        BAD("too short", "\0\0\0\14O\0\0\0\6\0\0\1\377\0\37\377"),
        BAD("no command", "\0\0\0\1D"),
        BAD("no command", "\0\0\0\2DD"),
        BAD("no command", "\0\0\0\2D\0"),
        BAD("pairs", "\0\0\0\4DCj\0"),
        BAD("pairs", "\0\0\0\5DCj\0a"),
        BAD("pairs", "\0\0\0\10DCj\0a\0b\0"),
        BAD("client", "\0\0\0\1C"),
        BAD("client", "\0\0\0\3Cab"),
        BAD("client", "\0\0\0\3Ca\0"),
        BAD("client", "\0\0\0\4Ca\0x"),
        BAD("client", "\0\0\0\6Ca\0"
                      "4"
                      "\0\31"),
        BAD("client", "\0\0\0\7Ca\0"
                      "4"
                      "\0\31"
                      "1"),
        BAD("not one string", "\0\0\0\1H"),
        BAD("not one string", "\0\0\0\2Ha"),
        BAD("not one string", "\0\0\0\5Ha\0b\0"),
        BAD("not one string", "\0\0\0\2Ua"),
        BAD("address", "\0\0\0\1M"),
        BAD("address", "\0\0\0\2Ma"),
        BAD("address", "\0\0\0\4Ma\0b"),
        BAD("address", "\0\0\0\1R"),
        BAD("two strings", "\0\0\0\1L"),
        BAD("two strings", "\0\0\0\3La\0"),
        BAD("two strings", "\0\0\0\4La\0b"),
        BAD("two strings", "\0\0\0\7La\0b\0c\0"),
        BAD("none belongs", "\0\0\0\2Ta"),
        BAD("none belongs", "\0\0\0\2Na"),
        BAD("none belongs", "\0\0\0\2Aa"),
        BAD("none belongs", "\0\0\0\2Qa"),
        BAD("none belongs", "\0\0\0\2Ka"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *fault = "none";
        struct packet packet;

        if (read_next(bad[i].octets, bad[i].length, &packet, &fault) != PACKET_BAD ||
            strstr(fault, bad[i].fault) == NULL)
            fail_msg("%zu: %s is not %s", i, fault, bad[i].fault);
    }
}

static void takes_nothing_before_the_negotiation(void **state)
{
    struct packet_order order = {0};
    struct packet packet;
    const char *fault;

    (void)state;
    assert_int_equal(packet_read(&packet, &order, "\0\0\0\1E", 5, &fault), PACKET_BAD);
    assert_string_equal(fault, "something before the negotiation");
}

static void another_client_may_negotiate_or_not(void **state)
{
    struct packet_order order = {0};
    struct packet packet;
    const char *fault;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(packet_read(&packet, &order, negotiation, sizeof negotiation - 1, &fault),
                         PACKET_WHOLE);
        assert_int_equal(packet_read(&packet, &order, "\0\0\0\1K", 5, &fault), PACKET_WHOLE);
    }
    assert_int_equal(packet_read(&packet, &order, "\0\0\0\1A", 5, &fault), PACKET_WHOLE);
}

static void a_message_comes_to_its_end(void **state)
{
    static char field[65536 + 4] = "\0\1\0\0Ba\0";
    struct packet_order order = {0};
    struct packet packet;
    const char *fault;
    long count = 0;

    (void)state;
    assert_int_equal(packet_read(&packet, &order, negotiation, sizeof negotiation - 1, &fault),
                     PACKET_WHOLE);
    /* A body may be as long as it likes. */
    for (int i = 0; i < 2 * (PACKET_MESSAGE_MAX / 65536); i++)
        assert_int_equal(packet_read(&packet, &order, field, sizeof field, &fault), PACKET_WHOLE);
    field[4] = 'L';
    memset(field + 7, 'b', sizeof field - 8);
    while (packet_read(&packet, &order, field, sizeof field, &fault) == PACKET_WHOLE)
        count++;
    assert_string_equal(fault, "a message that does not end");
    assert_in_range(count, PACKET_MESSAGE_MAX / 65540 - 2, PACKET_MESSAGE_MAX / 65540);
}

static void tells_what_an_mta_offers(void **state)
{
    struct packet packet;
    const char *fault;
    struct packet_order order = {0};

    (void)state;
    assert_int_equal(packet_read(&packet, &order, negotiation, sizeof negotiation - 1, &fault),
                     PACKET_WHOLE);
    assert_true(packet_offers(&packet, 0x1fffff));
    assert_true(packet_offers(&packet, 0x10));
    assert_false(packet_offers(&packet, 0x200000));
    assert_int_equal(read_next("\0\0\0\2DR", 6, &packet, &fault), PACKET_WHOLE);
    assert_int_equal(packet_macro_stage(&packet), 'R');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_an_mta_sends),
        cmocka_unit_test(refuses_what_would_lead_libmilter_astray),
        cmocka_unit_test(takes_nothing_before_the_negotiation),
        cmocka_unit_test(another_client_may_negotiate_or_not),
        cmocka_unit_test(a_message_comes_to_its_end),
        cmocka_unit_test(tells_what_an_mta_offers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
