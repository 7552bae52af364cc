/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Whose rights root takes for a path. What it does with them: test_store, test_instance and
 * test_listener.
 */
#include "common/owner.h"

#include <pthread.h>
#include <sys/stat.h>

#include "tests/unit/scratch.h"

enum { HOSTILE = 1, OTHER = 2 }; /* user numbers that any system has: daemon and bin */

static struct scratch scratch;

static const char *path_of(const char *name)
{
    static char path[SCRATCH_PATH_SIZE + 64];

    (void)snprintf(path, sizeof path, "%s/%s", scratch.directory, name);
    return path;
}

static void make_directory(const char *name, uid_t user)
{
    assert_int_equal(mkdir(path_of(name), 0755), 0);
    assert_int_equal(chown(path_of(name), user, 0), 0);
}

static void make_link(const char *name, const char *target, uid_t user)
{
    assert_int_equal(symlink(target, path_of(name)), 0);
    assert_int_equal(lchown(path_of(name), user, 0), 0);
}

static int setup(void **state)
{
    (void)state;
    scratch_make(&scratch);
    if (geteuid() != 0)
        return 0;
    assert_int_equal(chmod(scratch.directory, 0755), 0);
    make_directory("roots", 0);
    make_directory("theirs", HOSTILE);
    make_directory("theirs/roots", 0);
    make_directory("theirs/roots/store", OTHER);
    make_link("link-of-root", "roots", 0);
    make_link("link-of-root-to-theirs", "theirs/roots", 0);
    make_link("link-of-theirs", "roots", HOSTILE);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(&scratch);
    return 0;
}

static void is_the_first_one_on_the_way_who_is_not_root(void **state)
{
    static const struct {
        const char *path;
        uid_t user;
    } rows[] = {
        {"roots", 0},
        {"roots/missing", 0},
        {"theirs", HOSTILE},
        {"theirs/missing", HOSTILE},
        {"theirs/roots", HOSTILE},
        {"theirs/roots/store", HOSTILE},
        {"theirs//roots/", HOSTILE},
        {"link-of-root", 0},
        {"link-of-root/missing", 0},
        {"link-of-root-to-theirs", HOSTILE},
        {"link-of-theirs", HOSTILE},
        {"link-of-theirs/missing", HOSTILE},
    };
    struct owner owner;
    struct failure why;

    (void)state;
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!owner_enter(&owner, path_of(rows[i].path), &why))
            fail_msg("%s", why.text);
        if (owner_user() != rows[i].user)
            fail_msg("%s: user %lu", rows[i].path, (unsigned long)owner_user());
        owner_leave(&owner);
        assert_int_equal(owner_user(), 0);
        assert_int_equal(owner_group(), getegid());
    }
    assert_true(owner_enter_parent(&owner, path_of("theirs/socket"), &why));
    assert_int_equal(owner_user(), HOSTILE);
    owner_leave(&owner);
    assert_true(owner_enter_parent(&owner, path_of("roots/socket"), &why));
    assert_int_equal(owner_user(), 0);
    owner_leave(&owner);
}

static void *ask_for_user(void *user)
{
    *(uid_t *)user = owner_user();
    return NULL;
}

static void is_for_the_calling_thread_and_without_groups_of_root(void **state)
{
    gid_t groups[OWNER_GROUPS_MAX];
    uid_t user = HOSTILE;
    struct owner owner;
    struct failure why;
    pthread_t thread;
    int count;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_true(owner_enter(&owner, path_of("theirs"), &why));
    count = getgroups(OWNER_GROUPS_MAX, groups);
    for (int i = 0; i < count; i++)
        assert_int_not_equal(groups[i], 0);
    assert_int_not_equal(mkdir(path_of("roots/new"), 0700), 0);
    assert_int_equal(mkdir(path_of("theirs/new"), 0700), 0);
    owner_leave(&owner);
    assert_int_equal(mkdir(path_of("roots/new"), 0700), 0);

    assert_int_equal(pthread_create(&thread, NULL, ask_for_user, &user), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(user, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(is_the_first_one_on_the_way_who_is_not_root, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(is_for_the_calling_thread_and_without_groups_of_root, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
