/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/store_directory.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

const char store_data_file[] = "data.mdb";
const char store_lock_file[] = "lock.mdb";

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

bool store_directory_make(const char *directory, const char *group_name, struct failure *why)
{
    gid_t group = (gid_t)-1;

    if (group_name != NULL && *group_name != '\0' && !find_group(group_name, &group, why))
        return false;
    if (mkdir(directory, STORE_DIRECTORY_MODE & 0777) != 0) {
        if (errno == EEXIST)
            return true;
        return failure_set(why, errno == EACCES ? EX_NOPERM : EX_CANTCREAT,
                           "cannot make the store %s: %s", directory, strerror(errno));
    }
    /* chown clears the set-group-ID bit, so it comes first. */
    if (chown(directory, (uid_t)-1, group) != 0 || chmod(directory, STORE_DIRECTORY_MODE) != 0)
        return failure_set(why, EX_NOPERM, "store %s: setting its group and mode: %s", directory,
                           strerror(errno));
    return true;
}

static void share(const char *directory, const char *name, gid_t group)
{
    struct stat status;
    char path[PATH_MAX];

    if (!path_of(path, directory, name) || stat(path, &status) != 0)
        return;
    if (status.st_gid != group && chown(path, (uid_t)-1, group) != 0)
        return;
    if ((status.st_mode & 07777) != STORE_FILE_MODE)
        (void)chmod(path, STORE_FILE_MODE);
}

void store_directory_share(const char *directory)
{
    struct stat status;

    if (stat(directory, &status) != 0)
        return;
    share(directory, store_data_file, status.st_gid);
    share(directory, store_lock_file, status.st_gid);
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
