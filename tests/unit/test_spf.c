/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/spf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "ctl/spf_macro.h"
#include "tests/unit/dns_table.h"

/* The zones of RFC 7208, appendix A, and what the other tests need. */
static const struct dns_row rows[] = {
    {"example.com", DNS_MX, "mail-a.example.com", DNS_FOUND},
    {"example.com", DNS_MX, "mail-b.example.com", DNS_FOUND},
    {"example.com", DNS_A, "192.0.2.10", DNS_FOUND},
    {"example.com", DNS_A, "192.0.2.11", DNS_FOUND},
    {"amy.example.com", DNS_A, "192.0.2.65", DNS_FOUND},
    {"bob.example.com", DNS_A, "192.0.2.66", DNS_FOUND},
    {"mail-a.example.com", DNS_A, "192.0.2.129", DNS_FOUND},
    {"mail-a.example.com", DNS_AAAA, "2001:db8::a", DNS_FOUND},
    {"mail-b.example.com", DNS_A, "192.0.2.130", DNS_FOUND},
    {"example.org", DNS_MX, "mail-c.example.org", DNS_FOUND},
    {"mail-c.example.org", DNS_A, "192.0.2.140", DNS_FOUND},
    {"10.2.0.192.in-addr.arpa", DNS_PTR, "example.com", DNS_FOUND},
    {"65.2.0.192.in-addr.arpa", DNS_PTR, "amy.example.com", DNS_FOUND},
    {"140.2.0.192.in-addr.arpa", DNS_PTR, "mail-c.example.org", DNS_FOUND},
    {"4.0.0.10.in-addr.arpa", DNS_PTR, "bob.example.com", DNS_FOUND},
    {"a.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", DNS_PTR,
     "mail-a.example.com", DNS_FOUND},
    {"mx.spf.example", DNS_TXT, "v=spf1 mx:example.com -all", DNS_FOUND},
    {"soft.spf.example", DNS_TXT, "v=spf1 ~all", DNS_FOUND},
    {"chain.spf.example", DNS_TXT, "v=spf1 include:ses.spf.example -all", DNS_FOUND},
    {"ses.spf.example", DNS_TXT, "v=spf1 include:amazonses.com ~all", DNS_FOUND},
    {"closed.spf.example", DNS_TXT, "v=spf1 -all include:amazonses.com", DNS_FOUND},
    {"loop.spf.example", DNS_TXT, "v=spf1 include:loop.spf.example -all", DNS_FOUND},
    {"round.spf.example", DNS_TXT, "v=spf1 redirect=round.spf.example", DNS_FOUND},
    {"two.spf.example", DNS_TXT, "v=spf1 -all", DNS_FOUND},
    {"two.spf.example", DNS_TXT, "V=SPF1", DNS_FOUND},
    {"text.spf.example", DNS_TXT, "v=spf10 -all", DNS_FOUND},
    {"text.spf.example", DNS_TXT, "google-site-verification=x", DNS_FOUND},
    {"down.spf.example", DNS_TXT, NULL, DNS_SERVFAIL},
    {"slow.spf.example", DNS_A, NULL, DNS_TIMEOUT},
    {"postmaster.192.0.2.1.at.spf.example", DNS_A, "127.0.0.2", DNS_FOUND},
    {"1.2.0.192.in-addr.on.spf.example", DNS_A, "127.0.0.2", DNS_FOUND},
    {NULL, DNS_A, NULL, DNS_FOUND},
};
enum { ROW_COUNT = sizeof rows / sizeof *rows };

static struct spf_verdict verdict;

/* Checks with this record at the domain. */
static enum spf_result check_at(const char *domain, const char *record,
                                const struct spf_client *client)
{
    struct dns_row all[ROW_COUNT + 1];
    struct dns_table table = {.rows = all};
    struct inquiry inquiry = {.ask = dns_table_ask, .context = &table};

    all[0] = (struct dns_row){domain, DNS_TXT, record, DNS_FOUND};
    memcpy(all + 1, rows, sizeof rows);
    spf_check(&verdict, domain, client, &inquiry);
    assert_in_range(table.asked, 0, 64);
    return verdict.result;
}

static enum spf_result check(const char *record, const char *address)
{
    struct spf_client client;

    assert_true(spf_client_read(&client, address));
    return check_at("example.com", record, &client);
}

static enum spf_result check_ses(const char *record)
{
    return check_at("bounce.example.net", record,
                    &(struct spf_client){.family = AF_UNSPEC, .authority = "amazonses.com"});
}

struct example {
    const char *record;
    const char *address;
    enum spf_result result;
};

static void run(const struct example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum spf_result result = check(examples[i].record, examples[i].address);
        if (result != examples[i].result)
            fail_msg("\"%s\" for %s: %s, not %s (%s)", examples[i].record, examples[i].address,
                     spf_result_words[result], spf_result_words[examples[i].result],
                     verdict.why.text);
    }
}

#define RUN(table) run(table, sizeof(table) / sizeof *(table))

static void the_examples_of_the_rfc(void **state)
{
    static const struct example examples[] = {
        {"v=spf1 +all", "203.0.113.1", SPF_PASS},
        {"v=spf1 a -all", "192.0.2.10", SPF_PASS},
        {"v=spf1 a -all", "192.0.2.11", SPF_PASS},
        {"v=spf1 a -all", "192.0.2.12", SPF_FAIL},
        {"v=spf1 a:example.org -all", "192.0.2.10", SPF_FAIL},
        {"v=spf1 mx -all", "192.0.2.129", SPF_PASS},
        {"v=spf1 mx -all", "192.0.2.130", SPF_PASS},
        {"v=spf1 mx -all", "192.0.2.140", SPF_FAIL},
        {"v=spf1 mx:example.org -all", "192.0.2.140", SPF_PASS},
        {"v=spf1 mx mx:example.org -all", "192.0.2.130", SPF_PASS},
        {"v=spf1 mx mx:example.org -all", "192.0.2.140", SPF_PASS},
        {"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.131", SPF_PASS},
        {"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.132", SPF_FAIL},
        {"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.143", SPF_PASS},
        {"v=spf1 ptr -all", "192.0.2.65", SPF_PASS},
        {"v=spf1 ptr -all", "192.0.2.140", SPF_FAIL},
        {"v=spf1 ptr -all", "10.0.0.4", SPF_FAIL},
        {"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", SPF_FAIL},
        {"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129", SPF_PASS},
    };

    (void)state;
    RUN(examples);
}

static void qualifiers_order_and_what_is_left(void **state)
{
    static const struct example examples[] = {
        {"v=spf1", "192.0.2.1", SPF_NEUTRAL},
        {"v=spf1 ", "192.0.2.1", SPF_NEUTRAL},
        {"v=spf1 ?all", "192.0.2.1", SPF_NEUTRAL},
        {"v=spf1 ~all", "192.0.2.1", SPF_SOFTFAIL},
        {"V=SPF1 -ALL", "192.0.2.1", SPF_FAIL},
        {"v=spf1 ~ip4:192.0.2.1 +all", "192.0.2.1", SPF_SOFTFAIL},
        {"v=spf1 -all ip4:192.0.2.1", "192.0.2.1", SPF_FAIL},
        {"v=spf1 ip4:192.0.2.1 -all", "2001:db8::1", SPF_FAIL},
        {"v=spf1 ip4:0.0.0.0/0 -all", "192.0.2.1", SPF_PASS},
        {"v=spf1 ip6:2001:db8::/33 -all", "2001:db8:7fff::1", SPF_PASS},
        {"v=spf1 ip6:2001:db8::/33 -all", "2001:db8:8000::1", SPF_FAIL},
        {"v=spf1 ip6:2001:db8::1 -all", "2001:db8::1", SPF_PASS},
        {"v=spf1 mx -all", "2001:db8::a", SPF_PASS},
        {"v=spf1 mx//126 -all", "2001:db8::9", SPF_PASS},
        {"v=spf1 mx/24//128 -all", "2001:db8::9", SPF_FAIL},
        {"v=spf1 mx/24//128 -all", "192.0.2.1", SPF_PASS},
        {"v=spf1 ptr -all", "2001:db8::a", SPF_PASS},
        {"v=spf1 unknown=anything exp=why.%{d} -all", "192.0.2.1", SPF_FAIL},
    };

    (void)state;
    RUN(examples);
}

static void includes_and_redirections(void **state)
{
    static const struct example examples[] = {
        {"v=spf1 include:mx.spf.example ~all", "192.0.2.129", SPF_PASS},
        {"v=spf1 -include:mx.spf.example ~all", "192.0.2.129", SPF_FAIL},
        {"v=spf1 include:mx.spf.example ~all", "192.0.2.1", SPF_SOFTFAIL},
        {"v=spf1 include:soft.spf.example -all", "192.0.2.1", SPF_FAIL},
        {"v=spf1 include:two.spf.example -all", "192.0.2.1", SPF_PERMERROR},
        {"v=spf1 include:text.spf.example -all", "192.0.2.1", SPF_PERMERROR},
        {"v=spf1 include:down.spf.example -all", "192.0.2.1", SPF_TEMPERROR},
        {"v=spf1 redirect=mx.spf.example", "192.0.2.129", SPF_PASS},
        {"v=spf1 redirect=mx.spf.example", "192.0.2.1", SPF_FAIL},
        {"v=spf1 redirect=mx.spf.example ip4:192.0.2.1", "192.0.2.1", SPF_PASS},
        {"v=spf1 ?all redirect=mx.spf.example", "192.0.2.1", SPF_NEUTRAL},
        {"v=spf1 redirect=text.spf.example", "192.0.2.1", SPF_PERMERROR},
        {"v=spf1 a:slow.spf.example -all", "192.0.2.1", SPF_TEMPERROR},
    };

    (void)state;
    RUN(examples);
}

static void limits(void **state)
{
    static const struct example examples[] = {
        {"v=spf1 a a a a a a a a a a ip4:192.0.2.1 -all", "192.0.2.1", SPF_PASS},
        {"v=spf1 a a a a a a a a a a a ip4:192.0.2.1 -all", "192.0.2.1", SPF_PERMERROR},
        {"v=spf1 include:loop.spf.example -all", "192.0.2.1", SPF_PERMERROR},
        {"v=spf1 redirect=round.spf.example", "192.0.2.1", SPF_PERMERROR},
        {"v=spf1 a:x.spf.example a:y.spf.example -all", "192.0.2.1", SPF_FAIL},
        {"v=spf1 a:x.spf.example a:y.spf.example a:z.spf.example -all", "192.0.2.1", SPF_PERMERROR},
    };

    (void)state;
    RUN(examples);
    (void)check("v=spf1 a mx ptr exists:x.example include:mx.spf.example ip4:192.0.2.1",
                "192.0.2.1");
    assert_int_equal(verdict.lookups, 6);
}

static void what_is_not_spf_is_an_error_wherever_it_stands(void **state)
{
    static const char *const records[] = {
        "v=spf1 +all nonsense",
        "v=spf1 +all ip4:192.0.2.0/33",
        "v=spf1 +all ip4:192.0.2",
        "v=spf1 +all ip6:1.2.3.4",
        "v=spf1 +all include:",
        "v=spf1 +all include",
        "v=spf1 +all all:x.example",
        "v=spf1 +all a:",
        "v=spf1 +all mx/",
        "v=spf1 +all mx/024",
        "v=spf1 +all mx//129",
        "v=spf1 +all exists",
        "v=spf1 +all include:%{x}.example",
        "v=spf1 +all include:%{d",
        "v=spf1 +all include:%{d0}.example",
        "v=spf1 +all include:localhost",
        "v=spf1 +all a:example.123",
        "v=spf1 +all +",
        "v=spf1 +all redirect=",
        "v=spf1 +all redirect=a.example redirect=b.example",
        "v=spf1 +all exp=%{c}.example",
        "v=spf1 +all x=%",
        "v=spf1 +all ++all",
        "v=spf1 +all \\xC3\\xA4=b%{",
    };

    (void)state;
    for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
        if (check(records[i], "192.0.2.1") != SPF_PERMERROR)
            fail_msg("\"%s\": %s", records[i], spf_result_words[verdict.result]);
        assert_string_not_equal(verdict.why.text, "");
    }
}

static void a_domain_without_one_record(void **state)
{
    static const struct dns_row none[] = {{NULL, DNS_A, NULL, DNS_FOUND}};
    struct dns_table table = {.rows = none};
    struct inquiry inquiry = {.ask = dns_table_ask, .context = &table};
    struct spf_client client;

    (void)state;
    assert_true(spf_client_read(&client, "192.0.2.1"));
    spf_check(&verdict, "example.com", &client, &inquiry);
    assert_int_equal(verdict.result, SPF_NONE);
    assert_int_equal(verdict.records, 0);
    table.rows = rows;
    spf_check(&verdict, "two.spf.example", &client, &inquiry);
    assert_int_equal(verdict.result, SPF_PERMERROR);
    assert_int_equal(verdict.records, 2);
    spf_check(&verdict, "text.spf.example", &client, &inquiry);
    assert_int_equal(verdict.result, SPF_NONE);
    spf_check(&verdict, "down.spf.example", &client, &inquiry);
    assert_int_equal(verdict.result, SPF_TEMPERROR);
    assert_string_equal(verdict.why.text, "down.spf.example: SERVFAIL (table)");
}

static void the_hosts_of_another_domain(void **state)
{
    static const struct {
        const char *record;
        enum spf_result result;
    } examples[] = {
        {"v=spf1 include:amazonses.com ~all", SPF_PASS},
        {"v=spf1 include:AmazonSES.com -all", SPF_PASS},
        {"v=spf1 ip4:192.0.2.1 mx:example.com include:amazonses.com -all", SPF_PASS},
        {"v=spf1 redirect=amazonses.com", SPF_PASS},
        {"v=spf1 include:chain.spf.example -all", SPF_PASS},
        {"v=spf1 ~all include:amazonses.com", SPF_SOFTFAIL},
        {"v=spf1 -include:amazonses.com ~all", SPF_FAIL},
        {"v=spf1 ?include:amazonses.com -all", SPF_NEUTRAL},
        {"v=spf1 include:closed.spf.example ~all", SPF_SOFTFAIL},
        {"v=spf1 include:amazonses.com.example ~all", SPF_PERMERROR},
        {"v=spf1 exists:%{i}.at.spf.example include:amazonses.com -all", SPF_PASS},
        {"v=spf1 include:%{ir}.spf.example -all", SPF_FAIL},
        {"v=spf1 ip4:0.0.0.0/0 ip6:::/0 ~all", SPF_SOFTFAIL},
        {"v=spf1 +all", SPF_PASS},
        {"v=spf1", SPF_NEUTRAL},
        {"v=spf1 mx:example.com a:example.com a:example.com a:example.com a:example.com"
         " a:example.com a:example.com a:example.com a:example.com a:example.com"
         " include:amazonses.com -all",
         SPF_PERMERROR},
    };

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        if (check_ses(examples[i].record) != examples[i].result)
            fail_msg("\"%s\": %s (%s)", examples[i].record, spf_result_words[verdict.result],
                     verdict.why.text);
    }
    (void)check_ses("v=spf1 mx:example.com ~all");
    assert_string_equal(verdict.term, "~all");
    assert_string_equal(verdict.record, "v=spf1 mx:example.com ~all");
}

static void macros_as_in_the_rfc(void **state)
{
    static const struct {
        const char *text;
        const char *name;
    } examples[] = {
        {"%{s}", "strong-bad@email.example.com"},
        {"%{o}", "email.example.com"},
        {"%{d}", "email.example.com"},
        {"%{d4}", "email.example.com"},
        {"%{d3}", "email.example.com"},
        {"%{d2}", "example.com"},
        {"%{d1}", "com"},
        {"%{dr}", "com.example.email"},
        {"%{d2r}", "example.email"},
        {"%{l}", "strong-bad"},
        {"%{l-}", "strong.bad"},
        {"%{lr}", "strong-bad"},
        {"%{lr-}", "bad.strong"},
        {"%{l1r-}", "strong"},
        {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
        {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
        {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
        {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
        {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
        {"%{h}.%{p}.x.example.", "helo.example.unknown.x.example"},
        {"a%%b%-c.example", "a%b-c.example"},
        {"%{S}.example", "strong-bad%40email.example.com.example"},
    };
    struct spf_macros macros = {.sender = "strong-bad@email.example.com",
                                .helo = "helo.example",
                                .domain = "email.example.com",
                                .client = "192.0.2.3",
                                .family = "in-addr"};
    char name[SPF_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        assert_true(spf_macro_expand(examples[i].text, &macros, name));
        assert_string_equal(name, examples[i].name);
    }
    (void)snprintf(macros.client, sizeof macros.client, "%s",
                   "2.0.0.1.0.d.b.8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.c.b.0.1");
    macros.family = "ip6";
    assert_true(spf_macro_expand("%{ir}.%{v}._spf.%{d2}", &macros, name));
    assert_string_equal(name, "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
                              "ip6._spf.example.com");
}

static void a_name_that_is_too_long_loses_labels_from_the_left(void **state)
{
    static const char label[] = "a123456789b123456789c123456789d123456789e123456789";
    char domain[300];
    struct spf_macros macros = {.sender = "x@y.example", .helo = "h", .family = "in-addr"};
    char name[SPF_NAME_MAX + 1];

    (void)state;
    (void)snprintf(domain, sizeof domain, "first.%s.%s.%s.%s.%s", label, label, label, label,
                   label);
    macros.domain = domain;
    assert_true(spf_macro_expand("%{d}.example", &macros, name));
    assert_memory_equal(name, label, sizeof label - 1);
    assert_int_equal(strlen(name), 4 * sizeof label + 7);
    macros.domain = "";
    assert_false(spf_macro_expand("%{d}", &macros, name));
}

static void macros_are_asked_for(void **state)
{
    static const struct example examples[] = {
        {"v=spf1 exists:%{l}.%{i}.at.spf.example -all", "192.0.2.1", SPF_PASS},
        {"v=spf1 exists:%{ir}.%{v}.on.spf.example -all", "192.0.2.1", SPF_PASS},
        {"v=spf1 exists:%{ir}.%{v}.on.spf.example -all", "192.0.2.2", SPF_FAIL},
        {"v=spf1 a:mail-a.%{d}/31 -all", "192.0.2.128", SPF_PASS},
        {"v=spf1 a:%{d1r/}/24 -all", "192.0.2.99", SPF_PASS},
    };

    (void)state;
    RUN(examples);
}

#define SILENT(name)                                                                               \
    {                                                                                              \
        name, DNS_TXT, NULL, DNS_TIMEOUT                                                           \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, DNS_A, NULL, DNS_FOUND                                                               \
    }

static void one_domain_without_an_answer_says_nothing_of_others(void **state)
{
    static const struct dns_row silent[] = {SILENT("1.a.example"),
                                            SILENT("2.a.example"),
                                            {"b.example", DNS_TXT, NULL, DNS_SERVFAIL},
                                            END};
    struct dns_table table = {.rows = silent};
    struct inquiry inquiry = {.ask = dns_table_ask, .context = &table};

    (void)state;
    for (int i = 0; i < INQUIRY_PATIENCE; i++)
        assert_int_equal(
            inquire(&inquiry, i % 2 == 0 ? "1.a.example" : "2.a.example", DNS_TXT)->result,
            DNS_TIMEOUT);
    assert_false(inquiry_is_over(&inquiry));
    assert_string_equal(inquiry.servers, "table");
    assert_int_equal(table.asked, INQUIRY_PATIENCE + 1); /* localhost, once */
    assert_int_equal(inquire(&inquiry, "3.A.example", DNS_TXT)->result, DNS_TIMEOUT);
    assert_int_equal(table.asked, INQUIRY_PATIENCE + 1);
    assert_int_equal(inquire(&inquiry, "b.example", DNS_TXT)->result, DNS_SERVFAIL);
}

static void three_domains_in_a_row_are_enough(void **state)
{
    static const struct dns_row silent[] = {SILENT("a.example"), SILENT("b.example"),
                                            SILENT("c.example"), END};
    struct dns_table table = {.rows = silent};
    struct inquiry inquiry = {.ask = dns_table_ask, .context = &table};

    (void)state;
    (void)inquire(&inquiry, "a.example", DNS_TXT);
    (void)inquire(&inquiry, "b.example", DNS_TXT);
    (void)inquire(&inquiry, "d.example", DNS_TXT); /* an answer: NXDOMAIN */
    (void)inquire(&inquiry, "b.example", DNS_TXT);
    (void)inquire(&inquiry, "c.example", DNS_TXT);
    (void)inquire(&inquiry, "c.example", DNS_TXT);
    assert_false(inquiry_is_over(&inquiry));
    (void)inquire(&inquiry, "a.example", DNS_TXT);
    assert_true(inquiry_is_over(&inquiry));
    assert_int_equal(inquire(&inquiry, "d.example", DNS_TXT)->result, DNS_UNREACHABLE);
}

static void a_resolver_that_does_not_know_localhost_is_not_there(void **state)
{
    static const struct dns_row silent[] = {
        SILENT("a.example"), {"localhost", DNS_A, NULL, DNS_TIMEOUT}, END};
    struct dns_table table = {.rows = silent};
    struct inquiry inquiry = {.ask = dns_table_ask, .context = &table};

    (void)state;
    assert_int_equal(inquire(&inquiry, "a.example", DNS_TXT)->result, DNS_TIMEOUT);
    assert_true(inquiry_is_over(&inquiry));
    assert_int_equal(table.asked, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc),
        cmocka_unit_test(qualifiers_order_and_what_is_left),
        cmocka_unit_test(includes_and_redirections),
        cmocka_unit_test(limits),
        cmocka_unit_test(what_is_not_spf_is_an_error_wherever_it_stands),
        cmocka_unit_test(a_domain_without_one_record),
        cmocka_unit_test(the_hosts_of_another_domain),
        cmocka_unit_test(macros_as_in_the_rfc),
        cmocka_unit_test(a_name_that_is_too_long_loses_labels_from_the_left),
        cmocka_unit_test(macros_are_asked_for),
        cmocka_unit_test(one_domain_without_an_answer_says_nothing_of_others),
        cmocka_unit_test(three_domains_in_a_row_are_enough),
        cmocka_unit_test(a_resolver_that_does_not_know_localhost_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
