/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

struct row {
    const char *behaviour;
    const char *text;
    const char *canonical; /* NULL: refused */
};

static void expect(const struct row *row)
{
    struct identity identity;
    struct failure why = {.text = ""};
    bool worked = identity_parse(&identity, row->text, strlen(row->text), &why);

    if (worked != (row->canonical != NULL) ||
        (worked && strcmp(identity.text, row->canonical) != 0))
        fail_msg("%s: \"%s\" gave %s", row->behaviour, row->text,
                 worked ? identity.text : "nothing");
    if (worked) {
        const char *at = strrchr(identity.text, '@');
        assert_int_equal(identity.length, strlen(identity.text));
        assert_int_equal(identity.kind, at == NULL ? IDENTITY_DOMAIN : IDENTITY_ADDRESS);
        assert_string_equal(identity_domain(&identity), at == NULL ? identity.text : at + 1);
    } else {
        assert_int_equal(why.exit_code, EX_DATAERR);
        assert_true(why.text[0] != '\0');
    }
}

#define EXPECT_ROWS(rows)                                                                          \
    for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++)                                     \
    expect(&(rows)[i])

static void brings_domains_into_canonical_form(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"plain", "example.com", "example.com"},
        {"upper case", "EXAMPLE.Com", "example.com"},
        {"last dot", "example.com.", "example.com"},
        {"one label", "localhost", "localhost"},
        {"digits", "1.example", "1.example"},
        {"underscore", "_spf.my_host.example", "_spf.my_host.example"},
        {"hyphen inside", "a-b.example", "a-b.example"},
        {"two hyphens, no A-label", "ab--c.example", "ab--c.example"},
        {"hyphen first", "-a.example", NULL},
        {"hyphen last", "a-.example", NULL},
        {"hyphen last in the last label", "a.example-", NULL},
        {"only a hyphen", "-", NULL},
        {"two last dots", "example.com..", NULL},
        {"dot first", ".example.com", NULL},
        {"empty label", "a..b", NULL},
        {"only a dot", ".", NULL},
        {"nothing", "", NULL},
        {"space", "a b.example", NULL},
        {"space behind", "a.example ", NULL},
        {"control character", "a\001.example", NULL},
        {"line feed behind", "a.example\n", NULL},
        {"slash", "a/b.example", NULL},
        {"colon", "a:b", NULL},
        {"brackets", "[192.0.2.1]", NULL},
    };
    EXPECT_ROWS(rows);
}

static void makes_a_labels_of_u_labels(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"umlaut", "b\303\274cher.example", "xn--bcher-kva.example"},
        {"upper case", "B\303\234CHER.Example", "xn--bcher-kva.example"},
        {"first letter in upper case", "B\303\274cher.example", "xn--bcher-kva.example"},
        {"decomposed umlaut", "bu\314\210cher.example", "xn--bcher-kva.example"},
        {"sharp s is kept", "fa\303\237.example", "xn--fa-hia.example"},
        {"full-width dot", "b\303\274cher\357\274\216example", "xn--bcher-kva.example"},
        {"ideographic dot", "b\303\274cher\343\200\202example", "xn--bcher-kva.example"},
        {"full-width letters", "\357\275\205\357\275\230.example", "ex.example"},
        {"last dot", "b\303\274cher.example.", "xn--bcher-kva.example"},
        {"A-label beside U-label", "xn--bcher-kva.b\303\274cher", "xn--bcher-kva.xn--bcher-kva"},
        {"A-label", "xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"A-label in upper case", "XN--BCHER-KVA.Example", "xn--bcher-kva.example"},
        {"A-label that IDNA2008 would not make", "xn--zzzzzzz.example", "xn--zzzzzzz.example"},
        {"in an address", "a@B\303\274cher.example", "a@xn--bcher-kva.example"},
        {"Latin-1", "b\374cher.example", NULL},
        {"cut in mid-character", "b\303.example", NULL},
        {"overlong", "b\300\257.example", NULL},
        {"surrogate", "b\355\240\200.example", NULL},
        {"a symbol", "\342\230\225.example", NULL},
        {"combining mark first", "\314\210u.example", NULL},
        {"U-label with a space", "b\303\274 cher.example", NULL},
    };
    EXPECT_ROWS(rows);
}

static void takes_local_parts_as_they_are(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"plain", "alice@example.com", "alice@example.com"},
        {"case stays", "Alice@Example.com", "Alice@example.com"},
        {"label stays", "alice+News@example.com", "alice+News@example.com"},
        {"UTF-8", "\303\274@example.com", "\303\274@example.com"},
        {"needless quotes", "\"a\"@x", "a@x"},
        {"needless backslash", "\"\\a\"@x", "a@x"},
        {"quoted space", "\"a b\"@x", "\"a b\"@x"},
        {"quoted at sign", "\"a@b\"@x", "\"a@b\"@x"},
        {"quoted quote", "\"a\\\"b\"@x", "\"a\\\"b\"@x"},
        {"dots in odd places", "a..b@x", "\"a..b\"@x"},
        {"dot last", "a.@x", "\"a.\"@x"},
        {"no local part", "@x", NULL},
        {"empty quotes", "\"\"@x", NULL},
        {"no domain", "a@", NULL},
        {"two at signs", "a@b@x", NULL},
        {"space", "a b@x", NULL},
        {"open quotes", "\"a@x", NULL},
        {"text behind the quotes", "\"a\"b@x", NULL},
        {"control character in quotes", "\"a\001\"@x", NULL},
        {"address literal", "a@[192.0.2.1]", NULL},
        {"IPv6 literal", "a@[IPv6:::1]", NULL},
        {"angle brackets", "<a@x>", NULL},
    };
    EXPECT_ROWS(rows);
}

static char *labels(char *out, const size_t lengths[], size_t count)
{
    char *end = out;

    for (size_t i = 0; i < count; i++) {
        memset(end, 'a', lengths[i]);
        end += lengths[i];
        *end++ = i + 1 == count ? '\0' : '.';
    }
    return out;
}

static void keeps_to_the_lengths_of_the_dns(void **state)
{
    (void)state;
    char text[IDENTITY_INPUT_MAX];
    struct row row = {.behaviour = "lengths", .text = text};

    labels(text, (const size_t[]){63, 3}, 2);
    row.canonical = text;
    expect(&row);
    labels(text, (const size_t[]){63, 63, 63, 61}, 4);
    assert_int_equal(strlen(text), IDENTITY_DOMAIN_MAX);
    expect(&row);
    row.canonical = NULL;
    labels(text, (const size_t[]){64, 3}, 2);
    expect(&row);
    labels(text, (const size_t[]){3, 64}, 2);
    expect(&row);
    labels(text, (const size_t[]){63, 63, 63, 62}, 4);
    expect(&row);
}

static void counts_the_last_dot_not(void **state)
{
    (void)state;
    char text[IDENTITY_DOMAIN_MAX + 3];
    char out[IDENTITY_DOMAIN_MAX + 1];
    struct failure why;

    labels(text, (const size_t[]){63, 63, 63, 61}, 4);
    strcat(text, ".");
    assert_true(identity_parse_domain(out, text, strlen(text), &why));
    assert_int_equal(strlen(out), IDENTITY_DOMAIN_MAX);
    strcat(text, ".");
    assert_false(identity_parse_domain(out, text, strlen(text), &why));
}

/* The A-label of n times U+00FC has n + 3 octets, or a few more. */
static void measures_u_labels_as_a_labels(void **state)
{
    (void)state;
    char text[IDENTITY_INPUT_MAX + 2] = "";
    char out[IDENTITY_DOMAIN_MAX + 1];
    struct failure why;

    for (int i = 0; i < 40; i++)
        strcat(text, "\303\274");
    assert_true(identity_parse_domain(out, text, strlen(text), &why));
    assert_memory_equal(out, "xn--", 4);
    for (int i = 0; i < 40; i++)
        strcat(text, "\303\274");
    assert_false(identity_parse_domain(out, text, strlen(text), &why));
    for (size_t i = 0; i + 2 <= IDENTITY_INPUT_MAX + 1; i += 2)
        memcpy(text + i, "\303\274", 3);
    assert_false(identity_parse_domain(out, text, IDENTITY_INPUT_MAX, &why));
    assert_false(identity_parse_domain(out, text, IDENTITY_INPUT_MAX + 1, &why));
}

static void caps_the_local_part(void **state)
{
    (void)state;
    char text[LOCAL_PART_MAX + 20];
    struct row row = {.behaviour = "local part", .text = text};

    memset(text, 'a', sizeof text);
    strcpy(text + LOCAL_PART_MAX, "@x.example");
    row.canonical = text;
    expect(&row);
    text[LOCAL_PART_MAX] = 'a';
    strcpy(text + LOCAL_PART_MAX + 1, "@x.example");
    row.canonical = NULL;
    expect(&row);
}

static void caps_all_of_it(void **state)
{
    (void)state;
    char text[LOCAL_PART_MAX + IDENTITY_DOMAIN_MAX + 3];
    struct row row = {.behaviour = "longest address", .text = text, .canonical = text};
    struct identity identity;
    struct failure why;

    memset(text, 'a', LOCAL_PART_MAX);
    text[LOCAL_PART_MAX] = '@';
    labels(text + LOCAL_PART_MAX + 1, (const size_t[]){63, 63, 63, 61}, 4);
    assert_int_equal(strlen(text), IDENTITY_SIZE - 1);
    expect(&row);
    assert_false(identity_parse(&identity, text, 0, &why));
}

static void looks_no_further_than_the_length(void **state)
{
    (void)state;
    char text[IDENTITY_INPUT_MAX + 1];
    struct identity identity;
    struct failure why;

    assert_true(identity_parse(&identity, "a@x.example", 5, &why));
    assert_string_equal(identity.text, "a@x.e");
    assert_true(identity_parse(&identity, "a@x.example", 1, &why));
    assert_int_equal(identity.kind, IDENTITY_DOMAIN);
    assert_false(identity_parse(&identity, "a\0b", 3, &why));
    assert_false(identity_parse(&identity, "a@x\0y", 5, &why));
    assert_false(identity_parse(&identity, "\"a\0\"@x", 6, &why));
    memset(text, ' ', sizeof text);
    assert_false(identity_parse(&identity, text, sizeof text, &why));
}

static void tells_subdomains_label_by_label(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *parent;
        bool is;
    } rows[] = {
        {"mail.foo.com", "foo.com", true},
        {"a.b.foo.com", "foo.com", true},
        {"foo.com", "com", true},
        {"foo.com", "foo.com", false},
        {"evilfoo.com", "foo.com", false},
        {"foo.com", "mail.foo.com", false},
        {"foo.com.evil", "foo.com", false},
        {".foo.com", "foo.com", false},
        {"mail.foo.com", "oo.com", false},
        {"com", "foo.com", false},
        {"mail.foo.com", "", false},
        {"", "", false},
        {"", "com", false},
        {"mail.foo.com", "bar.com", false},
        {"mail.foo.com", ".foo.com", false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (identity_is_subdomain(rows[i].name, rows[i].parent) != rows[i].is)
            fail_msg("%s of %s", rows[i].name, rows[i].parent);
    }
}

/* All keys of a sender, separated by spaces. */
static void list_keys(char out[1000], const char *sender, bool strip_label)
{
    struct identity identity;
    struct identity_keys keys;
    struct failure why;
    size_t length = 0;
    const char *key;

    out[0] = '\0';
    assert_true(identity_parse(&identity, sender, strlen(sender), &why));
    identity_keys_init(&keys, &identity, strip_label);
    while ((key = identity_keys_next(&keys, &length)) != NULL) {
        assert_int_equal(length, strlen(key));
        strcat(out, out[0] == '\0' ? "" : " ");
        strcat(out, key);
    }
    assert_null(identity_keys_next(&keys, &length));
}

static void walks_the_keys_from_the_address_to_the_tld(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour;
        const char *sender;
        bool strip_label;
        const char *keys;
    } rows[] = {
        {"the design's example", "alice+news@mail.example.com", true,
         "alice+news@mail.example.com alice@mail.example.com mail.example.com example.com com"},
        {"labels stay by the setting", "alice+news@example.com", false,
         "alice+news@example.com example.com com"},
        {"no label", "alice@example.com", true, "alice@example.com example.com com"},
        {"the first plus begins the label", "a+b+c@x", true, "a+b+c@x a@x x"},
        {"empty label", "a+@x", true, "a+@x a@x x"},
        {"no user before the plus", "+a@x", true, "+a@x x"},
        {"label of a quoted local part", "\"a b+c\"@x", true, "\"a b+c\"@x \"a b\"@x x"},
        {"label behind a dot", "a.+b@x", true, "a.+b@x \"a.\"@x x"},
        {"label where quotes were needed", "a..b+l@x", true, "\"a..b+l\"@x \"a..b\"@x x"},
        {"needless quotes are gone first", "\"a+c\"@x", true, "a+c@x a@x x"},
        {"one label of domain", "a@localhost", true, "a@localhost localhost"},
        {"a domain", "mail.example.com", true, "mail.example.com example.com com"},
        {"a TLD", "com", true, "com"},
        {"IDN", "a@B\303\274cher.example", true,
         "a@xn--bcher-kva.example xn--bcher-kva.example example"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[1000];
        list_keys(out, rows[i].sender, rows[i].strip_label);
        if (strcmp(out, rows[i].keys) != 0)
            fail_msg("%s: %s", rows[i].behaviour, out);
    }
}

static void gives_no_keys_to_no_address(void **state)
{
    (void)state;
    struct identity nobody = {.kind = IDENTITY_DOMAIN};
    struct identity_keys keys;
    size_t length;

    identity_keys_init(&keys, &nobody, true);
    assert_null(identity_keys_next(&keys, &length));
}

static void shows_u_labels(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown; /* NULL: as it is */
    } rows[] = {
        {"xn--bcher-kva.example", "b\xc3\xbc"
                                  "cher.example"},
        {"a@mail.xn--bcher-kva.example", "a@mail.b\xc3\xbc"
                                         "cher.example"},
        {"\"a@b\"@xn--bcher-kva.example", "\"a@b\"@b\xc3\xbc"
                                          "cher.example"},
        {"example", NULL},
        {"xn--bcher-kva@shop.example", NULL},
        {"xn--no-such.example", NULL},
        {"xn--.example", NULL},
        {"xn--i-7iq.example", NULL}, /* an emoji */
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char shown[IDENTITY_SHOWN_SIZE];
        bool has = identity_with_u_labels(rows[i].text, shown);
        assert_int_equal(has, rows[i].shown != NULL);
        if (has)
            assert_string_equal(shown, rows[i].shown);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_u_labels),
        cmocka_unit_test(brings_domains_into_canonical_form),
        cmocka_unit_test(makes_a_labels_of_u_labels),
        cmocka_unit_test(takes_local_parts_as_they_are),
        cmocka_unit_test(keeps_to_the_lengths_of_the_dns),
        cmocka_unit_test(counts_the_last_dot_not),
        cmocka_unit_test(measures_u_labels_as_a_labels),
        cmocka_unit_test(caps_the_local_part),
        cmocka_unit_test(caps_all_of_it),
        cmocka_unit_test(looks_no_further_than_the_length),
        cmocka_unit_test(tells_subdomains_label_by_label),
        cmocka_unit_test(walks_the_keys_from_the_address_to_the_tld),
        cmocka_unit_test(gives_no_keys_to_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
