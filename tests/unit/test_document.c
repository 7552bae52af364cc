/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

struct row {
    const char *behaviour;
    const char *text;
    size_t length;        /* 0: that of text */
    const char *expected; /* how the failure begins; NULL: none */
};

static const struct row good_rows[] = {
    {"nothing", "", 0, NULL},
    {"ASCII", "{\"a\": 1}\r\n\t", 0, NULL},
    {"UTF-8 of two, three and four octets", "\"\xc3\xbc \xe2\x82\xac \xf0\x9f\x98\x80\"", 0, NULL},
    {"the last character", "\"\xf4\x8f\xbf\xbf\"", 0, NULL},
    {"the last before the surrogates", "\"\xed\x9f\xbf\"", 0, NULL},
    {"escapes", "\"\\n \\\\ \\/ \\u00fc \\ud83d\\ude00\"", 0, NULL},
    {"a quote that is escaped does not end the string", "\"a\\\"b\"\n", 0, NULL},
    {"a backslash that is escaped does not escape the quote", "\"a\\\\\"\n", 0, NULL},
    {"u0000 after an escaped backslash is text", "\"\\\\u0000\"", 0, NULL},
};

static const struct row bad_rows[] = {
    {"NUL", "{}\0", 3, "line 1, column 3: NUL octet"},
    {"NUL in a string", "\"a\0b\"", 5, "line 1, column 3: NUL octet"},
    {"NUL after a backslash", "\"\\\0\"", 4, "line 1, column 3: NUL octet"},
    {"UTF-16", "{\0\"\0", 4, "line 1, column 2: NUL octet; if the file is UTF-16"},
    {"NUL as an escape", "\n\"a\\u0000\"", 0, "line 2, column 3: NUL (\\u0000)"},
    {"escape without digits", "\"\\uZZZZ\"", 0, "line 1, column 2: \\u without"},
    {"escape with three digits", "\"\\u123\" ", 0, "line 1, column 2: \\u without"},
    {"escape at the end", "\"\\u12", 0, "line 1, column 2: the text ends"},
    {"Latin-1", "\"\xfc\"", 0, "line 1, column 2: octets that are not UTF-8"},
    {"after a backslash too", "\"\\\xfc\"", 0, "line 1, column 3: octets that are not UTF-8"},
    {"overlong slash", "\"\xc0\xaf\"", 0, "line 1, column 2: octets"},
    {"overlong of three", "\"\xe0\x80\xaf\"", 0, "line 1, column 2: octets"},
    {"overlong of four", "\"\xf0\x80\x80\xaf\"", 0, "line 1, column 2: octets"},
    {"surrogate", "\"\xed\xa0\x80\"", 0, "line 1, column 2: octets"},
    {"beyond Unicode", "\"\xf4\x90\x80\x80\"", 0, "line 1, column 2: octets"},
    {"lead beyond Unicode", "\"\xf5\x80\x80\x80\"", 0, "line 1, column 2: octets"},
    {"cut short", "\"\xe2\x82", 0, "line 1, column 2: octets"},
    {"continuation alone", "\"\x80\"", 0, "line 1, column 2: octets"},
    {"line feed in a string", "{\n\"a\nb\"", 0, "line 2, column 3: control character"},
    {"escape character in a string", "\"\033\"", 0, "line 1, column 2: control character"},
};

static bool check(const struct row *row, struct failure *why)
{
    size_t length = row->length > 0 ? row->length : strlen(row->text);
    char *copy = malloc(length > 0 ? length : 1); /* no NUL behind it, for the sanitizer */
    bool good;

    if (copy == NULL)
        abort();
    memcpy(copy, row->text, length);
    good = document_check(copy, length, why);
    free(copy);
    return good;
}

static void takes_good_text(void **state)
{
    (void)state;
    struct failure why;

    for (size_t i = 0; i < sizeof good_rows / sizeof good_rows[0]; i++) {
        if (!check(&good_rows[i], &why))
            fail_msg("%s: %s", good_rows[i].behaviour, why.text);
    }
}

static void refuses_bad_text_with_its_place(void **state)
{
    (void)state;

    for (size_t i = 0; i < sizeof bad_rows / sizeof bad_rows[0]; i++) {
        const struct row *row = &bad_rows[i];
        struct failure why = {0};
        if (check(row, &why))
            fail_msg("%s: was taken", row->behaviour);
        if (strstr(why.text, row->expected) != why.text)
            fail_msg("%s: said \"%s\", not \"%s\"", row->behaviour, why.text, row->expected);
        assert_int_equal(why.exit_code, EX_DATAERR);
    }
}

static void reads_files_of_any_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 300000};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char name[] = "/tmp/test_document.XXXXXX";
        int descriptor = mkstemp(name);
        char *text = calloc(1, sizes[i] + 1);
        struct document document;
        struct failure why;

        if (descriptor < 0 || text == NULL)
            abort();
        memset(text, 'x', sizes[i]);
        assert_int_equal(write(descriptor, text, sizes[i]), (ssize_t)sizes[i]);
        assert_true(document_read(&document, name, &why));
        assert_int_equal(document.length, sizes[i]);
        assert_memory_equal(document.text, text, sizes[i]);
        document_reset(&document);
        free(text);
        close(descriptor);
        unlink(name);
    }
}

static void says_why_a_file_cannot_be_read(void **state)
{
    (void)state;
    struct document document;
    struct failure why;

    assert_false(document_read(&document, "/nonexistent/file", &why));
    assert_int_equal(why.exit_code, EX_NOINPUT);
    document_reset(&document);
    assert_false(document_read(&document, "/tmp", &why));
    assert_int_equal(why.exit_code, EX_NOINPUT);
    assert_non_null(strstr(why.text, "directory"));
    document_reset(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_good_text),
        cmocka_unit_test(refuses_bad_text_with_its_place),
        cmocka_unit_test(reads_files_of_any_size),
        cmocka_unit_test(says_why_a_file_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
