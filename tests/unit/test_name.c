/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define OCTETS(text) text, sizeof(text) - 1
#define LABEL_63                                                                                   \
    "\x3f"                                                                                         \
    "012345678901234567890123456789012345678901234567890123456789012"

static const struct {
    const char *name;
    const char *octets;
    size_t length;
    size_t offset;
    const char *text;
    size_t behind; /* 0: it is no name */
} names[] = {
    {"the root", OCTETS("\0"), 0, "", 1},
    {"labels", OCTETS("\2mx\7example\0"), 0, "mx.example", 12},
    {"upper case", OCTETS("\2MX\1Z\0"), 0, "mx.z", 6},
    {"octets behind it", OCTETS("\1a\0xyz"), 0, "a", 3},
    {"a pointer", OCTETS("\3com\0\1a\xc0\0"), 5, "a.com", 9},
    {"a pointer alone", OCTETS("\3com\0\xc0\0"), 5, "com", 7},
    {"a pointer to a pointer", OCTETS("\3com\0\1a\xc0\0\1b\xc0\5"), 9, "b.a.com", 13},
    {"a pointer into a name", OCTETS("\1a\1b\0\xc0\2"), 5, "b", 7},
    {"a dot in a label", OCTETS("\3a.b\0"), 0, "a\\.b", 5},
    {"a backslash", OCTETS("\1\\\0"), 0, "\\\\", 3},
    {"what looks like an escape", OCTETS("\4\\xC3\0"), 0, "\\\\xc3", 6},
    {"octets that are not ASCII", OCTETS("\2\xc3\xbc\0"), 0, "\\xC3\\xBC", 4},
    {"blanks and controls", OCTETS("\4\0 \n\x7f\0"), 0, "\\x00\\x20\\x0A\\x7F", 6},
    {"a longest label", OCTETS(LABEL_63 "\0"), 0,
     "012345678901234567890123456789012345678901234567890123456789012", 65},
    {"nothing", OCTETS(""), 0, NULL, 0},
    {"an offset beyond the end", OCTETS("\0"), 2, NULL, 0},
    {"no end", OCTETS("\1a"), 0, NULL, 0},
    {"a label beyond the end", OCTETS("\3a"), 0, NULL, 0},
    {"a label that ends it", OCTETS("\1"), 0, NULL, 0},
    {"a label of 64",
     OCTETS("\x40"
            "0123456789012345678901234567890123456789012345678901234567890123\0"),
     0, NULL, 0},
    {"a kind of label that is not", OCTETS("\x80\0"), 0, NULL, 0},
    {"half a pointer", OCTETS("\1a\xc0"), 0, NULL, 0},
    {"a pointer to itself", OCTETS("\xc0\0"), 0, NULL, 0},
    {"a pointer to the start of its own name", OCTETS("\1a\xc0\0"), 0, NULL, 0},
    {"a pointer forward", OCTETS("\xc0\2\1a\0"), 0, NULL, 0},
    {"two pointers in a circle", OCTETS("\1a\xc0\4\1b\xc0\0"), 4, NULL, 0},
    {"a pointer beyond the end", OCTETS("\xff\xff"), 0, NULL, 0},
};

static void reads_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[NAME_TEXT_SIZE];
        print_message("%s\n", names[i].name);
        assert_int_equal(name_read((const unsigned char *)names[i].octets, names[i].length,
                                   names[i].offset, text),
                         names[i].behind);
        if (names[i].text != NULL)
            assert_string_equal(text, names[i].text);
    }
}

/* Three labels of 63, and one of what is left of the 255 octets. */
static size_t make_long(unsigned char out[300], unsigned last)
{
    for (size_t i = 0; i < 3; i++) {
        out[64 * i] = 63;
        memset(out + 64 * i + 1, 0xFF, 63);
    }
    out[192] = (unsigned char)last;
    memset(out + 193, 0xFF, last);
    out[193 + last] = 0;
    return 194 + last;
}

static void takes_255_octets_and_not_256(void **state)
{
    unsigned char octets[300];
    char text[NAME_TEXT_SIZE];
    size_t length = make_long(octets, 61);

    (void)state;
    assert_int_equal(length, 255);
    assert_int_equal(name_read(octets, length, 0, text), 255);
    assert_int_equal(strlen(text), 4 * 250 + 3);
    length = make_long(octets, 62);
    assert_int_equal(name_read(octets, length, 0, text), 0);
}

static void knows_what_can_be_asked_for(void **state)
{
    static const struct {
        const char *text;
        bool askable;
    } rows[] = {
        {"a", true},       {"a.b", true},       {"_dmarc.Example.com", true},
        {"", false},       {".", false},        {"a.", false},
        {".a", false},     {"a..b", false},     {"a\\.b", false},
        {"a b", false},    {"\xc3\xbc", false}, {"a\n", false},
        {LABEL_63, false}, /* 63 and the octet that tells it */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(name_is_askable(rows[i].text), rows[i].askable);
    assert_true(name_is_askable(LABEL_63 + 1));
}

static void asks_for_253_octets_and_not_254(void **state)
{
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 == 0 ? 'a' : '.';
    text[253] = '\0';
    assert_true(name_is_askable(text));
    memcpy(text + 251, "aaa", 4);
    assert_false(name_is_askable(text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_names),
        cmocka_unit_test(takes_255_octets_and_not_256),
        cmocka_unit_test(knows_what_can_be_asked_for),
        cmocka_unit_test(asks_for_253_octets_and_not_254),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
