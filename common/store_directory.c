/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/store_directory.h"
#include "common/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

const char store_data_file[] = "data.mdb";
const char store_lock_file[] = "lock.mdb";
const char store_instance_file[] = "sync.lock";

static bool path_of(char out[PATH_MAX], const char *directory, const char *name)
{
    return snprintf(out, PATH_MAX, "%s/%s", directory, name) < PATH_MAX;
}

static bool find_group(const char *name, gid_t *group, struct failure *why)
{
    const struct group *entry = getgrnam(name);

    if (entry == NULL)
        return failure_set(why, EX_CONFIG, "store-group: there is no group \"%s\"", name);
    *group = entry->gr_gid;
    return true;
}

static bool find_user(const char *name, uid_t *user, struct failure *why)
{
    const struct passwd *entry = getpwnam(name);

    if (entry == NULL)
        return failure_set(why, EX_CONFIG, "user: there is no user \"%s\"", name);
    *user = entry->pw_uid;
    return true;
}

/* --- the directory --- */

static bool fail_to_make(const char *directory, struct failure *why)
{
    return failure_set(why, errno == EACCES ? EX_NOPERM : EX_CANTCREAT,
                       "cannot make the store %s: %s", directory, strerror(errno));
}

/* What was made a moment ago, and nothing that someone has put in its place since. */
static bool fill_in(const char *directory, gid_t group, struct failure *why)
{
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    bool worked;

    if (descriptor < 0)
        return fail_to_make(directory, why);
    /* chown clears the set-group-ID bit, so it comes first. */
    worked = fstat(descriptor, &status) == 0 && status.st_uid == owner_user() &&
             fchown(descriptor, (uid_t)-1, group) == 0 &&
             fchmod(descriptor, STORE_DIRECTORY_MODE) == 0;
    if (!worked)
        (void)failure_set(why, EX_NOPERM, "store %s: setting its group and mode: %s", directory,
                          strerror(errno));
    (void)close(descriptor);
    return worked;
}

bool store_directory_make(const char *directory, const char *group_name, struct failure *why)
{
    gid_t group = (gid_t)-1;
    struct owner owner;
    bool worked;

    if (group_name != NULL && *group_name != '\0' && !find_group(group_name, &group, why))
        return false;
    if (!owner_enter(&owner, directory, why))
        return false;
    if (mkdir(directory, 0700) == 0)
        worked = fill_in(directory, group, why);
    else
        worked = errno == EEXIST || fail_to_make(directory, why);
    owner_leave(&owner);
    return worked;
}

/* A file of root's with a second name may be any file of root's. */
static bool give_file(int directory, const char *name, uid_t user)
{
    int file = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat status;
    bool worked;

    if (file < 0)
        return errno == ENOENT;
    worked = fstat(file, &status) == 0 &&
             (!S_ISREG(status.st_mode) || status.st_nlink != 1 || status.st_uid != 0 ||
              fchownat(file, "", user, (gid_t)-1, AT_EMPTY_PATH) == 0);
    (void)close(file);
    return worked;
}

/* No one but root can change the directory until it is given away. */
static bool give(int directory, uid_t user)
{
    struct stat status;
    mode_t mode;

    if (fstat(directory, &status) != 0)
        return false;
    if (status.st_uid != 0)
        return true;
    mode = status.st_mode & STORE_DIRECTORY_MODE;
    return fchmod(directory, mode) == 0 && give_file(directory, store_data_file, user) &&
           give_file(directory, store_lock_file, user) &&
           give_file(directory, store_instance_file, user) &&
           fchown(directory, user, (gid_t)-1) == 0 && fchmod(directory, mode) == 0;
}

bool store_directory_give(const char *directory, const char *name, struct failure *why)
{
    struct owner owner;
    uid_t user = 0;
    int descriptor;
    bool worked;

    if (geteuid() != 0 || *name == '\0' || access(directory, F_OK) != 0)
        return true;
    if (!find_user(name, &user, why) || !owner_enter(&owner, directory, why))
        return false;
    if (owner.is_entered) {
        owner_leave(&owner);
        return true;
    }
    descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    worked = descriptor >= 0 && give(descriptor, user);
    if (!worked)
        (void)failure_set(why, EX_NOPERM, "store %s: giving it to the user \"%s\": %s", directory,
                          name, strerror(errno));
    if (descriptor >= 0)
        (void)close(descriptor);
    return worked;
}

/* --- its contents --- */

static bool check_file(int directory, const char *name, const char *path, struct failure *why)
{
    struct stat status;

    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || S_ISREG(status.st_mode))
        return true;
    return failure_set(why, EX_DATAERR,
                       "store %s: %s is %s; find out who put it there, and move it away", path,
                       name, S_ISLNK(status.st_mode) ? "a symbolic link" : "not a regular file");
}

/* Fails for those who may not read the directory; it is not theirs either. */
static bool close_to_others(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct stat status;
    bool worked;

    if (directory < 0)
        return false;
    worked = fstat(directory, &status) == 0 && status.st_uid == owner_user() &&
             ((status.st_mode & (S_IWGRP | S_IRWXO)) == 0 ||
              owner_set_mode(directory, status.st_mode & 07777 & ~(S_IWGRP | S_IRWXO)));
    (void)close(directory);
    return worked;
}

bool store_directory_secure(const char *path, struct failure *why)
{
    int directory;
    bool worked;

    (void)close_to_others(path);
    directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return true;
    worked = check_file(directory, store_data_file, path, why) &&
             check_file(directory, store_lock_file, path, why);
    (void)close(directory);
    return worked;
}

/* By path within a directory that is closed by now. LMDB has the lock file open, and would lose its
 * locks if another descriptor of it were closed. */
static bool share(int directory, const char *name, gid_t group, mode_t mode)
{
    struct stat status;

    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(status.st_mode) ||
        status.st_uid != owner_user())
        return false;
    if (status.st_gid != group &&
        fchownat(directory, name, (uid_t)-1, group, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    return (status.st_mode & 07777) == mode || fchmodat(directory, name, mode, 0) == 0;
}

static bool share_data(int directory, gid_t readers)
{
    gid_t writers = owner_user() == 0 ? readers : owner_group();
    struct stat status;

    if (fstatat(directory, store_data_file, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (status.st_gid != readers && status.st_gid != owner_group())
        writers = status.st_gid;
    return share(directory, store_data_file, writers,
                 writers == readers ? STORE_DATA_MODE : STORE_SHARED_DATA_MODE);
}

void store_directory_share(const char *directory)
{
    int descriptor = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat status;

    if (descriptor < 0)
        return;
    if (fstat(descriptor, &status) == 0) {
        (void)share_data(descriptor, status.st_gid);
        (void)share(descriptor, store_lock_file, status.st_gid, STORE_LOCK_MODE);
    }
    (void)close(descriptor);
}

bool store_directory_stat(const char *directory, struct stat *status, struct failure *why)
{
    char path[PATH_MAX];

    if (!path_of(path, directory, store_data_file))
        return failure_set(why, EX_CONFIG, "store %.100s..: the path is too long", directory);
    if (stat(path, status) == 0)
        return true;
    if (errno == ENOENT || errno == ENOTDIR)
        return failure_set(why, EX_NOINPUT,
                           "there is no store in %s; `mailfromctl import` makes one", directory);
    if (errno == EACCES)
        return failure_set(why, EX_NOPERM,
                           "store %s: permission denied; it is for root and the group of the "
                           "directory",
                           directory);
    return failure_set(why, EX_IOERR, "store %s: %s", directory, strerror(errno));
}

bool store_directory_stat_lock(const char *directory, struct stat *status)
{
    char path[PATH_MAX];

    return path_of(path, directory, store_lock_file) && stat(path, status) == 0;
}

int store_directory_open(const char *directory, const char *name, int flags, mode_t mode)
{
    char path[PATH_MAX];
    struct stat status;
    int file;

    if (!path_of(path, directory, name)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    file = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, mode);
    if (file >= 0 && (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))) {
        (void)close(file);
        errno = EINVAL;
        return -1;
    }
    return file;
}
