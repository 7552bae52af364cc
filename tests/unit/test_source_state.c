/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/refresh_request.h"
#include "common/source_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct source_state sample = {
    .last_call = 1795341600123,
    .last_success = 2,
    .last_list = 3,
    .last_error_at = 4,
    .failing_since = 5,
    .next_call = INT64_MAX,
    .last_error = "GetX: denied = no",
    .calls = {7, 8, UINT64_MAX, 14},
    .failures = {9, 10, 11, 15},
    .lasting_exit = 77,
    .trouble_since = {16, 17, 18},
    .trouble_failures = {19, 20, 21},
    .transitions = 12,
    .identities = 10000,
    .heartbeat = 13,
    .answers = {{SOURCE_FETCH, "throttled", UINT64_MAX}, {SOURCE_LOOKUP, "no data", 2}},
    .answers_count = 2,
};

static void expect_same(const struct source_state *a, const struct source_state *b)
{
    assert_true(a->last_call == b->last_call && a->last_success == b->last_success);
    assert_true(a->last_list == b->last_list && a->last_error_at == b->last_error_at);
    assert_true(a->failing_since == b->failing_since && a->next_call == b->next_call);
    assert_memory_equal(a->calls, b->calls, sizeof a->calls);
    assert_memory_equal(a->failures, b->failures, sizeof a->failures);
    assert_memory_equal(a->trouble_since, b->trouble_since, sizeof a->trouble_since);
    assert_memory_equal(a->trouble_failures, b->trouble_failures, sizeof a->trouble_failures);
    assert_true(a->transitions == b->transitions && a->identities == b->identities);
    assert_true(a->heartbeat == b->heartbeat && a->lasting_exit == b->lasting_exit);
    assert_string_equal(a->last_error, b->last_error);
    assert_int_equal(a->answers_count, b->answers_count);
    for (size_t i = 0; i < a->answers_count; i++) {
        assert_int_equal(a->answers[i].operation, b->answers[i].operation);
        assert_string_equal(a->answers[i].result, b->answers[i].result);
        assert_true(a->answers[i].count == b->answers[i].count);
    }
}

static void comes_back_as_it_was(void **state)
{
    (void)state;
    char text[STORE_NOTE_MAX + 1];
    struct source_state decoded;

    source_state_encode(&sample, text);
    source_state_decode(&decoded, text);
    expect_same(&decoded, &sample);
}

static void passes_over_what_it_does_not_know(void **state)
{
    (void)state;
    struct source_state decoded;

    source_state_decode(&decoded,
                        "future=1\nnonsense\n=5\n\nheartbeat=42\nlast-call\nlast-callx=9\n");
    assert_true(decoded.heartbeat == 42 && decoded.last_call == 0);
    source_state_decode(&decoded, "");
    assert_true(decoded.heartbeat == 0);
    source_state_decode(&decoded, "last-error=a=b");
    assert_string_equal(decoded.last_error, "a=b");
}

static void counts_answers_by_operation_and_result(void **state)
{
    (void)state;
    struct source_state counted = {0};

    source_state_count(&counted, SOURCE_FETCH, "ok");
    source_state_count(&counted, SOURCE_LIST, "ok");
    source_state_count(&counted, SOURCE_FETCH, "ok");
    source_state_count(&counted, SOURCE_FETCH, "o");
    source_state_count(&counted, SOURCE_FETCH, "");
    assert_int_equal(counted.answers_count, 3);
    assert_true(counted.answers[0].operation == SOURCE_FETCH && counted.answers[0].count == 2);
    assert_true(counted.answers[1].operation == SOURCE_LIST && counted.answers[1].count == 1);
}

/* As many as there may be, with the longest words and numbers, fit into a note. */
static void the_fullest_state_fits_into_a_note(void **state)
{
    (void)state;
    char text[STORE_NOTE_MAX + 1];
    struct source_state full = sample;
    struct source_state decoded;

    full.answers_count = 0;
    memset(full.last_error, 'x', SOURCE_ERROR_MAX);
    for (int i = 0; i < SOURCE_ANSWERS_MAX + 5; i++) {
        char result[SOURCE_ANSWER_MAX + 1];
        (void)snprintf(result, sizeof result, "%030d", i);
        source_state_count(&full, SOURCE_VERIFY, result);
    }
    assert_int_equal(full.answers_count, SOURCE_ANSWERS_MAX);
    for (size_t i = 0; i < SOURCE_ANSWERS_MAX; i++)
        full.answers[i].count = UINT64_MAX;
    source_state_encode(&full, text);
    source_state_decode(&decoded, text);
    expect_same(&decoded, &full);
}

static void passes_over_answers_that_are_none(void **state)
{
    (void)state;
    struct source_state decoded;

    source_state_decode(&decoded, "answers/=1\nanswers/list=2\nanswers/list/=3\nanswers/lis/x=4\n"
                                  "answers/listx/y=5\nanswers/list/0123456789012345678901234567890"
                                  "=6\nanswers/list/ok=7\n");
    assert_int_equal(decoded.answers_count, 1);
    assert_int_equal(decoded.answers[0].count, 7);
}

static void an_error_is_cut_to_a_line(void **state)
{
    (void)state;
    char text[STORE_NOTE_MAX + 1];
    struct source_state long_one = {.heartbeat = 1};
    struct source_state decoded;

    memset(long_one.last_error, 'x', SOURCE_ERROR_MAX);
    long_one.last_error[10] = '\n';
    source_state_encode(&long_one, text);
    source_state_decode(&decoded, text);
    assert_int_equal(strlen(decoded.last_error), 10);
    memset(text, 'y', 3000);
    memcpy(text, "last-error=", strlen("last-error="));
    text[3000] = '\0';
    source_state_decode(&decoded, text);
    assert_int_equal(strlen(decoded.last_error), SOURCE_ERROR_MAX);
}

static void is_silent_after_longer_than_a_call_takes(void **state)
{
    (void)state;
    struct source_state written = {.heartbeat = 1000000};

    assert_false(source_state_is_silent(&written, 1000000));
    assert_false(source_state_is_silent(&written, 1000000 + SOURCE_SILENCE - 1));
    assert_true(source_state_is_silent(&written, 1000000 + SOURCE_SILENCE));
    assert_true(source_state_is_silent(&written, 0)); /* of a clock that was far ahead */
}

/* --- in a store --- */

static char directory[] = "/tmp/test_source_state-XXXXXX";

static bool write_all(struct store *store, void *context, struct failure *why)
{
    (void)context;
    return source_state_write(store, "eu", &sample, why) &&
           refresh_request_put(store, "a@x.example", 5, why) &&
           refresh_request_put(store, REFRESH_REQUEST_ALL, 6, why);
}

static bool remove_one(struct store *store, void *context, struct failure *why)
{
    (void)context;
    return refresh_request_remove(store, REFRESH_REQUEST_ALL, why);
}

static bool sum(void *context, const char *identity, int64_t requested)
{
    assert_true(strcmp(identity, requested == 5 ? "a@x.example" : "*") == 0);
    *(int64_t *)context += requested;
    return true;
}

static void lies_in_the_store_as_notes(void **state)
{
    (void)state;
    struct source_state read;
    struct store *store;
    struct failure why;
    int64_t total = 0;

    assert_true(store_open(&store, directory, STORE_WRITE, NULL, &why));
    assert_int_equal(source_state_read(store, "eu", &read, &why), STORE_NOT_FOUND);
    assert_true(read.heartbeat == 0);
    assert_true(store_update(store, write_all, NULL, &why));
    assert_int_equal(source_state_read(store, "eu", &read, &why), STORE_FOUND);
    expect_same(&read, &sample);
    assert_int_equal(source_state_read(store, "", &read, &why), STORE_NOT_FOUND);
    assert_true(refresh_request_each(store, sum, &total, &why));
    assert_true(total == 11);
    assert_true(store_update(store, remove_one, NULL, &why));
    assert_int_equal(refresh_request_find(store, REFRESH_REQUEST_ALL, &why), STORE_NOT_FOUND);
    assert_int_equal(refresh_request_find(store, "a@x.example", &why), STORE_FOUND);
    store_close(store);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "write.lock"};
    char path[100];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)unlink(path);
    }
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(passes_over_what_it_does_not_know),
        cmocka_unit_test(counts_answers_by_operation_and_result),
        cmocka_unit_test(the_fullest_state_fits_into_a_note),
        cmocka_unit_test(passes_over_answers_that_are_none),
        cmocka_unit_test(an_error_is_cut_to_a_line),
        cmocka_unit_test(is_silent_after_longer_than_a_call_takes),
        cmocka_unit_test_setup_teardown(lies_in_the_store_as_notes, make_directory,
                                        remove_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
