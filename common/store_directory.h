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

enum { STORE_FILE_MODE = 0660, STORE_DIRECTORY_MODE = 02770 };

extern const char store_data_file[]; /* "data.mdb" */
extern const char store_lock_file[];

/* Makes the directory, if it is missing, for its group only. group: NULL or "" leaves it to the
 * file system. */
bool store_directory_make(const char *directory, const char *group, struct failure *why);

/* Gives the files to the group of the directory, whoever made them, and closes them to others. Does
 * what the caller is permitted to do: only their owner can, and has when he made them. */
void store_directory_share(const char *directory);

/* stat(2) on the data file. EX_NOINPUT if there is none. */
bool store_directory_stat(const char *directory, struct stat *status, struct failure *why);

/* The same on the lock file, which may be missing. */
bool store_directory_stat_lock(const char *directory, struct stat *status);

#endif
