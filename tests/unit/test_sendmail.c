/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Lines of sendmail.cf; what m4 makes of return-path.m4 is seen in
 * tests/integration/test_check_return_path.py.
 */
#include "ctl/sendmail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static FILE *open_text(const char *text)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    return file;
}

#define RETURN_MAP  "Kreturn socket -f -T<TMPF> local:/run/s\n"
#define CHECK_MAP   "Kcheck socket -f -T<TMPF> local:/run/s\n"
#define RETURN_RULE "R$*\t\t$: $>ReturnPath $1\n"
#define CHECK_RULE  "SLocal_check_rcpt\nR$* $| $+ < @ $+ . >\t$: $1 $| $(check $2@$3 $: NONE $)\n"

static void what_return_path_m4_puts_there(void **state)
{
    static const struct {
        const char *text;
        bool looks_up, checks, has_rules;
        const char *elsewhere;
    } examples[] = {
        {"", false, false, false, ""},
        {RETURN_MAP CHECK_MAP RETURN_RULE CHECK_RULE, true, true, true, ""},
        {CHECK_MAP RETURN_RULE CHECK_RULE, false, true, true, ""},
        {RETURN_MAP CHECK_MAP CHECK_RULE, false, true, false, ""},
        {RETURN_MAP CHECK_MAP RETURN_RULE, true, false, false, ""},
        {RETURN_MAP CHECK_MAP RETURN_RULE "SOther\nR$*\t$: $(check $1 $)\n", true, false, false,
         ""},
        {"Kreturn socket -f local:/run/t\n" RETURN_RULE CHECK_RULE, false, false, true,
         "local:/run/t"},
        {"Kreturn socket inet:9@127.0.0.1\n" RETURN_RULE, false, false, false, "inet:9@127.0.0.1"},
        {"Kreturn hash /run/s\n" RETURN_RULE, false, false, false, ""},
        {"Kreturns socket local:/run/s\n" RETURN_RULE, false, false, false, ""},
        {"Kreturn socket\n" RETURN_RULE, false, false, false, ""},
        {"Kvirtuser socket -f -T<TMPF> local:/run/s\n", true, false, false, ""},
        {"#Kvirtuser socket -f -T<TMPF> local:/run/s\n", false, false, false, ""},
    };
    struct sendmail_return found;
    struct socket_name ours;

    (void)state;
    assert_true(socket_name_read(&ours, "unix:/run/s"));
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        FILE *file = open_text(examples[i].text);
        sendmail_read_return(&found, file, &ours);
        (void)fclose(file);
        assert_int_equal(found.looks_up, examples[i].looks_up);
        assert_int_equal(found.checks, examples[i].checks);
        assert_int_equal(found.has_rules, examples[i].has_rules);
        assert_string_equal(found.elsewhere, examples[i].elsewhere);
    }
}

static void domains_that_it_takes(void **state)
{
    static const struct {
        const char *text;
        enum match match;
    } examples[] = {
        {"", MATCH_NO},
        {"Cwlocalhost\nCw a.example B.Shop.Example\n", MATCH_YES},
        {"Cwshop.example\n", MATCH_NO},
        {"C{w}b.shop.example\n", MATCH_YES},
        {"CRshop.example\n", MATCH_YES},
        {"CRop.example\n", MATCH_NO},
        {"C{VirtHost}b.shop.example\n", MATCH_YES},
        {"C{VirtHost}shop.example\n", MATCH_NO},
        {"C{Other}b.shop.example\nCPb.shop.example\n", MATCH_NO},
        {"Dwb.shop.example\n", MATCH_NO},
        {"FR-o /nonexistent/file\n", MATCH_NO},
        {"Fw/nonexistent/file\n", MATCH_UNKNOWN},
        {"Fw|/bin/program\n", MATCH_UNKNOWN},
        {"Fw@ldap\nCwb.shop.example\n", MATCH_YES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        FILE *file = open_text(examples[i].text);
        assert_int_equal(sendmail_takes(file, "b.shop.example"), examples[i].match);
        (void)fclose(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_return_path_m4_puts_there),
        cmocka_unit_test(domains_that_it_takes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
