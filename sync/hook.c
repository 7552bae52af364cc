/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/hook.h"

#include "common/child.h"
#include "common/monotonic.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { POLL_EVERY = 20, ASSIGNMENT_SIZE = 4096 };

static bool judge(int status, struct failure *why)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (WIFEXITED(status))
        return failure_set(why, EX_UNAVAILABLE, "exit status %d", WEXITSTATUS(status));
    return failure_set(why, EX_UNAVAILABLE, "ended by signal %d", WTERMSIG(status));
}

static bool wait_for(pid_t pid, int64_t timeout, bool (*stop)(void *context), void *context,
                     struct failure *why)
{
    const struct timespec pause = {.tv_nsec = POLL_EVERY * 1000000L};
    int64_t deadline = monotonic_milliseconds() + timeout;
    bool stopped = false;
    int status = 0;
    pid_t found;

    while ((found = waitpid(pid, &status, WNOHANG)) == 0 && monotonic_milliseconds() < deadline &&
           !(stopped = stop(context)))
        (void)nanosleep(&pause, NULL);
    if (found != 0) {
        /* What it left in its group has no business any more. */
        (void)kill(-pid, SIGKILL);
        return judge(status, why);
    }
    child_end(pid);
    return failure_set(why, EX_TEMPFAIL, "killed, %s",
                       stopped ? "because mailfrom-sync ends" : "for it took too long");
}

bool hook_run(const char *program, const char *const variables[], int64_t timeout,
              bool (*stop)(void *context), void *context, struct failure *why)
{
    static const char *const inherited[] = {"PATH", "HOME"};
    char *words[] = {(char *)program, NULL};
    char assignments[2][ASSIGNMENT_SIZE];
    char *environment[HOOK_VARIABLES_MAX + 3];
    size_t count = 0;
    pid_t pid;
    int error;

    for (size_t i = 0; i < 2; i++) {
        const char *value = getenv(inherited[i]);
        if (value != NULL && snprintf(assignments[i], ASSIGNMENT_SIZE, "%s=%s", inherited[i],
                                      value) < ASSIGNMENT_SIZE)
            environment[count++] = assignments[i];
    }
    for (size_t i = 0; i < HOOK_VARIABLES_MAX && variables[i] != NULL; i++)
        environment[count++] = (char *)variables[i];
    environment[count] = NULL;
    /* Standard output is the log's place, where its errors go too. */
    error = child_start(words, STDERR_FILENO, environment, &pid);
    if (error != 0)
        return failure_set(why, EX_UNAVAILABLE, "%s", strerror(error));
    return wait_for(pid, timeout, stop, context, why);
}
