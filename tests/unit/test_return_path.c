/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/return_path.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/return_path_vectors.h"

static const char mail_from_domain[] = "bounce.shop.example";

/* The first of them signs. */
static struct return_secrets *make_secrets(const char *const texts[], size_t count)
{
    struct return_secrets *secrets = calloc(1, sizeof *secrets);
    struct failure why;

    assert_non_null(secrets);
    for (size_t i = 0; i < count; i++)
        assert_true(return_secrets_add(secrets, texts[i], 0, &why));
    return secrets;
}

static struct return_original original_of(const char *local, const char *domain)
{
    return (struct return_original){local, strlen(local), domain, strlen(domain)};
}

static void signs_as_the_reference_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        const struct vector *row = &vectors[i];
        struct return_secrets *secrets = make_secrets(&vector_secrets[row->day % 2], 1);
        struct return_original original = original_of(row->local, row->domain);
        enum return_form form = row->is_known ? RETURN_PRVS : RETURN_SRS;
        char local[LOCAL_PART_MAX];
        char address[2 * LOCAL_PART_MAX];
        size_t length = 0;

        if (!return_path_sign(local, &length, form, &original, mail_from_domain, secrets,
                              row->day)) {
            length = strlen(row->local); /* it does not fit, and stays as it is */
            memcpy(local, row->local, length);
        }
        (void)snprintf(address, sizeof address, "%.*s@%s", (int)length, local, mail_from_domain);
        assert_string_equal(address, row->address);
        return_secrets_free(secrets);
    }
}

static void tells_forms_apart_and_takes_no_damaged_tag_for_a_plain_address(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour, *content;
        enum return_form form;
    } rows[] = {
        {"a signed one", "prvs=0123456789=env", RETURN_PRVS},
        {"in capitals", "PRVS=012345ABCD=env", RETURN_PRVS},
        {"with a local part of one octet", "prvs=0123456789=e", RETURN_PRVS},
        {"nothing behind the tag", "prvs=0123456789=", RETURN_NONE},
        {"the tag is short", "prvs=012345678=env", RETURN_NONE},
        {"the tag is long", "prvs=01234567890=env", RETURN_NONE},
        {"no digit", "prvs=012345678g=env", RETURN_NONE},
        {"a tag of BATV", "prvs=1234567890abc", RETURN_NONE},
        {"the form of SRS", "SRS0=abcdefgh=ab=x.example=env", RETURN_SRS},
        {"the form of SRS, folded", "srs0=ABCDEFGH=AB=x.example=env", RETURN_SRS},
        {"LOCAL has equals signs", "SRS0=abcdefgh=ab=x.example=a=b=c", RETURN_SRS},
        {"SRS of another program", "SRS0=abcd=QX=foo.example=bar", RETURN_NONE},
        {"a digit that base32 lacks", "SRS0=abcdefg1=ab=x.example=env", RETURN_NONE},
        {"no domain", "SRS0=abcdefgh=ab==env", RETURN_NONE},
        {"no local part", "SRS0=abcdefgh=ab=x.example=", RETURN_NONE},
        {"no domain at all", "SRS0=abcdefgh=ab=", RETURN_NONE},
        {"another separator", "SRS0+abcdefgh=ab=x.example=env", RETURN_NONE},
        {"SRS1", "SRS1=abcd=foo.example==HHH=TT=x.example=env", RETURN_NONE},
        {"plain", "env", RETURN_PLAIN},
        {"plain with an equals sign", "list-bounces+bob=next.example", RETURN_PLAIN},
        {"plain, like a tag", "prvs0123456789env", RETURN_PLAIN},
        {"nothing", "", RETURN_PLAIN},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t length = strlen(rows[i].content);
        char *exact = malloc(length > 0 ? length : 1); /* a sanitizer sees a step beyond it */
        struct return_tag tag;

        assert_non_null(exact);
        memcpy(exact, rows[i].content, length);
        return_path_read(&tag, exact, length);
        if (tag.form != rows[i].form)
            fail_msg("%s: %s", rows[i].behaviour, return_form_words[tag.form]);
        free(exact);
    }
}

static void counts_days_modulo_1024(void **state)
{
    (void)state;
    static const struct {
        int64_t signed_on, today;
        int age;
    } rows[] = {
        {0, 0, 0},           {20777, 20778, 1},  {1023, 1024, 1},   {20777, 20776, -1},
        {0, 1023, -1},       {20000, 20021, 21}, {20000, 21024, 0}, {20777, 20777 + 365, 365},
        {20000, 19998, 1022}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct return_tag tag = {.day = (unsigned)(rows[i].signed_on % 1024)};
        assert_int_equal(return_path_age(&tag, rows[i].today), rows[i].age);
    }
    assert_int_equal(return_path_day(1795341600), 20779);
}

/* --- whatever the original sender --- */

static uint64_t chance = 7;

static unsigned draw(unsigned below) /* splitmix64 */
{
    uint64_t z = chance += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (unsigned)((z ^ (z >> 31)) % below);
}

static const char *const domains[] = {"shop.example", "X.Example", "web01.hoster.example",
                                      "a-rather-long-host-name.customer.example.org"};

static size_t draw_local(char out[LOCAL_PART_MAX])
{
    static const unsigned char octets[] = "abcXYZ019.+-_=!#$%&'*/?^`{|}~ @\"\\\303\274";
    static const char *const prefixes[] = {"SRS0=abcd=QX=foo.example=", "prvs=0123456789=",
                                           "list-bounces+bob=next.example", "SRS1=HHHH=x=="};
    size_t length = 0;

    if (draw(5) == 0) {
        const char *prefix = prefixes[draw(sizeof prefixes / sizeof *prefixes)];
        length = strlen(prefix);
        memcpy(out, prefix, length);
    }
    for (unsigned more = 1 + draw(draw(3) == 0 ? 64 : 24); more > 0; more--)
        out[length++] = (char)octets[draw(sizeof octets - 1)];
    return length;
}

static char swap_case(char octet, unsigned how)
{
    if (how == 1 && octet >= 'A' && octet <= 'Z')
        return (char)(octet + 32);
    if (how == 2 && octet >= 'a' && octet <= 'z')
        return (char)(octet - 32);
    return octet;
}

static bool equals_folded(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (swap_case(a[i], 1) != swap_case(b[i], 1))
            return false;
    return true;
}

/* Many: all of them in a plain build; valgrind asks for fewer. */
static unsigned case_count(void)
{
    const char *text = getenv("RETURN_PATH_CASES");
    return text == NULL ? 1000000 : (unsigned)strtoul(text, NULL, 10);
}

struct tally {
    unsigned signed_ones, too_long, forged;
};

/* One original sender on its way out, over a hop that may fold its case, and back. */
static void try_one(struct return_secrets *const gateways[], struct tally *tally)
{
    char local[LOCAL_PART_MAX];
    char content[LOCAL_PART_MAX];
    size_t domain = draw(sizeof domains / sizeof *domains);
    struct return_original original = {local, draw_local(local), domains[domain],
                                       strlen(domains[domain])};
    enum return_form form = domain == 0 || domain == 2 ? RETURN_PRVS : RETURN_SRS;
    int64_t day = 20000 + draw(10000);
    unsigned hop = draw(3);
    size_t length = 0;
    struct return_tag tag;
    int64_t age = draw(22);

    if (!return_path_sign(content, &length, form, &original, mail_from_domain, gateways[draw(2)],
                          day)) {
        tally->too_long++;
        return;
    }
    tally->signed_ones++;
    for (size_t i = 0; i < length; i++)
        content[i] = swap_case(content[i], hop);
    return_path_read(&tag, content, length);
    assert_int_equal(tag.form, form);
    assert_int_equal(tag.original.local_length, original.local_length);
    assert_true(hop == 0 ? memcmp(tag.original.local, local, original.local_length) == 0
                         : equals_folded(tag.original.local, local, original.local_length));
    assert_int_equal(return_path_age(&tag, day + age), age);
    assert_true(return_path_verify(&tag, original.domain, original.domain_length, mail_from_domain,
                                   gateways[2]) >= 0);
    if (form == RETURN_SRS)
        assert_true(equals_folded(tag.original.domain, original.domain, original.domain_length));
    /* Anything else than it was is forged, but for chance. */
    tally->forged += return_path_verify(&tag, original.domain, original.domain_length,
                                        "bounce.other.example", gateways[2]) >= 0;
    tag.signature ^= 1ULL << draw(30);
    tally->forged += return_path_verify(&tag, original.domain, original.domain_length,
                                        mail_from_domain, gateways[2]) >= 0;
}

static void brings_every_original_back_and_no_forged_one(void **state)
{
    (void)state;
    static const char *const texts[] = {"new-secret-0123456789", "old-secret-0123456789"};
    /* One signs with the new secret, one with the old; the reader has both. */
    struct return_secrets *gateways[] = {make_secrets(texts, 1), make_secrets(texts + 1, 1),
                                         make_secrets(texts, 2)};
    struct tally tally = {0};
    unsigned count = case_count();

    for (unsigned i = 0; i < count; i++)
        try_one(gateways, &tally);
    print_message("%u signed, %u too long, %u forgeries taken\n", tally.signed_ones, tally.too_long,
                  tally.forged);
    assert_true(tally.signed_ones > count / 2 && tally.too_long > count / 20);
    /* 4 secrets tried for each case, 2^-30 at most each: 0.004 expected of a million cases. */
    assert_true(tally.forged <= 1);
    for (size_t i = 0; i < 3; i++)
        return_secrets_free(gateways[i]);
}

/* How often does a guess agree in its first 12 bits? As often as chance has it. */
static void spreads_signatures_evenly(void **state)
{
    (void)state;
    static const char *const texts[] = {"new-secret-0123456789", "old-secret-0123456789"};
    struct return_secrets *ours = make_secrets(texts, 1), *theirs = make_secrets(texts + 1, 1);
    unsigned count = case_count(), equal = 0;
    double expected = count / 4096.0;

    for (unsigned i = 0; i < count; i++) {
        char local[16], a[LOCAL_PART_MAX], b[LOCAL_PART_MAX];
        size_t length = 0;
        struct return_original original = {local, 0, "shop.example", 12};
        struct return_tag tag_a, tag_b;

        original.local_length = (size_t)snprintf(local, sizeof local, "u%u", i);
        assert_true(
            return_path_sign(a, &length, RETURN_PRVS, &original, mail_from_domain, ours, 20000));
        assert_true(
            return_path_sign(b, &length, RETURN_PRVS, &original, mail_from_domain, theirs, 20000));
        return_path_read(&tag_a, a, length);
        return_path_read(&tag_b, b, length);
        equal += tag_a.signature >> 18 == tag_b.signature >> 18;
    }
    print_message("%u of %u guesses agree in 12 bits, %.0f expected\n", equal, count, expected);
    assert_true((equal - expected) * (equal - expected) < 36 * (expected + 1)); /* 6 sigma */
    return_secrets_free(ours);
    return_secrets_free(theirs);
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    struct return_secrets *secrets = make_secrets(vector_secrets, 1);
    char long_local[LOCAL_PART_MAX];
    char out[LOCAL_PART_MAX];
    size_t length;
    struct return_original quoted = original_of("a b", "shop.example");
    struct return_original longest = {long_local, sizeof long_local, long_local, sizeof long_local};

    memset(long_local, 'a', sizeof long_local);
    assert_true(return_path_sign(out, &length, RETURN_PRVS, &quoted, mail_from_domain, secrets, 1));
    assert_false(
        return_path_sign(out, &length, RETURN_SRS, &longest, mail_from_domain, secrets, 1));
    assert_false(
        return_path_sign(out, &length, RETURN_PRVS, &longest, mail_from_domain, secrets, 1));
    assert_false(return_path_is_too_long_to_sign(long_local, 48));
    assert_true(return_path_is_too_long_to_sign(long_local, 49));
    long_local[0] = ' '; /* two quotes more */
    assert_true(return_path_is_too_long_to_sign(long_local, 47));
    assert_false(return_path_is_too_long_to_sign(long_local, 46));
    return_secrets_free(secrets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_as_the_reference_does),
        cmocka_unit_test(tells_forms_apart_and_takes_no_damaged_tag_for_a_plain_address),
        cmocka_unit_test(counts_days_modulo_1024),
        cmocka_unit_test(brings_every_original_back_and_no_forged_one),
        cmocka_unit_test(spreads_signatures_evenly),
        cmocka_unit_test(refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
