/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { POLL_EVERY = 20, ASSIGNMENT_SIZE = 4096 };

static int64_t monotonic(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Standard input is empty; standard output is the log's place, where the hook's errors go too. */
static bool set_actions(posix_spawn_file_actions_t *actions)
{
    return posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
           posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO) == 0 &&
           posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1) == 0;
}

static bool set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    return posix_spawnattr_setpgroup(attributes, 0) == 0 &&
           posix_spawnattr_setsigmask(attributes, &none) == 0 &&
           posix_spawnattr_setsigdefault(attributes, &all) == 0 &&
           posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF) == 0;
}

/* Returns an errno. */
static int spawn(const char *program, char *environment[], pid_t *pid)
{
    char *words[] = {(char *)program, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = ENOMEM;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawnattr_init(&attributes) == 0) {
        if (set_actions(&actions) && set_attributes(&attributes))
            error = posix_spawn(pid, program, &actions, &attributes, words, environment);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

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
    int64_t deadline = monotonic() + timeout;
    bool stopped = false;
    int status = 0;
    pid_t found;

    while ((found = waitpid(pid, &status, WNOHANG)) == 0 && monotonic() < deadline &&
           !(stopped = stop(context)))
        (void)nanosleep(&pause, NULL);
    /* Also after an orderly end: what it left in its group has no business any more. */
    (void)kill(-pid, SIGKILL);
    if (found != 0)
        return judge(status, why);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return failure_set(why, EX_TEMPFAIL, "killed, %s",
                       stopped ? "because mailfrom-sync ends" : "for it took too long");
}

bool hook_run(const char *program, const char *const variables[], int64_t timeout,
              bool (*stop)(void *context), void *context, struct failure *why)
{
    static const char *const inherited[] = {"PATH", "HOME"};
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
    error = spawn(program, environment, &pid);
    if (error != 0)
        return failure_set(why, EX_UNAVAILABLE, "%s", strerror(error));
    return wait_for(pid, timeout, stop, context, why);
}
