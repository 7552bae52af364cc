/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/owner.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

enum { PASSWD_SIZE = 16384 };

/* --- whose it is --- */

static void find_owner(const char *path, uid_t *user, gid_t *group);

/* A link that someone else owns leads where that one likes; one of root's is followed. */
static void look_at(const char *path, uid_t *user, gid_t *group)
{
    char resolved[PATH_MAX];
    struct stat status;

    if (lstat(path, &status) != 0)
        return;
    if (S_ISLNK(status.st_mode) && status.st_uid == 0) {
        if (realpath(path, resolved) != NULL)
            find_owner(resolved, user, group);
        return;
    }
    *user = status.st_uid;
    *group = status.st_gid;
}

/* Each directory on the way is looked at by its full path: those before it are root's alone. */
// NOLINTNEXTLINE(misc-no-recursion): a resolved path has no links
static void find_owner(const char *path, uid_t *user, gid_t *group)
{
    size_t length = strnlen(path, PATH_MAX - 1);
    char part[PATH_MAX];

    *user = 0;
    for (size_t i = 1; i <= length && *user == 0; i++) {
        if (i < length && path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        look_at(part, user, group);
    }
}

/* --- its rights --- */

/* That of the C library is for all threads. */
static bool set_groups(const gid_t *groups, int count)
{
#ifdef SYS_setgroups32
    return syscall(SYS_setgroups32, (long)count, groups) == 0;
#else
    return syscall(SYS_setgroups, (long)count, groups) == 0;
#endif
}

/* Only root can have others than those of the process. */
uid_t owner_user(void)
{
    uid_t user = geteuid();

    return user == 0 ? (uid_t)setfsuid((uid_t)-1) : user;
}

gid_t owner_group(void)
{
    return geteuid() == 0 ? (gid_t)setfsgid((gid_t)-1) : getegid();
}

/* The groups of a user; of one without a name, as in a container, that of the directory. */
static int find_groups(uid_t user, gid_t *group, gid_t groups[OWNER_GROUPS_MAX])
{
    char text[PASSWD_SIZE];
    struct passwd entry, *found = NULL;
    int count = OWNER_GROUPS_MAX;

    groups[0] = *group;
    if (getpwuid_r(user, &entry, text, sizeof text, &found) != 0 || found == NULL)
        return 1;
    *group = groups[0] = found->pw_gid;
    return getgrouplist(found->pw_name, found->pw_gid, groups, &count) < 0 ? OWNER_GROUPS_MAX
                                                                           : count;
}

static bool take_rights(struct owner *owner, uid_t user, gid_t group)
{
    gid_t groups[OWNER_GROUPS_MAX];
    int count = find_groups(user, &group, groups);

    owner->group_count = getgroups(OWNER_GROUPS_MAX, owner->groups);
    if (owner->group_count < 0 || !set_groups(groups, count))
        return false;
    owner->is_entered = true;
    (void)setfsgid(group);
    (void)setfsuid(user);
    if (owner_user() == user && owner_group() == group)
        return true;
    owner_leave(owner);
    errno = EPERM;
    return false;
}

bool owner_enter(struct owner *owner, const char *path, struct failure *why)
{
    uid_t user;
    gid_t group = 0;

    *owner = (struct owner){.is_entered = false};
    if (geteuid() != 0 || owner_user() != 0)
        return true;
    find_owner(path, &user, &group);
    if (user == 0 || take_rights(owner, user, group))
        return true;
    return failure_set(why, EX_NOPERM,
                       "%s belongs to user number %lu, and root cannot act for that user: %s", path,
                       (unsigned long)user, strerror(errno));
}

bool owner_enter_parent(struct owner *owner, const char *path, struct failure *why)
{
    const char *slash = strrchr(path, '/');
    char parent[PATH_MAX];

    (void)snprintf(parent, sizeof parent, "%.*s", slash == NULL ? 0 : (int)(slash - path), path);
    return owner_enter(owner, parent, why);
}

void owner_leave(struct owner *owner)
{
    int error = errno;

    if (!owner->is_entered)
        return;
    (void)setfsuid(geteuid()); /* root's own capabilities are back with it */
    (void)setfsgid(getegid());
    (void)set_groups(owner->groups, owner->group_count);
    owner->is_entered = false;
    errno = error;
}

static bool is_in_group(gid_t group)
{
    gid_t groups[OWNER_GROUPS_MAX];
    int count = getgroups(OWNER_GROUPS_MAX, groups);

    for (int i = 0; i < count; i++) {
        if (groups[i] == group)
            return true;
    }
    return getegid() == group;
}

bool owner_set_mode(int directory, mode_t mode)
{
    uid_t user = owner_user();
    struct stat status;
    bool worked;

    if (fstat(directory, &status) != 0 || status.st_uid != user ||
        (geteuid() != 0 && (mode & S_ISGID) != 0 && !is_in_group(status.st_gid)))
        return false;
    (void)setfsuid(geteuid());
    worked = fchmod(directory, mode) == 0;
    (void)setfsuid(user);
    return worked;
}
