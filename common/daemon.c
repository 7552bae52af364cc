/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/daemon.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

static int ready_pipe = -1;

bool daemon_go_to_background(struct failure *why)
{
    unsigned char code = EX_SOFTWARE; /* of a child that ended without a word */
    int ends[2];
    pid_t child;

    if (pipe(ends) != 0 || (child = fork()) < 0)
        return failure_set(why, EX_OSERR, "cannot go to the background: %s", strerror(errno));
    if (child > 0) {
        (void)close(ends[1]);
        if (read(ends[0], &code, 1) != 1)
            code = EX_SOFTWARE;
        _exit(code);
    }
    (void)close(ends[0]);
    ready_pipe = ends[1];
    (void)setsid();
    return chdir("/") == 0 || failure_set(why, EX_OSERR, "cannot change to /: %s", strerror(errno));
}

void daemon_tell_parent(int exit_code)
{
    unsigned char code = (unsigned char)exit_code;

    if (ready_pipe < 0)
        return;
    if (write(ready_pipe, &code, 1) != 1)
        log_write(LOG_WARNING, "the parent process is gone");
    (void)close(ready_pipe);
    ready_pipe = -1;
}

bool daemon_leave_terminal(struct failure *why)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
        return failure_set(why, EX_OSERR, "cannot open /dev/null: %s", strerror(errno));
    if (null > 2)
        (void)close(null);
    return true;
}

bool daemon_become(const char *name, struct failure *why)
{
    const struct passwd *user = *name == '\0' ? NULL : getpwnam(name);

    if (*name == '\0')
        return true;
    if (user == NULL)
        return failure_set(why, EX_CONFIG, "user: there is no user \"%s\"", name);
    if (geteuid() == user->pw_uid)
        return true;
    if (initgroups(name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0)
        return failure_set(why, EX_NOPERM, "cannot become the user \"%s\": %s", name,
                           strerror(errno));
    (void)setenv("HOME", user->pw_dir, 1);
    return true;
}

void daemon_forbid_core(void)
{
    static const struct rlimit none = {0, 0};

    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
}
