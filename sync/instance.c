/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/instance.h"
#include "common/store_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>
#include <unistd.h>

static bool fail_locked(int file, const char *directory, struct failure *why)
{
    char pid[32] = "";
    ssize_t length = pread(file, pid, sizeof pid - 1, 0);

    pid[length > 0 ? length : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    return failure_set(why, EX_UNAVAILABLE,
                       "another mailfrom-sync (process %s) is at work on the store %s",
                       pid[0] == '\0' ? "unknown" : pid, directory);
}

bool instance_lock(const char *directory, struct failure *why)
{
    char path[PATH_MAX];
    char pid[32];
    int length = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    int file;

    (void)snprintf(path, sizeof path, "%s/sync.lock", directory);
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, STORE_FILE_MODE);
    if (file < 0)
        return failure_set(why, errno == EACCES ? EX_NOPERM : EX_IOERR, "%s: %s", path,
                           strerror(errno));
    /* The file stays open until the process ends, and with it the lock. */
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        (void)fail_locked(file, directory, why);
        (void)close(file);
        return false;
    }
    (void)fchmod(file, STORE_FILE_MODE); /* the umask may have cut it; only its owner can */
    if (ftruncate(file, 0) != 0 || pwrite(file, pid, (size_t)length, 0) != length)
        return failure_set(why, EX_IOERR, "%s: %s", path, strerror(errno));
    return true;
}
