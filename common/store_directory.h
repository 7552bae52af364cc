/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The store's directory and files as the file system sees them: who may use them. Knows nothing of
 * LMDB.
 */
#ifndef COMMON_STORE_DIRECTORY_H
#define COMMON_STORE_DIRECTORY_H

#include "common/failure.h"

#include <sys/stat.h>

enum {
    STORE_DIRECTORY_MODE = 02750,
    STORE_LOCK_MODE = 0660,       /* readers of LMDB write it */
    STORE_DATA_MODE = 0640,       /* of the group of the directory */
    STORE_SHARED_DATA_MODE = 0664 /* of a group of writers; the directory keeps others out */
};

extern const char store_data_file[]; /* "data.mdb" */
extern const char store_lock_file[];
extern const char store_instance_file[]; /* of common/instance.h */

/* Makes the directory, if it is missing, for its group only. group: NULL or "" leaves it to the
 * file system. Root acts for the owner of what it is in. */
bool store_directory_make(const char *directory, const char *group, struct failure *why);

/* Gives the directory to a user, with those of its files that are root's. Does nothing if the
 * process is not root, for user "", if there is no such directory, and if it is another user's
 * already. EX_CONFIG: there is no such user. */
bool store_directory_give(const char *directory, const char *user, struct failure *why);

/* Before LMDB opens the files: where the directory belongs to whom we act for, takes the right to
 * change it from all others. Then fails with EX_DATAERR if one of the files is a link, or anything
 * else but a regular file. No directory is not a failure. */
bool store_directory_secure(const char *directory, struct failure *why);

/* Gives the files that belong to whom we act for their groups and modes:
 *
 *   lock.mdb   group of the directory (readers), 0660
 *   data.mdb   group of its owner (writers), 0664; where that is the group of the directory, and
 *              where the owner is root, 0640
 *
 * A data.mdb of a third group keeps it: the administrator may have another group of writers. */
void store_directory_share(const char *directory);

/* stat(2) on the data file. EX_NOINPUT if there is none. */
bool store_directory_stat(const char *directory, struct stat *status, struct failure *why);

/* The same on the lock file, which may be missing. */
bool store_directory_stat_lock(const char *directory, struct stat *status);

/* open(2) on a file of ours beside these two, in a place where others may write: a link is not
 * followed, and nothing is waited for. -1: see errno; EINVAL is no regular file. */
int store_directory_open(const char *directory, const char *name, int flags, mode_t mode);

#endif
