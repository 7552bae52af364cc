/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/permission.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

bool permission_user_read(struct permission_user *user, const char *name, struct failure *why)
{
    const struct passwd *entry = getpwnam(name);

    *user = (struct permission_user){.group_count = PERMISSION_GROUPS_MAX};
    if (entry == NULL)
        return failure_set(why, EX_NOUSER, "there is no user \"%s\"", name);
    (void)snprintf(user->name, sizeof user->name, "%s", name);
    user->uid = entry->pw_uid;
    if (getgrouplist(name, entry->pw_gid, user->groups, &user->group_count) < 0)
        user->group_count = PERMISSION_GROUPS_MAX; /* there are more, and these are filled in */
    return true;
}

static bool is_member(const struct permission_user *user, gid_t group)
{
    for (int i = 0; i < user->group_count; i++) {
        if (user->groups[i] == group)
            return true;
    }
    return false;
}

/* The first class that applies decides, even if the next one would permit more. */
static bool permits(const struct permission_user *user, const struct stat *status, unsigned wanted)
{
    unsigned mode = status->st_mode & 0777U;

    if (user->uid == 0)
        return true;
    if (status->st_uid == user->uid)
        mode >>= 6;
    else if (is_member(user, status->st_gid))
        mode >>= 3;
    return (mode & wanted) == wanted;
}

static const char *name_of_user(uid_t uid)
{
    const struct passwd *entry = getpwuid(uid);

    return entry == NULL ? "nobody known" : entry->pw_name;
}

static const char *name_of_group(gid_t gid)
{
    const struct group *entry = getgrgid(gid);

    return entry == NULL ? "none known" : entry->gr_name;
}

static bool check(const struct permission_user *user, const char *path, unsigned wanted,
                  struct failure *why)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return failure_set(why, EX_NOINPUT, "%s: %s", path, strerror(errno));
    if (permits(user, &status, wanted))
        return true;
    return failure_set(why, EX_NOPERM, "%s has mode %04o, owner %s, group %s", path,
                       status.st_mode & 07777U, name_of_user(status.st_uid),
                       name_of_group(status.st_gid));
}

bool permission_holds(const struct permission_user *user, const char *path, unsigned wanted,
                      struct failure *why)
{
    char part[PATH_MAX];
    const char *slash = path;

    while ((slash = strchr(slash + 1, '/')) != NULL) {
        (void)snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (!check(user, part, MAY_SEARCH, why))
            return false;
    }
    return check(user, path, wanted, why);
}
