/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What another user may do with a file, by owner, groups and modes; ACLs are not looked at.
 */
#ifndef CTL_PERMISSION_H
#define CTL_PERMISSION_H

#include "common/failure.h"

#include <stddef.h>
#include <sys/types.h>

enum { PERMISSION_GROUPS_MAX = 256 };

enum permission { MAY_SEARCH = 1, MAY_WRITE = 2, MAY_READ = 4 }; /* bits, as in a mode */

struct permission_user {
    char name[64];
    uid_t uid;
    gid_t groups[PERMISSION_GROUPS_MAX]; /* that of the user among them */
    int group_count;
};

/* EX_NOUSER if there is none. */
bool permission_user_read(struct permission_user *user, const char *name, struct failure *why);

/* May the user reach path, and do that with it? Else *why says what is in the way: which directory
 * or file, its mode, owner and group. path: absolute. */
bool permission_holds(const struct permission_user *user, const char *path, unsigned wanted,
                      struct failure *why);

#endif
