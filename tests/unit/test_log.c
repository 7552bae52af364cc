/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { CAPTURE_MAX = 2 * LOG_LINE_MAX };

/* Logs text as the argument of a format, and returns what came out on stderr. */
static size_t capture(char out[CAPTURE_MAX], int level, const char *text)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    size_t length;

    assert_non_null(file);
    (void)dup2(fileno(file), STDERR_FILENO);
    log_write(level, "%s", text);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    rewind(file);
    length = fread(out, 1, CAPTURE_MAX - 1, file);
    out[length] = '\0';
    (void)fclose(file);
    return length;
}

static void names_program_and_level(void **state)
{
    (void)state;
    static const struct {
        int level;
        const char *line;
    } rows[] = {
        {LOG_INFO, "program: text\n"},
        {LOG_WARNING, "program: warning: text\n"},
        {LOG_ERR, "program: error: text\n"},
        {LOG_CRIT, "program: fatal: text\n"},
    };
    char out[CAPTURE_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)capture(out, rows[i].level, "text");
        assert_string_equal(out, rows[i].line);
    }
}

static void writes_one_line_whatever_the_text(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *line;
    } rows[] = {
        {"a\nb", "program: a\\x0ab\n"},
        {"a\r\n", "program: a\\x0d\\x0a\n"},
        {"\033[1m\t\177", "program: \\x1b[1m\\x09\\x7f\n"},
        {"\303\274", "program: \\xc3\\xbc\n"},
        {"%s %n", "program: %s %n\n"},
        {"", "program: \n"},
    };
    char out[CAPTURE_MAX];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)capture(out, LOG_INFO, rows[i].text);
        assert_string_equal(out, rows[i].line);
    }
}

/* $JOURNAL_STREAM as systemd sets it for stderr, which is file; or next to it. */
static void name_journal(int file, unsigned device, unsigned inode)
{
    struct stat status;
    char text[100];

    assert_int_equal(fstat(file, &status), 0);
    (void)snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)status.st_dev + device,
                   (unsigned long long)status.st_ino + inode);
    assert_int_equal(setenv("JOURNAL_STREAM", text, 1), 0);
}

/* Opens the log while the journal reads stderr. */
static void open_for_journal(void)
{
    FILE *journal = tmpfile();
    int saved = dup(STDERR_FILENO);

    assert_non_null(journal);
    name_journal(fileno(journal), 0, 0);
    (void)dup2(fileno(journal), STDERR_FILENO);
    log_open("program", LOG_TO_STDERR);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    (void)fclose(journal);
}

static void tells_the_journal_the_level(void **state)
{
    (void)state;
    char out[CAPTURE_MAX];

    open_for_journal();
    (void)capture(out, LOG_INFO, "text");
    assert_string_equal(out, "<6>text\n");
    (void)capture(out, LOG_CRIT, "a\n<0>b");
    assert_string_equal(out, "<2>fatal: a\\x0a<0>b\n");
}

static void expect_no_level(void)
{
    char out[CAPTURE_MAX];

    log_open("program", LOG_TO_STDERR);
    (void)capture(out, LOG_INFO, "text");
    assert_string_equal(out, "program: text\n");
}

/* The variable is inherited also where stderr is somewhere else. */
static void tells_nobody_else_the_level(void **state)
{
    (void)state;
    static const char *const names[] = {"1:1", "", "x", "1"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(setenv("JOURNAL_STREAM", names[i], 1), 0);
        expect_no_level();
    }
    name_journal(STDERR_FILENO, 0, 1);
    expect_no_level();
    name_journal(STDERR_FILENO, 1, 0);
    expect_no_level();
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
}

static void cuts_a_long_line(void **state)
{
    (void)state;
    static const char octets[] = "x\n";
    char text[2 * LOG_LINE_MAX];
    char out[CAPTURE_MAX];

    for (size_t i = 0; i < 2; i++) {
        for (size_t cut = 0; cut < 6; cut++) {
            size_t length;
            memset(text, octets[i], sizeof text);
            text[sizeof text - 1 - cut] = '\0';
            memset(text, 'a', cut);
            length = capture(out, LOG_ERR, text);
            assert_true(length > LOG_LINE_MAX - 8 && length < LOG_LINE_MAX + 64);
            assert_ptr_equal(strchr(out, '\n'), out + length - 1);
        }
    }
}

static void cuts_a_long_program_name(void **state)
{
    (void)state;
    static const char name[] = "0123456789012345678901234567890123456789";
    char out[CAPTURE_MAX];

    log_open(name, LOG_TO_STDERR);
    (void)capture(out, LOG_WARNING, "text");
    log_open("program", LOG_TO_STDERR);
    assert_string_equal(out, "012345678901234567890123456789: warning: text\n");
}

static void tells_nobody_where_nobody_listens(void **state)
{
    (void)state;
    char out[CAPTURE_MAX];

    log_open("program", LOG_TO_NOBODY);
    assert_int_equal(capture(out, LOG_CRIT, "text"), 0);
    log_open("program", LOG_TO_STDERR);
    assert_true(capture(out, LOG_CRIT, "text") > 0);
}

static void escapes_what_the_log_could_mistake(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *escaped;
    } rows[] = {
        {"alice+n@x.example", "alice+n@x.example"},
        {"a b", "a\\x20b"},
        {"<a>", "\\x3ca\\x3e"},
        {"a\\b", "a\\x5cb"},
        {"a\r\nb", "a\\x0d\\x0ab"},
        {"\303\274", "\\xc3\\xbc"},
        {"\001\177\377", "\\x01\\x7f\\xff"},
        {"\"a=b\"", "\"a=b\""},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[100];
        char *end = log_escape(out, out + sizeof out, rows[i].text, 50);
        assert_string_equal(out, rows[i].escaped);
        assert_ptr_equal(end, out + strlen(rows[i].escaped));
    }
}

static void shows_where_it_was_cut(void **state)
{
    (void)state;
    char out[100];

    (void)log_escape(out, out + sizeof out, "abcd", 4);
    assert_string_equal(out, "abcd");
    (void)log_escape(out, out + sizeof out, "abcde", 4);
    assert_string_equal(out, "abcd...");
    (void)log_escape(out, out + sizeof out, "\n\n\n", 2);
    assert_string_equal(out, "\\x0a\\x0a...");
    (void)log_escape(out, out + sizeof out, "a", 0);
    assert_string_equal(out, "...");
}

static void quotes_words(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *quoted;
    } rows[] = {
        {"", "\"\""},
        {"two words", "\"two words\""},
        {"a\" verdict=pass", "\"a\\x22 verdict\\x3dpass\""},
        {"<a>\\\n\377", "\"\\x3ca\\x3e\\x5c\\x0a\\xff\""},
        {"more than twenty octets", "\"more than twenty oct...\""},
    };
    char out[100];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *end = log_quote(out, out + sizeof out, rows[i].text, 20);
        assert_string_equal(out, rows[i].quoted);
        assert_ptr_equal(end, out + strlen(rows[i].quoted));
    }
    for (size_t size = 1; size < 40; size++) {
        char *end;
        memset(out, '#', sizeof out);
        end = log_quote(out, out + size, "\n\n\nabcdefghij\"", 20);
        assert_true(end < out + size && *end == '\0');
        for (size_t j = size; j < sizeof out; j++)
            assert_int_equal(out[j], '#');
    }
}

static void stays_within_its_buffer(void **state)
{
    (void)state;
    static const char *const texts[] = {"aaaaaaaaaaaaaaaaaaaaaaaa", "\n\n\n\n\n\n\n\n\n\n\n\n",
                                        "a\na\na\na\na\na\na\na\n"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t size = 1; size < 24; size++) {
            char out[32];
            char *end;
            memset(out, '#', sizeof out);
            end = log_escape(out, out + size, texts[i], 100);
            assert_true(end < out + size);
            assert_int_equal(*end, '\0');
            for (size_t j = size; j < sizeof out; j++)
                assert_int_equal(out[j], '#');
        }
    }
}

static void leaves_out_what_weighs_too_little(void **state)
{
    (void)state;
    static const int levels[] = {LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING, LOG_ERR, LOG_CRIT};
    char out[CAPTURE_MAX];

    for (size_t threshold = 0; threshold < LOG_THRESHOLD_COUNT; threshold++) {
        log_configure(LOG_LOGFMT, (enum log_threshold)threshold);
        for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
            assert_int_equal(log_is_on(levels[i]), i >= threshold);
            assert_int_equal(capture(out, levels[i], "text") > 0, i >= threshold);
        }
    }
    log_configure(LOG_LOGFMT, LOG_FROM_INFO);
}

static void writes_an_object_of_json(void **state)
{
    (void)state;
    static const struct {
        int level;
        const char *text;
        const char *members;
    } rows[] = {
        {LOG_INFO, "a b", "\"level\":\"info\",\"program\":\"program\",\"message\":\"a b\"}\n"},
        {LOG_NOTICE, "", "\"level\":\"notice\",\"program\":\"program\",\"message\":\"\"}\n"},
        {LOG_CRIT, "\"\\\n\303",
         "\"level\":\"fatal\",\"program\":\"program\","
         "\"message\":\"\\\"\\\\x5c\\\\x0a\\\\xc3\"}\n"},
    };
    char out[CAPTURE_MAX];
    int end = 0;

    log_configure(LOG_JSON, LOG_FROM_INFO);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        (void)capture(out, rows[i].level, rows[i].text);
        /* RFC 3339 */
        (void)sscanf(out, "{\"time\":\"%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ\",%n", &end);
        assert_int_equal(end, strlen("{\"time\":\"2026-01-01T00:00:00.000Z\","));
        assert_string_equal(out + end, rows[i].members);
    }
    log_configure(LOG_LOGFMT, LOG_FROM_INFO);
}

/* systemd strips it, and keeps the object. */
static void tells_the_journal_the_level_before_the_object(void **state)
{
    (void)state;
    static const char end[] = "Z\",\"level\":\"warning\",\"program\":\"program\","
                              "\"message\":\"text\"}\n";
    char out[CAPTURE_MAX];
    size_t length;

    open_for_journal();
    log_configure(LOG_JSON, LOG_FROM_INFO);
    length = capture(out, LOG_WARNING, "text");
    assert_memory_equal(out, "<4>{\"time\":\"", 12);
    assert_true(length > sizeof end);
    assert_string_equal(out + length - (sizeof end - 1), end);
    log_configure(LOG_LOGFMT, LOG_FROM_INFO);
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    log_open("program", LOG_TO_STDERR);
}

static void cuts_a_long_string_of_json(void **state)
{
    (void)state;
    static const char *const texts[] = {"aaaaaaaaaaaaaaaaaaaaaaaaaa", "\"\"\"\"\"\"\"\"\"\"\"\"\"",
                                        "\n\n\n\n\n\n\n\n\n\n\n\n\n"};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (size_t size = 12; size < 40; size++) {
            char out[64];
            char *end;
            memset(out, '#', sizeof out);
            end = log_json_string(out, out + size, texts[i], 100);
            assert_true(end < out + size && end[-1] == '"' && *end == '\0');
            for (size_t j = size; j < sizeof out; j++)
                assert_int_equal(out[j], '#');
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotes_words),
        cmocka_unit_test(names_program_and_level),
        cmocka_unit_test(writes_one_line_whatever_the_text),
        cmocka_unit_test(tells_the_journal_the_level),
        cmocka_unit_test(tells_nobody_else_the_level),
        cmocka_unit_test(cuts_a_long_line),
        cmocka_unit_test(cuts_a_long_program_name),
        cmocka_unit_test(tells_nobody_where_nobody_listens),
        cmocka_unit_test(escapes_what_the_log_could_mistake),
        cmocka_unit_test(shows_where_it_was_cut),
        cmocka_unit_test(stays_within_its_buffer),
        cmocka_unit_test(leaves_out_what_weighs_too_little),
        cmocka_unit_test(writes_an_object_of_json),
        cmocka_unit_test(tells_the_journal_the_level_before_the_object),
        cmocka_unit_test(cuts_a_long_string_of_json),
    };
    log_open("program", LOG_TO_STDERR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
