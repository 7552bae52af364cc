/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/instance.h"
#include "common/owner.h"
#include "common/store_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* A lock of the open file, as that of flock(2), but one that can be asked for without being taken.
 * It covers the whole file. */
static const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

/* The file that this process has the lock of, which stays open until it ends; -1: none. */
static int held = -1;

/* For the owner of the directory, where others than root can write. */
static int open_file(char path[PATH_MAX], const char *directory, int flags)
{
    struct failure unused;
    struct owner owner;
    int file;

    (void)snprintf(path, PATH_MAX, "%s/%s", directory, store_instance_file);
    if (!owner_enter(&owner, directory, &unused)) {
        errno = EPERM;
        return -1;
    }
    file = store_directory_open(directory, store_instance_file, flags, STORE_DATA_MODE);
    owner_leave(&owner);
    return file;
}

static bool fail(const char *path, struct failure *why)
{
    if (errno == EACCES || errno == EPERM)
        return failure_set(why, EX_NOPERM,
                           "%s: permission denied; the directory of the store is to belong to the "
                           "user of mailfrom-sync",
                           path);
    return failure_set(why, EX_IOERR, "%s: %s", path,
                       errno == EINVAL ? "not a regular file" : strerror(errno));
}

static void read_pid(int file, char pid[INSTANCE_PID_SIZE])
{
    ssize_t length = pread(file, pid, INSTANCE_PID_SIZE - 1, 0);

    pid[length > 0 ? length : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    if (pid[0] == '\0')
        (void)strcpy(pid, "unknown");
}

static bool fail_to_lock(int file, const char *directory, const char *path, struct failure *why)
{
    char pid[INSTANCE_PID_SIZE];

    if (errno != EAGAIN)
        return fail(path, why);
    read_pid(file, pid);
    return failure_set(why, EX_UNAVAILABLE,
                       "another mailfrom-sync (process %s) is at work on the store %s", pid,
                       directory);
}

bool instance_lock(const char *directory, struct failure *why)
{
    char path[PATH_MAX];
    char pid[INSTANCE_PID_SIZE];
    int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    int file = open_file(path, directory, O_RDWR | O_CREAT);
    struct flock lock = whole;

    if (file < 0)
        return fail(path, why);
    if (fcntl(file, F_OFD_SETLK, &lock) != 0) {
        (void)fail_to_lock(file, directory, path, why);
        (void)close(file);
        return false;
    }
    (void)fchmod(file, STORE_DATA_MODE); /* the umask may have cut it; only its owner can */
    if (ftruncate(file, 0) != 0 || pwrite(file, pid, (size_t)length, 0) != length) {
        (void)fail(path, why);
        (void)close(file);
        return false;
    }
    if (held >= 0)
        (void)close(held);
    held = file;
    return true;
}

bool instance_keep(const char *directory, struct failure *why)
{
    char path[PATH_MAX];
    struct stat ours, theirs;

    if (held < 0)
        return true;
    (void)snprintf(path, sizeof path, "%s/%s", directory, store_instance_file);
    if (fstat(held, &ours) == 0 && lstat(path, &theirs) == 0 && ours.st_dev == theirs.st_dev &&
        ours.st_ino == theirs.st_ino)
        return true;
    return instance_lock(directory, why);
}

bool instance_find(struct instance *instance, const char *directory, struct failure *why)
{
    char path[PATH_MAX];
    int file = open_file(path, directory, O_RDONLY);
    struct flock lock = whole;
    bool worked;

    *instance = (struct instance){.runs = false};
    if (file < 0)
        return errno == ENOENT || fail(path, why);
    worked = fcntl(file, F_OFD_GETLK, &lock) == 0 || fail(path, why);
    instance->runs = worked && lock.l_type != F_UNLCK;
    read_pid(file, instance->pid);
    (void)close(file);
    return worked;
}
