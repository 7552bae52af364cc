/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/mx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { RECORDS_MAX = 4, EXPECTED_MAX = 2 };

static const struct settings_list expected = {
    .items = (char *[]){(char[]){"mx.example"}, (char[]){"backup.example"}}, .count = 2};

static const struct {
    const char *name;
    struct dns_record records[RECORDS_MAX];
    bool truncated;
    enum mx_finding findings[3]; /* exactly-one, only-these, any-of-these */
    const char *text;
} found[] = {
    {"the one", {{10, "mx.example"}}, false, {MX_FOUND, MX_FOUND, MX_FOUND}, "MX 10 mx.example"},
    {"the other one",
     {{0, "backup.example"}},
     false,
     {MX_FOUND, MX_FOUND, MX_FOUND},
     "MX 0 backup.example"},
    {"another", {{65535, "x.example"}}, false, {MX_GONE, MX_GONE, MX_GONE}, "MX 65535 x.example"},
    {"both that are expected",
     {{10, "mx.example"}, {20, "backup.example"}},
     false,
     {MX_GONE, MX_FOUND, MX_FOUND},
     "MX 10 mx.example, MX 20 backup.example"},
    {"the same host twice",
     {{10, "mx.example"}, {20, "mx.example"}},
     false,
     {MX_GONE, MX_FOUND, MX_FOUND},
     "MX 10 mx.example, MX 20 mx.example"},
    {"one of them beside another",
     {{5, "x.example"}, {10, "mx.example"}},
     false,
     {MX_GONE, MX_GONE, MX_FOUND},
     "MX 5 x.example, MX 10 mx.example"},
    {"a null MX", {{0, ""}}, false, {MX_GONE, MX_GONE, MX_GONE}, "null MX"},
    {"a null MX beside an expected one",
     {{0, ""}, {10, "mx.example"}},
     false,
     {MX_GONE, MX_GONE, MX_FOUND},
     "MX 0 ., MX 10 mx.example"},
    {"a name that only begins like it",
     {{10, "mx.example.com"}},
     false,
     {MX_GONE, MX_GONE, MX_GONE},
     "MX 10 mx.example.com"},
    {"a name that only looks like it",
     {{10, "mx\\.example"}},
     false,
     {MX_GONE, MX_GONE, MX_GONE},
     "MX 10 mx\\.example"},
    {"records were dropped beside the expected one",
     {{10, "mx.example"}},
     true,
     {MX_GONE, MX_GONE, MX_FOUND},
     "MX 10 mx.example"},
    {"records were dropped beside another",
     {{10, "x.example"}},
     true,
     {MX_GONE, MX_GONE, MX_UNCLEAR},
     "MX 10 x.example"},
};

static size_t count_records(const struct dns_record records[RECORDS_MAX])
{
    size_t count = 0;

    while (count < RECORDS_MAX && records[count].text != NULL)
        count++;
    return count;
}

static void judges_what_is_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++) {
        struct dns_answer answer = {.result = DNS_FOUND,
                                    .records = found[i].records,
                                    .count = count_records(found[i].records),
                                    .truncated = found[i].truncated,
                                    .servers = "192.0.2.1:53"};
        print_message("%s\n", found[i].name);
        for (int match = MX_EXACTLY_ONE; match <= MX_ANY_OF_THESE; match++) {
            char text[MX_TEXT_SIZE] = "";
            assert_int_equal(mx_judge(&answer, &expected, (enum settings_mx_match)match, text),
                             found[i].findings[match]);
            assert_string_equal(text, found[i].text);
        }
    }
}

static const struct {
    enum dns_result result;
    const char *servers;
    enum mx_finding finding;
    const char *text;
} others[] = {
    {DNS_NO_DATA, "192.0.2.1:53", MX_GONE, "no MX"},
    {DNS_NXDOMAIN, "192.0.2.1:53", MX_GONE, "NXDOMAIN"},
    {DNS_SERVFAIL, "192.0.2.1:53", MX_UNCLEAR, "SERVFAIL from 192.0.2.1:53"},
    {DNS_REFUSED, "192.0.2.1:53", MX_UNCLEAR, "refused by 192.0.2.1:53"},
    {DNS_TIMEOUT, "192.0.2.1:53,[::1]:53", MX_UNCLEAR, "timeout from 192.0.2.1:53,[::1]:53"},
    {DNS_UNREACHABLE, "192.0.2.1:53", MX_UNCLEAR, "no connection to 192.0.2.1:53"},
    {DNS_MALFORMED, "192.0.2.1:53", MX_UNCLEAR, "unintelligible answer from 192.0.2.1:53"},
    {DNS_MALFORMED, "", MX_UNCLEAR, "a name that cannot be asked for"},
};

static void judges_what_is_not_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct dns_answer answer = {.result = others[i].result, .servers = others[i].servers};
        for (int match = MX_EXACTLY_ONE; match <= MX_ANY_OF_THESE; match++) {
            char text[MX_TEXT_SIZE] = "";
            assert_int_equal(mx_judge(&answer, &expected, (enum settings_mx_match)match, text),
                             others[i].finding);
            assert_string_equal(text, others[i].text);
        }
    }
}

static void expects_nothing(void **state)
{
    static const struct dns_record record = {10, "mx.example"};
    const struct dns_answer answer = {
        .result = DNS_FOUND, .records = &record, .count = 1, .servers = ""};
    const struct settings_list none = {NULL, 0};
    char text[MX_TEXT_SIZE];

    (void)state;
    assert_int_equal(mx_judge(&answer, &none, MX_ONLY_THESE, text), MX_GONE);
    assert_int_equal(mx_judge(&answer, &none, MX_ANY_OF_THESE, text), MX_GONE);
}

static void judge_many(char text[MX_TEXT_SIZE], const char *host, size_t count)
{
    struct dns_record records[DNS_RECORDS_MAX];
    const struct dns_answer answer = {
        .result = DNS_FOUND, .records = records, .count = count, .servers = ""};

    for (size_t i = 0; i < count; i++)
        records[i] = (struct dns_record){10, host};
    (void)mx_judge(&answer, &expected, MX_EXACTLY_ONE, text);
}

static void counts_what_does_not_fit(void **state)
{
    char text[MX_TEXT_SIZE];

    (void)state;
    judge_many(text, "a", 64);
    assert_int_equal(strncmp(text, "MX 10 a, MX 10 a, ", 18), 0);
    assert_string_equal(text + strlen(text) - 19, "MX 10 a and 43 more");
    judge_many(text, "12345678901234567890123456789012345678901234567890", 3);
    assert_null(strstr(text, "more"));
    assert_true(strlen(text) < MX_TEXT_SIZE);
    judge_many(text, "12345678901234567890123456789012345678901234567890", 4);
    assert_string_equal(text + strlen(text) - 16, "67890 and 1 more");
}

static void fills_the_text_to_the_last_octet(void **state)
{
    char host[256], text[MX_TEXT_SIZE];

    (void)state;
    memset(host, 'a', sizeof host);
    host[MAIL_FROM_FOUND_MAX - 6] = '\0';
    judge_many(text, host, 1);
    assert_int_equal(strlen(text), MAIL_FROM_FOUND_MAX);
    assert_null(strstr(text, "..."));
    host[MAIL_FROM_FOUND_MAX - 6] = 'a';
    host[253] = '\0';
    judge_many(text, host, 1);
    assert_string_equal(text + strlen(text) - 4, "a...");
    judge_many(text, host, 64);
    assert_string_equal(text + strlen(text) - 16, "a... and 63 more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_what_is_found),
        cmocka_unit_test(judges_what_is_not_found),
        cmocka_unit_test(expects_nothing),
        cmocka_unit_test(counts_what_does_not_fit),
        cmocka_unit_test(fills_the_text_to_the_last_octet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
