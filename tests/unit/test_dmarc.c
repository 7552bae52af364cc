/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/dmarc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/dns_table.h"

static void records_that_count(void **state)
{
    static const struct {
        const char *text;
        struct dmarc_record record;
    } examples[] = {
        {"v=DMARC1; p=none", {DMARC_POLICY_NONE, DMARC_POLICY_NONE, false, false, 'u'}},
        {"v=DMARC1;p=reject;aspf=s;adkim=s",
         {DMARC_POLICY_REJECT, DMARC_POLICY_REJECT, true, true, 'u'}},
        {"v = DMARC1 ; P = Quarantine ; sp=none; ASPF=S ;",
         {DMARC_POLICY_QUARANTINE, DMARC_POLICY_NONE, true, false, 'u'}},
        {"v=DMARC1; p=reject; aspf=x; sp=maybe; unknown=1; pct=50",
         {DMARC_POLICY_REJECT, DMARC_POLICY_REJECT, false, false, 'u'}},
        {"v=DMARC1; rua=mailto:d@example.com",
         {DMARC_POLICY_NONE, DMARC_POLICY_NONE, false, false, 'u'}},
        {"v=DMARC1; p=none; psd=Y", {DMARC_POLICY_NONE, DMARC_POLICY_NONE, false, false, 'y'}},
    };
    struct dmarc_record record;
    struct failure why;

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        if (!dmarc_record_read(&record, examples[i].text, &why))
            fail_msg("%s: %s", examples[i].text, why.text);
        assert_int_equal(record.policy, examples[i].record.policy);
        assert_int_equal(record.subdomain_policy, examples[i].record.subdomain_policy);
        assert_int_equal(record.strict_spf, examples[i].record.strict_spf);
        assert_int_equal(record.strict_dkim, examples[i].record.strict_dkim);
        assert_int_equal(record.psd, examples[i].record.psd);
    }
}

static void records_that_receivers_pass_over(void **state)
{
    static const char *const texts[] = {
        "",
        "v",
        "v=",
        "v=DMARC",
        "v=DMARC1",
        "v=dmarc1; p=none",
        "p=none; v=DMARC1",
        "v=DMARC12; p=none",
        "v=DMARC1 p=none",
        "v=DMARC1; p=maybe",
        "v=DMARC1; p",
        "v=DMARC1; aspf=r",
        "v=DMARC1; p=none; a-name-that-is-longer-than-it-may-be-here=1",
    };
    struct dmarc_record record;
    struct failure why;

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (dmarc_record_read(&record, texts[i], &why))
            fail_msg("\"%s\" was read", texts[i]);
    }
}

static void a_record_has_only_so_many_tags(void **state)
{
    char text[1024] = "v=DMARC1; p=none";
    struct dmarc_record record;
    struct failure why;

    (void)state;
    for (int i = 0; i < DMARC_TAGS_MAX; i++)
        (void)strcat(text, ";x=1");
    assert_false(dmarc_record_read(&record, text, &why));
    text[strlen(text) - 4] = '\0';
    assert_true(dmarc_record_read(&record, text, &why));
}

static const struct dns_row rows[] = {
    {"_dmarc.example.com", DNS_TXT, "v=DMARC1; p=reject; sp=quarantine", DNS_FOUND},
    {"_dmarc.strict.example.com", DNS_TXT, "v=DMARC1; p=none; aspf=s", DNS_FOUND},
    {"_dmarc.two.example.com", DNS_TXT, "v=DMARC1; p=none", DNS_FOUND},
    {"_dmarc.two.example.com", DNS_TXT, "v=DMARC1; p=reject", DNS_FOUND},
    {"_dmarc.two.example", DNS_TXT, "v=DMARC1; p=none", DNS_FOUND},
    {"_dmarc.two.example", DNS_TXT, "v=DMARC1; p=none", DNS_FOUND},
    {"_dmarc.bad.example", DNS_TXT, "v=DMARC1; p=perhaps", DNS_FOUND},
    {"_dmarc.bad.example", DNS_TXT, "something else", DNS_FOUND},
    {"_dmarc.down.example", DNS_TXT, NULL, DNS_SERVFAIL},
    {"_dmarc.unit.corp.example", DNS_TXT, "v=DMARC1; p=none; psd=n", DNS_FOUND},
    {"_dmarc.corp.example", DNS_TXT, "v=DMARC1; p=reject", DNS_FOUND},
    {"_dmarc.public.example", DNS_TXT, "v=DMARC1; p=reject; psd=y", DNS_FOUND},
    {"_dmarc.x", DNS_TXT, "v=DMARC1; p=reject", DNS_FOUND},
    {NULL, DNS_A, NULL, DNS_FOUND},
};

static struct dmarc dmarc;

static unsigned find(const char *from)
{
    struct dns_table table = {.rows = rows};
    struct inquiry inquiry = {.ask = dns_table_ask, .context = &table};

    dmarc_find(&dmarc, from, &inquiry);
    return table.asked;
}

static void the_policy_of_a_domain_and_of_those_below(void **state)
{
    (void)state;
    (void)find("example.com");
    assert_int_equal(dmarc.finding, DMARC_FOUND);
    assert_int_equal(dmarc.policy, DMARC_POLICY_REJECT);
    assert_string_equal(dmarc.at, "example.com");
    (void)find("a.b.example.com");
    assert_int_equal(dmarc.policy, DMARC_POLICY_QUARANTINE);
    assert_string_equal(dmarc.at, "example.com");
    (void)find("strict.example.com");
    assert_int_equal(dmarc.policy, DMARC_POLICY_NONE);
    assert_string_equal(dmarc.at, "strict.example.com");
    assert_string_equal(dmarc.organisation, "example.com");
}

static void what_is_missing_broken_or_not_to_be_had(void **state)
{
    (void)state;
    (void)find("none.example");
    assert_int_equal(dmarc.finding, DMARC_MISSING);
    (void)find("two.example");
    assert_int_equal(dmarc.finding, DMARC_BROKEN);
    assert_string_equal(dmarc.why.text, "several DMARC records at _dmarc.two.example");
    (void)find("bad.example");
    assert_int_equal(dmarc.finding, DMARC_BROKEN);
    (void)find("down.example");
    assert_int_equal(dmarc.finding, DMARC_UNCLEAR);
    assert_string_equal(dmarc.why.text, "_dmarc.down.example: SERVFAIL (table)");
    (void)find("two.example.com");
    assert_int_equal(dmarc.finding, DMARC_FOUND);
    assert_string_equal(dmarc.at, "example.com");
}

static void the_walk_is_short_and_ends_above_the_last_label(void **state)
{
    (void)state;
    assert_int_equal(find("none.x"), 1);
    assert_int_equal(dmarc.finding, DMARC_MISSING);
    assert_int_equal(find("a.b.none.x"), 3);
    assert_int_equal(find("a.b.c.d.e.f.g.h.i.j.k.l.none.x"), 7);
}

static void psd_says_where_an_organisation_ends(void **state)
{
    (void)state;
    (void)find("unit.corp.example");
    assert_string_equal(dmarc.organisation, "unit.corp.example");
    assert_false(dmarc_aligns(&dmarc, "unit.corp.example", "bounce.corp.example"));
    (void)find("mail.shop.public.example");
    assert_string_equal(dmarc.organisation, "shop.public.example");
    assert_true(dmarc_aligns(&dmarc, "mail.shop.public.example", "bounce.shop.public.example"));
    assert_false(dmarc_aligns(&dmarc, "mail.shop.public.example", "bounce.other.public.example"));
}

static void alignment_relaxed_and_strict(void **state)
{
    (void)state;
    (void)find("example.com");
    assert_true(dmarc_aligns(&dmarc, "example.com", "bounce.example.com"));
    assert_true(dmarc_aligns(&dmarc, "example.com", "example.com"));
    assert_false(dmarc_aligns(&dmarc, "example.com", "bounce.default.example"));
    assert_false(dmarc_aligns(&dmarc, "example.com", "bounce.notexample.com"));
    (void)find("strict.example.com");
    assert_false(dmarc_aligns(&dmarc, "strict.example.com", "bounce.strict.example.com"));
    assert_true(dmarc_aligns(&dmarc, "strict.example.com", "strict.example.com"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_that_count),
        cmocka_unit_test(records_that_receivers_pass_over),
        cmocka_unit_test(a_record_has_only_so_many_tags),
        cmocka_unit_test(the_policy_of_a_domain_and_of_those_below),
        cmocka_unit_test(what_is_missing_broken_or_not_to_be_had),
        cmocka_unit_test(the_walk_is_short_and_ends_above_the_last_label),
        cmocka_unit_test(psd_says_where_an_organisation_ends),
        cmocka_unit_test(alignment_relaxed_and_strict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
