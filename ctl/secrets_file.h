/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The file of secrets, as root changes it: under a lock, whole or not at all, and only where nobody
 * else can put something else in its place. For root alone.
 */
#ifndef CTL_SECRETS_FILE_H
#define CTL_SECRETS_FILE_H

#include "common/return_secrets.h"

#include <limits.h>
#include <sys/types.h>

struct secrets_file {
    const char *path;
    int directory; /* open and locked */
    char name[NAME_MAX + 1];
    FILE *in; /* NULL: there is no such file yet */
    uid_t owner;
    gid_t group;
    mode_t mode;
};

/* Locks the directory of path (absolute, borrowed), waiting for ten seconds at most, and finds out
 * whom the file belongs to. A new one is for root and the primary group of the user who reads it:
 * milter_user, or if that is "", the user mailfrom-milter; if there is none, for root alone.
 * Refuses symbolic links, and directories that others than root may change. Fails with EX_TEMPFAIL
 * (locked), EX_NOPERM, EX_CONFIG, EX_NOINPUT (no such directory) or EX_IOERR. Close after success
 * and failure. */
bool secrets_file_open(struct secrets_file *file, const char *path, const char *milter_user,
                       struct failure *why);
void secrets_file_close(struct secrets_file *file);

/* What is in it; without a file, no secret. Fails as return_secrets_load. */
bool secrets_file_read(struct secrets_file *file, struct return_secrets **secrets,
                       struct failure *why);

/* Puts these in its place: on disk when this returns true, and the old file untouched when it
 * returns false (but for a failure to flush the directory). The comments at the start stay. */
bool secrets_file_write(struct secrets_file *file, const struct return_secrets *secrets,
                        struct failure *why);

#endif
