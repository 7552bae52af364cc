/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Writers that wait for another one: for a while, not for ever, and they say for whom.
 */
#include "common/process.h"
#include "common/store_turn.h"
#include "tests/unit/scratch.h"

#include <signal.h>
#include <sys/stat.h>
#include <sysexits.h>

enum { WRITERS = 4, TRANSACTIONS = 50 };

static const struct store_patience short_one = {.milliseconds = 50};
static const struct store_patience endless = {.milliseconds = INT64_MAX / 2};
static const struct scratch_record few[] = {{"x.example",
                                             {.kind = IDENTITY_DOMAIN,
                                              .source = MAIL_FROM_LOCAL,
                                              .verified = true,
                                              .domain = "m.x.example"}}};

static int set_up(void **state)
{
    static struct scratch scratch;

    scratch_make(&scratch);
    scratch_fill(scratch.store, few, 1);
    *state = &scratch;
    return 0;
}

static int tear_down(void **state)
{
    store_set_patience((struct store_patience){.milliseconds = STORE_PATIENCE});
    scratch_remove(*state);
    return 0;
}

static struct store *open_store(const struct scratch *scratch)
{
    struct failure why;
    struct store *store;

    if (!store_open(&store, scratch->store, STORE_UPDATE, NULL, &why))
        fail_msg("%s", why.text);
    return store;
}

static bool change(struct store *store, void *context, struct failure *why)
{
    (void)context;
    return store_put(store, few[0].key, &few[0].record, why);
}

/* --- a child that is in the middle of a transaction --- */

static bool change_and_stop(struct store *store, void *context, struct failure *why)
{
    (void)raise(SIGSTOP);
    return change(store, context, why);
}

static bool change_and_wait(struct store *store, void *context, struct failure *why)
{
    char octet = 'b';
    int *ends = context;

    if (write(ends[1], &octet, 1) != 1)
        _exit(EXIT_FAILURE);
    (void)pause();
    return change(store, context, why);
}

static pid_t start_child(const struct scratch *scratch,
                         bool (*work)(struct store *, void *, struct failure *), void *context)
{
    pid_t child = fork();

    if (child == 0) {
        struct failure why;
        struct store *store;
        (void)alarm(SCRATCH_CHILD_SECONDS);
        if (!store_open(&store, scratch->store, STORE_UPDATE, NULL, &why) ||
            !store_update(store, work, context, &why))
            _exit(EXIT_FAILURE);
        store_close(store);
        _exit(EXIT_SUCCESS);
    }
    return child;
}

static void names_a_writer_that_was_stopped(void **state)
{
    const struct scratch *scratch = *state;
    struct store *store = open_store(scratch);
    pid_t child = start_child(scratch, change_and_stop, NULL);
    struct failure why;
    struct store *other;
    char words[64];
    int status;

    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    store_set_patience(short_one);
    assert_false(store_update(store, change, NULL, &why));
    assert_int_equal(why.exit_code, EX_TEMPFAIL);
    (void)snprintf(words, sizeof words, "kill -CONT %d", child);
    assert_non_null(strstr(why.text, words));
    assert_non_null(strstr(why.text, "stopped"));
    store_close(store);
    /* Opening writes too. */
    assert_false(store_open(&other, scratch->store, STORE_UPDATE, NULL, &why));
    assert_int_equal(why.exit_code, EX_TEMPFAIL);
    assert_non_null(strstr(why.text, words));
    assert_int_equal(store_turn_find(scratch->store), child);
    assert_int_equal(store_turn_find_stuck(scratch->store), child);
    store_set_patience(endless);
    (void)kill(child, SIGCONT);
    store = open_store(scratch);
    assert_true(store_update(store, change, NULL, &why));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(store_turn_find(scratch->store), 0);
    store_close(store);
}

static void reads_while_a_writer_is_stopped(void **state)
{
    const struct scratch *scratch = *state;
    pid_t child = start_child(scratch, change_and_stop, NULL);
    struct mail_from record;
    struct failure why;
    struct store *store;

    assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
    assert_true(store_open(&store, scratch->store, STORE_READ, NULL, &why));
    assert_int_equal(store_get(store, "x.example", &record, &why), STORE_FOUND);
    store_close(store);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void goes_on_after_one_that_was_killed(void **state)
{
    const struct scratch *scratch = *state;
    struct failure why;
    struct store *store;
    int ends[2];
    char octet;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = start_child(scratch, change_and_wait, ends);
    assert_int_equal(read(ends[0], &octet, 1), 1);
    assert_int_equal(store_turn_find(scratch->store), child);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    store = open_store(scratch);
    assert_true(store_update(store, change, NULL, &why));
    store_close(store);
}

/* --- giving up --- */

static bool is_over_at_the_third(void *context)
{
    return ++*(int *)context == 3;
}

static void ends_the_wait_when_told(void **state)
{
    const struct scratch *scratch = *state;
    struct store *store = open_store(scratch);
    pid_t child = start_child(scratch, change_and_stop, NULL);
    struct failure why;
    int asked = 0;

    assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
    store_set_patience((struct store_patience){endless.milliseconds, is_over_at_the_third, &asked});
    assert_false(store_update(store, change, NULL, &why));
    assert_int_equal(asked, 3);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    store_close(store);
}

/* --- many --- */

static int write_often(const struct scratch *scratch)
{
    struct failure why;
    struct store *store;

    (void)alarm(SCRATCH_CHILD_SECONDS);
    store_set_patience(endless);
    if (!store_open(&store, scratch->store, STORE_UPDATE, NULL, &why))
        return EXIT_FAILURE;
    for (int i = 0; i < TRANSACTIONS; i++)
        if (!store_update(store, change, NULL, &why))
            return EXIT_FAILURE;
    store_close(store);
    return EXIT_SUCCESS;
}

static void many_writers_come_to_their_end(void **state)
{
    int status;

    for (int i = 0; i < WRITERS; i++)
        if (fork() == 0)
            _exit(write_often(*state));
    for (int i = 0; i < WRITERS; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
}

static void a_lock_file_that_was_removed_is_made_again(void **state)
{
    const struct scratch *scratch = *state;
    struct store *store = open_store(scratch);
    struct failure why;
    char path[SCRATCH_PATH_SIZE + 16];
    pid_t child;

    (void)snprintf(path, sizeof path, "%s/write.lock", scratch->store);
    assert_int_equal(unlink(path), 0);
    child = start_child(scratch, change_and_stop, NULL);
    assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
    store_set_patience(short_one);
    assert_false(store_update(store, change, NULL, &why));
    assert_int_equal(why.exit_code, EX_TEMPFAIL);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    store_close(store);
}

/* Whoever may write the data may lock; nothing else than a file of ours is touched. */
static void the_lock_file_is_for_whoever_writes(void **state)
{
    const struct scratch *scratch = *state;
    struct stat data;
    struct stat lock;
    struct failure why;
    struct store *store = open_store(scratch);
    char path[SCRATCH_PATH_SIZE + 16];
    char other[SCRATCH_PATH_SIZE + 16];

    (void)snprintf(path, sizeof path, "%s/write.lock", scratch->store);
    (void)snprintf(other, sizeof other, "%s/other", scratch->directory);
    assert_int_equal(stat(path, &lock), 0);
    assert_int_equal(stat(scratch->data, &data), 0);
    assert_int_equal(lock.st_mode & 07777, data.st_mode & 0660);
    assert_int_equal(lock.st_gid, data.st_gid);
    store_close(store);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(chmod(other, 0400), 0);
    assert_int_equal(symlink(other, path), 0);
    store = open_store(scratch);
    assert_true(store_update(store, change, NULL, &why));
    store_close(store);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(link(other, path), 0);
    store = open_store(scratch);
    assert_true(store_update(store, change, NULL, &why));
    store_close(store);
    assert_int_equal(stat(other, &lock), 0);
    assert_int_equal(lock.st_mode & 07777, 0400);
}

/* --- other processes --- */

static void describes_processes(void **state)
{
    (void)state;
    char text[PROCESS_NAME_SIZE];
    char expected[PROCESS_NAME_SIZE];

    (void)snprintf(expected, sizeof expected, "%d (", getpid());
    assert_int_equal(strncmp(process_describe(getpid(), text), expected, strlen(expected)), 0);
    assert_null(strstr(text, "stopped"));
    assert_false(process_is_stopped(getpid()));
    assert_string_equal(process_describe(INT32_MAX, text), "2147483647");
    assert_false(process_is_stopped(INT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_a_writer_that_was_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_while_a_writer_is_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(goes_on_after_one_that_was_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_the_wait_when_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_writers_come_to_their_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lock_file_that_was_removed_is_made_again, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_lock_file_is_for_whoever_writes, set_up, tear_down),
        cmocka_unit_test(describes_processes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
