/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/ini.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OUT_SIZE = 1024 };

/* Writes each item as section|key|nested|value; and each section as section||. */
static void collect(void *context, const struct ini_item *item)
{
    char *out = context;
    size_t used = strlen(out);

    if (item->key == NULL)
        (void)snprintf(out + used, OUT_SIZE - used, "[%s]", item->section);
    else
        (void)snprintf(out + used, OUT_SIZE - used, "(%s|%s|%s)", item->key,
                       item->nested != NULL ? item->nested : "", item->value);
}

static const struct {
    const char *name, *text, *items;
} good[] = {
    {"a section with keys", "[default]\na = 1\nb=2\n", "[default](a||1)(b||2)"},
    {"no newline at the end", "[s]\na=1", "[s](a||1)"},
    {"keys in any case, values as they are", "[S]\nAWS_Key = AbC\n", "[S](aws_key||AbC)"},
    {"a colon instead of the =", "[s]\na: b=c\n", "[s](a||b=c)"},
    {"= in a value", "[s]\na = b==\n", "[s](a||b==)"},
    {"comments and blank lines", "# x\n; y\n\n[s]\n  # z\na=1 # 2\n", "[s](a||1 # 2)"},
    {"CRLF and a byte order mark", "\xef\xbb\xbf[s]\r\na=1\r\n", "[s](a||1)"},
    {"quotes in a section", "[profile \"my name\"]\n[profile\tx]\n",
     "[profile my name][profile x]"},
    {"text after a section", "[s] # x\na=1\n", "[s](a||1)"},
    {"nested keys", "[services x]\nses =\n  endpoint_url = u\n  B: c\nsts=\n  d=e\nf=g\n",
     "[services x](ses|endpoint_url|u)(ses|b|c)(sts|d|e)(f||g)"},
    {"nested keys at the end", "[s]\na=\n b=c", "[s](a|b|c)"},
    {"a value over several lines", "[s]\na = b\n  c\n\n  d=e\nf=g\n", "[s](a||b\nc\nd=e)(f||g)"},
    {"indented keys are keys", "[s]\n  a=1\n  b=2\n", "[s](a||1)(b||2)"},
    {"an empty value", "[s]\na=\nb=1\n", "[s](a||)(b||1)"},
    {"a section that comes twice", "[s]\na=1\n[t]\n[s]\na=2\n", "[s](a||1)[t][s](a||2)"},
    {"nothing", "", ""},
};

static void reads_what_the_cli_reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char out[OUT_SIZE] = "";
        struct failure why = {.text = ""};
        print_message("%s\n", good[i].name);
        if (!ini_parse(good[i].text, strlen(good[i].text), collect, out, &why))
            fail_msg("%s", why.text);
        assert_string_equal(out, good[i].items);
    }
}

static const struct {
    const char *text, *complaint;
} bad[] = {
    {"a=1\n", "line 1: a key stands before"}, {"[s]\n\nab\n", "line 3: neither a section"},
    {"[s\na=1\n", "line 1: the ]"},           {"[]\n", "line 1: the name"},
    {"[s]\n = secret\n", "line 2: a key is"}, {"[s]\na=\n  b\n", "line 3: not a nested"},
};

static void tells_the_line_and_no_value(void **state)
{
    char out[OUT_SIZE] = "";
    struct failure why;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(ini_parse(bad[i].text, strlen(bad[i].text), collect, out, &why));
        if (strncmp(why.text, bad[i].complaint, strlen(bad[i].complaint)) != 0)
            fail_msg("%s", why.text);
        assert_null(strstr(why.text, "secret"));
    }
    assert_false(ini_parse("[s]\na=\0b\n", 9, collect, out, &why));
}

static void limits_sizes(void **state)
{
    char *text = malloc(INI_FILE_MAX + 2);
    struct failure why;
    char out[OUT_SIZE] = "";

    (void)state;
    assert_non_null(text);
    memset(text, '\n', INI_FILE_MAX + 1);
    assert_true(ini_parse(text, INI_FILE_MAX, collect, out, &why));
    assert_false(ini_parse(text, INI_FILE_MAX + 1, collect, out, &why));
    memset(text, 'v', INI_VALUE_MAX + 10);
    memcpy(text, "[s]\na=", 6);
    assert_true(ini_parse(text, 6 + INI_VALUE_MAX, collect, out, &why));
    assert_false(ini_parse(text, 6 + INI_VALUE_MAX + 1, collect, out, &why));
    memset(text, 'k', 600);
    memcpy(text, "[s]\n", 4);
    text[4 + INI_NAME_MAX] = '=';
    assert_true(ini_parse(text, 400, collect, out, &why));
    text[4 + INI_NAME_MAX] = 'k';
    text[4 + INI_NAME_MAX + 1] = '=';
    assert_false(ini_parse(text, 400, collect, out, &why));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_the_cli_reads),
        cmocka_unit_test(tells_the_line_and_no_value),
        cmocka_unit_test(limits_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
