/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/word.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *const words[] = {"pass", NULL, "default", "reject"};
enum { WORD_COUNT = sizeof words / sizeof *words };

static void finds_a_word(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int index;
    } rows[] = {
        {"pass", 0},  {"default", 2}, {"reject", 3}, {"", -1},
        {"Pass", -1}, {"pas", -1},    {"passe", -1}, {" pass", -1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(word_find(words, WORD_COUNT, rows[i].text), rows[i].index);
    assert_int_equal(word_find(words, 3, "reject"), -1);
    assert_int_equal(word_find(words, 0, "pass"), -1);
}

static void writes_a_choice(void **state)
{
    (void)state;
    char out[100];

    word_choice(words, WORD_COUNT, out, sizeof out);
    assert_string_equal(out, "pass, default or reject");
    word_choice(words + 2, 2, out, sizeof out);
    assert_string_equal(out, "default or reject");
    word_choice(words, 1, out, sizeof out);
    assert_string_equal(out, "pass");
    word_choice(words, 0, out, sizeof out);
    assert_string_equal(out, "");
}

static void cuts_a_choice_to_the_room_there_is(void **state)
{
    (void)state;
    static const char whole[] = "pass, default or reject";
    char out[sizeof whole + 1];

    for (size_t size = 1; size <= sizeof whole; size++) {
        memset(out, '#', sizeof out);
        word_choice(words, WORD_COUNT, out, size);
        assert_int_equal(strlen(out), size - 1);
        assert_memory_equal(out, whole, size - 1);
        assert_int_equal(out[size], '#');
    }
}

static void counts_one_and_many(void **state)
{
    (void)state;
    assert_string_equal(word_for(0, "identity", "identities"), "identities");
    assert_string_equal(word_for(1, "identity", "identities"), "identity");
    assert_string_equal(word_for(2, "identity", "identities"), "identities");
    assert_string_equal(word_for(UINT64_MAX, "identity", "identities"), "identities");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_one_and_many),
        cmocka_unit_test(finds_a_word),
        cmocka_unit_test(writes_a_choice),
        cmocka_unit_test(cuts_a_choice_to_the_room_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
