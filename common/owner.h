/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Root acting for the owner of a directory. Whoever can change a directory can lay links there that
 * lead elsewhere. So root takes the owner's rights to files before it touches what is inside, and
 * a link leads to nothing that the owner could not change anyway.
 *
 * The rights are those of the calling thread (setfsuid(2)); others keep theirs.
 */
#ifndef COMMON_OWNER_H
#define COMMON_OWNER_H

#include "common/failure.h"

#include <sys/types.h>

enum { OWNER_GROUPS_MAX = 64 };

/* What the thread had before. */
struct owner {
    bool is_entered;
    gid_t groups[OWNER_GROUPS_MAX];
    int group_count;
};

/* Takes the rights of the first one but root, from / on, who owns a directory or a link on the way
 * to path, or path itself; what is missing belongs to no one. Does nothing if it is all root's, or
 * if the process is not root. EX_NOPERM, and nothing has changed. End with owner_leave, on the same
 * thread. */
bool owner_enter(struct owner *owner, const char *path, struct failure *why);

/* The same for the directory that path is in. */
bool owner_enter_parent(struct owner *owner, const char *path, struct failure *why);

/* Does nothing if nothing was entered. Leaves errno alone. */
void owner_leave(struct owner *owner);

/* fchmod(2) on a directory of that owner's. Keeps the set-group-ID bit, which an owner who is not
 * in the group would lose; changes nothing where that cannot be. */
bool owner_set_mode(int directory, mode_t mode);

/* The user by whose rights this thread uses files, and its group. */
uid_t owner_user(void);
gid_t owner_group(void);

#endif
