/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/finding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What three findings look like; free it. */
static char *print(bool json, bool quiet)
{
    struct findings findings = {.json = json, .quiet = quiet};
    struct finding fine = {.check = "socket", .subject = "unix:/s", .found = "somebody listens"};
    struct finding odd = {.level = FINDING_WARNING, .check = "spf", .subject = "a.example"};
    struct finding bad = {.level = FINDING_ERROR, .check = "mx", .subject = "b.example"};
    char *text = NULL;
    size_t length;

    finding_found(&odd, "SPF is \"%s\"", "\033[2J\\");
    finding_found(&bad, "MX is %s", "NXDOMAIN");
    finding_expected(&bad, "MX %d mx.example", 10);
    finding_advise(&bad, "publish it");
    findings.out = open_memstream(&text, &length);
    assert_non_null(findings.out);
    findings_begin(&findings);
    assert_int_equal(findings_level(&findings), FINDING_OK);
    findings_put(&findings, &fine);
    assert_int_equal(findings_level(&findings), FINDING_OK);
    findings_put(&findings, &odd);
    assert_int_equal(findings_level(&findings), FINDING_WARNING);
    findings_put(&findings, &bad);
    assert_int_equal(findings_level(&findings), FINDING_ERROR);
    findings_end(&findings);
    assert_int_equal(fclose(findings.out), 0);
    return text;
}

static void a_line_for_a_person_is_escaped(void **state)
{
    char *text = print(false, false);

    (void)state;
    assert_string_equal(text, "ok       unix:/s: somebody listens\n"
                              "warning  a.example: SPF is \"\\x1b[2J\\\"\n"
                              "error    b.example: MX is NXDOMAIN, expected MX 10 mx.example; "
                              "publish it\n"
                              "1 ok, 1 warning, 1 error\n");
    free(text);
}

static void quiet_leaves_out_what_is_ok_but_counts_it(void **state)
{
    char *text = print(false, true);

    (void)state;
    assert_null(strstr(text, "somebody listens"));
    assert_non_null(strstr(text, "1 ok, 1 warning, 1 error\n"));
    free(text);
}

static void the_same_as_json(void **state)
{
    char *text = print(true, true);

    (void)state;
    assert_string_equal(
        text,
        "{\"findings\": [\n"
        "{\"level\": \"ok\", \"subject\": \"unix:/s\", \"check\": \"socket\", \"found\": "
        "\"somebody listens\", \"expected\": \"\", \"advice\": \"\"},\n"
        "{\"level\": \"warning\", \"subject\": \"a.example\", \"check\": \"spf\", \"found\": "
        "\"SPF is \\\"\\u001b[2J\\\\\\\"\", \"expected\": \"\", \"advice\": \"\"},\n"
        "{\"level\": \"error\", \"subject\": \"b.example\", \"check\": \"mx\", \"found\": "
        "\"MX is NXDOMAIN\", \"expected\": \"MX 10 mx.example\", \"advice\": \"publish it\"}\n"
        "], \"ok\": 1, \"warnings\": 1, \"errors\": 1}\n");
    free(text);
}

static void a_text_that_is_too_long_is_cut(void **state)
{
    static char text[2 * FINDING_TEXT_SIZE];
    struct finding finding = {.level = FINDING_OK};

    (void)state;
    memset(text, 'x', sizeof text - 1);
    finding_found(&finding, "%s", text);
    assert_int_equal(strlen(finding.found), FINDING_TEXT_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_for_a_person_is_escaped),
        cmocka_unit_test(quiet_leaves_out_what_is_ok_but_counts_it),
        cmocka_unit_test(the_same_as_json),
        cmocka_unit_test(a_text_that_is_too_long_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
