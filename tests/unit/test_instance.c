/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/instance.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "tests/unit/scratch.h"

static struct scratch scratch;

static int setup(void **state)
{
    (void)state;
    scratch_make(&scratch);
    assert_int_equal(mkdir(scratch.store, 0700), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

/* Its exit status, in a process of its own: the lock ends with the process. */
static int lock(void *context)
{
    struct failure why;

    (void)context;
    return instance_lock(scratch.store, &why) ? EX_OK : why.exit_code;
}

static int lock_and_find(void *context)
{
    struct instance instance;
    struct failure why;
    char pid[INSTANCE_PID_SIZE];

    (void)context;
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    return instance_lock(scratch.store, &why) && instance_find(&instance, scratch.store, &why) &&
                   instance.runs && strcmp(instance.pid, pid) == 0
               ? lock(NULL)
               : EX_SOFTWARE;
}

static bool runs(void)
{
    struct instance instance;
    struct failure why;

    if (!instance_find(&instance, scratch.store, &why))
        fail_msg("%s", why.text);
    return instance.runs;
}

static void runs_as_long_as_the_lock_is_held(void **state)
{
    (void)state;
    assert_false(runs());
    assert_int_equal(WEXITSTATUS(scratch_run_child(lock_and_find, NULL)), EX_UNAVAILABLE);
    assert_false(runs()); /* and the file is still there, with its process id */
    assert_int_equal(scratch_run_child(lock, NULL), EX_OK);
    scratch_remove(&scratch);
    assert_false(runs());
}

static void move_directory_away(void)
{
    char away[SCRATCH_PATH_SIZE + 16];

    (void)snprintf(away, sizeof away, "%s.away", scratch.store);
    if (rename(scratch.store, away) != 0 || mkdir(scratch.store, 0700) != 0)
        abort();
}

/* Another process has the lock of the new directory for as long as this has not closed the pipe. */
static int keep_beside_another(void *context)
{
    struct failure why;
    int end[2];
    char go;

    (void)context;
    if (!instance_lock(scratch.store, &why) || pipe(end) != 0)
        return EX_SOFTWARE;
    move_directory_away();
    pid_t other = fork();
    if (other == 0) {
        (void)alarm(SCRATCH_CHILD_SECONDS);
        (void)close(end[1]);
        if (!instance_lock(scratch.store, &why))
            _exit(EX_SOFTWARE);
        _exit(read(end[0], &go, 1) == 0 ? EX_OK : EX_IOERR);
    }
    while (!runs())
        (void)usleep(1000);
    if (instance_keep(scratch.store, &why) || why.exit_code != EX_UNAVAILABLE ||
        strstr(why.text, "another mailfrom-sync (process ") == NULL)
        return EX_DATAERR;
    (void)close(end[1]);
    if (waitpid(other, NULL, 0) != other || !instance_keep(scratch.store, &why))
        return EX_IOERR;
    return lock(NULL); /* which is refused: it is taken */
}

static void a_directory_that_was_replaced_has_another_lock(void **state)
{
    (void)state;
    assert_int_equal(WEXITSTATUS(scratch_run_child(keep_beside_another, NULL)), EX_UNAVAILABLE);
}

static int keep_what_was_removed(void *context)
{
    struct failure why;
    char path[SCRATCH_PATH_SIZE + 16];

    (void)context;
    (void)snprintf(path, sizeof path, "%s/sync.lock", scratch.store);
    if (!instance_keep(scratch.store, &why) || access(path, F_OK) == 0) /* never taken */
        return EX_SOFTWARE;
    if (!instance_lock(scratch.store, &why) || !instance_keep(scratch.store, &why) ||
        unlink(path) != 0 || runs() || !instance_keep(scratch.store, &why))
        return EX_SOFTWARE;
    return runs() ? EX_OK : EX_DATAERR;
}

static void a_lock_file_that_was_removed_is_taken_again(void **state)
{
    (void)state;
    assert_int_equal(WEXITSTATUS(scratch_run_child(keep_what_was_removed, NULL)), EX_OK);
}

static void what_cannot_be_asked_for_is_a_failure(void **state)
{
    char path[SCRATCH_PATH_SIZE + 16];
    struct instance instance;
    struct failure why;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/sync.lock", scratch.store);
    assert_int_equal(symlink("elsewhere", path), 0);
    assert_false(instance_find(&instance, scratch.store, &why));
    assert_int_equal(why.exit_code, EX_IOERR);
    assert_false(instance.runs);
}

static void what_is_no_file_does_not_hold_anyone_up(void **state)
{
    char path[SCRATCH_PATH_SIZE + 16];
    struct instance instance;
    struct failure why;

    (void)state;
    (void)snprintf(path, sizeof path, "%s/sync.lock", scratch.store);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(instance_find(&instance, scratch.store, &why));
    assert_non_null(strstr(why.text, "not a regular file"));
    assert_int_equal(scratch_run_child(lock, NULL) >> 8, EX_IOERR);
}

/* Where others than root can write, root has no more rights than the owner: a second name of a file
 * of root's is no way to it. */
static void root_acts_for_the_owner(void **state)
{
    char path[SCRATCH_PATH_SIZE + 16], victim[SCRATCH_PATH_SIZE + 16];
    struct stat status;

    (void)state;
    if (geteuid() != 0)
        skip();
    (void)snprintf(path, sizeof path, "%s/sync.lock", scratch.store);
    (void)snprintf(victim, sizeof victim, "%s/victim", scratch.directory);
    assert_int_equal(chmod(scratch.directory, 0711), 0);
    assert_int_equal(chown(scratch.store, 1, 1), 0);
    assert_int_equal(scratch_run_child(lock, NULL), EX_OK);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_uid, 1);

    assert_int_equal(rename(path, victim), 0);
    assert_int_equal(chown(victim, 0, 0), 0);
    assert_int_equal(chmod(victim, 0600), 0);
    assert_int_equal(truncate(victim, 100), 0);
    assert_int_equal(link(victim, path), 0);
    assert_int_equal(WEXITSTATUS(scratch_run_child(lock, NULL)), EX_NOPERM);
    assert_int_equal(stat(victim, &status), 0);
    assert_int_equal(status.st_size, 100);
}

static void asking_does_not_hold_up_a_start(void **state)
{
    struct instance instance;
    struct failure why;
    int refused = 0;
    pid_t asking;

    (void)state;
    assert_int_equal(scratch_run_child(lock, NULL), EX_OK); /* makes the file */
    asking = fork();
    if (asking == 0) {
        (void)alarm(SCRATCH_CHILD_SECONDS);
        for (;;)
            (void)instance_find(&instance, scratch.store, &why);
    }
    for (int i = 0; i < 300; i++)
        refused += scratch_run_child(lock, NULL) != EX_OK;
    assert_int_equal(kill(asking, SIGKILL), 0);
    assert_int_equal(waitpid(asking, NULL, 0), asking);
    assert_int_equal(refused, 0);
}

#define UNIT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        UNIT_TEST(runs_as_long_as_the_lock_is_held),
        UNIT_TEST(a_directory_that_was_replaced_has_another_lock),
        UNIT_TEST(a_lock_file_that_was_removed_is_taken_again),
        UNIT_TEST(what_cannot_be_asked_for_is_a_failure),
        UNIT_TEST(what_is_no_file_does_not_hold_anyone_up),
        UNIT_TEST(root_acts_for_the_owner),
        UNIT_TEST(asking_does_not_hold_up_a_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
