/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/local_part.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *behaviour;
    const char *text;
    const char *content; /* NULL: none */
    const char *rest;    /* of text */
};

static void reads_what_stands_before_the_at(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"plain", "a@x", "a", "@x"},
        {"alone", "alice", "alice", ""},
        {"all of atext", "!#$%&'*+-/=?^_`{|}~09azAZ@x", "!#$%&'*+-/=?^_`{|}~09azAZ", "@x"},
        {"dots", "a.b@x", "a.b", "@x"},
        {"dots in odd places", ".a..b.@x", ".a..b.", "@x"},
        {"8-bit", "\303\274@x", "\303\274", "@x"},
        {"quoted", "\"a b\"@x", "a b", "@x"},
        {"quoted at sign", "\"a@b\"@x", "a@b", "@x"},
        {"quoted quote", "\"a\\\"b\"@x", "a\"b", "@x"},
        {"quoted backslash", "\"a\\\\\"@x", "a\\", "@x"},
        {"needless backslash", "\"\\a\"@x", "a", "@x"},
        {"stops at the first at sign", "a@b@x", "a", "@b@x"},
        {"stops behind the quotes", "\"a\"b@x", "a", "b@x"},
        {"nothing", "", NULL, NULL},
        {"nothing before the at sign", "@x", NULL, NULL},
        {"space", "a b@x", NULL, NULL},
        {"comment", "a(b)@x", NULL, NULL},
        {"comma", "a,b@x", NULL, NULL},
        {"angle", "<a@x", NULL, NULL},
        {"quote inside", "a\"b\"@x", NULL, NULL},
        {"backslash outside of quotes", "a\\b@x", NULL, NULL},
        {"control character", "a\001@x", NULL, NULL},
        {"DEL", "a\177@x", NULL, NULL},
        {"open quotes", "\"a@x", NULL, NULL},
        {"only a quote", "\"", NULL, NULL},
        {"ends in a backslash", "\"a\\", NULL, NULL},
        {"the closing quote is escaped", "\"a\\\"", NULL, NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char content[LOCAL_PART_MAX];
        size_t length = 0;
        size_t taken = local_part_read(content, &length, rows[i].text, strlen(rows[i].text));
        if (rows[i].content == NULL) {
            if (taken != 0)
                fail_msg("%s: took %zu octets", rows[i].behaviour, taken);
        } else if (taken == 0 || strcmp(rows[i].text + taken, rows[i].rest) != 0 ||
                   length != strlen(rows[i].content) ||
                   memcmp(content, rows[i].content, length) != 0) {
            fail_msg("%s: took %zu octets, content \"%.*s\"", rows[i].behaviour, taken, (int)length,
                     content);
        }
    }
}

static void reads_no_octet_beyond_the_length(void **state)
{
    (void)state;
    char content[LOCAL_PART_MAX];
    size_t length;

    assert_int_equal(local_part_read(content, &length, "abc@x", 2), 2);
    assert_int_equal(length, 2);
    assert_int_equal(local_part_read(content, &length, "\"ab\"@x", 3), 0);
    assert_int_equal(local_part_read(content, &length, "\"a\\b\"", 3), 0);
    assert_int_equal(local_part_read(content, &length, "a", 0), 0);
}

static void reads_up_to_its_maximum(void **state)
{
    (void)state;
    char text[LOCAL_PART_MAX + 4];
    char content[LOCAL_PART_MAX];
    size_t length;

    memset(text, 'a', sizeof text);
    assert_int_equal(local_part_read(content, &length, text, LOCAL_PART_MAX), LOCAL_PART_MAX);
    assert_int_equal(length, LOCAL_PART_MAX);
    assert_int_equal(local_part_read(content, &length, text, LOCAL_PART_MAX + 1), 0);
    text[LOCAL_PART_MAX] = '@';
    assert_int_equal(local_part_read(content, &length, text, sizeof text), LOCAL_PART_MAX);
    text[0] = text[LOCAL_PART_MAX + 1] = '"';
    text[LOCAL_PART_MAX] = 'a';
    assert_int_equal(local_part_read(content, &length, text, sizeof text), LOCAL_PART_MAX + 2);
    assert_int_equal(length, LOCAL_PART_MAX);
    text[LOCAL_PART_MAX + 1] = 'a';
    text[LOCAL_PART_MAX + 2] = '"';
    assert_int_equal(local_part_read(content, &length, text, sizeof text), 0);
}

static void writes_quotes_only_where_they_need_be(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        const char *written; /* "" : it cannot be */
    } rows[] = {
        {"a", "a"},
        {"a.b+c", "a.b+c"},
        {"SRS0=Hx=AB=x.example=a", "SRS0=Hx=AB=x.example=a"},
        {"a%b/c!d", "a%b/c!d"},
        {"-a", "-a"},
        {"\303\274", "\303\274"},
        {"a b", "\"a b\""},
        {"a@b", "\"a@b\""},
        {"a..b", "\"a..b\""},
        {".a", "\".a\""},
        {"a.", "\"a.\""},
        {".", "\".\""},
        {"a\"b", "\"a\\\"b\""},
        {"a\\b", "\"a\\\\b\""},
        {"a<b>", "\"a<b>\""},
        {"a:b", "\"a:b\""},
        {"", ""},
        {"a\nb", ""},
        {"a\177", ""},
        {"\037", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[LOCAL_PART_MAX];
        size_t length = local_part_write(out, rows[i].content, strlen(rows[i].content));
        if (length != strlen(rows[i].written) || memcmp(out, rows[i].written, length) != 0)
            fail_msg("\"%s\" became \"%.*s\"", rows[i].content, (int)length, out);
    }
    assert_int_equal(local_part_write((char[LOCAL_PART_MAX]){0}, "a\0b", 3), 0);
}

static void writes_up_to_its_maximum(void **state)
{
    (void)state;
    char content[LOCAL_PART_MAX + 1];
    char out[LOCAL_PART_MAX];

    memset(content, 'a', sizeof content);
    assert_int_equal(local_part_write(out, content, LOCAL_PART_MAX), LOCAL_PART_MAX);
    assert_int_equal(local_part_write(out, content, LOCAL_PART_MAX + 1), 0);
    content[0] = ' ';
    assert_int_equal(local_part_write(out, content, LOCAL_PART_MAX - 2), LOCAL_PART_MAX);
    assert_int_equal(local_part_write(out, content, LOCAL_PART_MAX - 1), 0);
    content[0] = '"';
    assert_int_equal(local_part_write(out, content, LOCAL_PART_MAX - 3), LOCAL_PART_MAX);
    assert_int_equal(local_part_write(out, content, LOCAL_PART_MAX - 2), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_stands_before_the_at),
        cmocka_unit_test(reads_no_octet_beyond_the_length),
        cmocka_unit_test(reads_up_to_its_maximum),
        cmocka_unit_test(writes_quotes_only_where_they_need_be),
        cmocka_unit_test(writes_up_to_its_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
