/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/postconf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

static int64_t milliseconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* An administrator who is not root may lack /usr/sbin in PATH. Returns an errno. */
static int spawn(char *words[], int output, pid_t *pid)
{
    static char elsewhere[] = "/usr/sbin/postconf";
    posix_spawn_file_actions_t actions;
    int error = ENOMEM;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0) == 0 &&
        posix_spawn_file_actions_adddup2(&actions, output, 1) == 0 &&
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) == 0) {
        error = posix_spawnp(pid, words[0], &actions, NULL, words, environ);
        if (error == ENOENT)
            error = posix_spawn(pid, elsewhere, &actions, NULL, words, environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Reads to the end, or until it is too late or too much. */
static bool read_output(int input, char *out, struct failure *why)
{
    int64_t deadline = milliseconds() + POSTCONF_TIMEOUT;
    size_t length = 0;

    for (;;) {
        struct pollfd wait = {.fd = input, .events = POLLIN};
        int64_t left = deadline - milliseconds();
        ssize_t got;
        if (left <= 0 || poll(&wait, 1, (int)left) == 0)
            return failure_set(why, EX_TEMPFAIL, "postconf takes too long");
        got = read(input, out + length, POSTCONF_OUTPUT_MAX - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            out[length] = '\0';
            return got == 0 || failure_set(why, EX_IOERR, "postconf: %s", strerror(errno));
        }
        length += (size_t)got;
        if (length == POSTCONF_OUTPUT_MAX)
            return failure_set(why, EX_DATAERR, "postconf prints more than %d octets",
                               POSTCONF_OUTPUT_MAX);
    }
}

static bool finish(pid_t pid, bool good, struct failure *why)
{
    int status = 0;

    if (!good)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (good && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
        return failure_set(why, EX_CONFIG, "postconf fails; `postfix check' says why");
    return good;
}

static bool run(char *words[], char *out, struct failure *why)
{
    int ends[2];
    bool good;
    pid_t pid;
    int error;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return failure_set(why, EX_OSERR, "postconf: %s", strerror(errno));
    error = spawn(words, ends[1], &pid);
    (void)close(ends[1]);
    good = error == 0 && read_output(ends[0], out, why);
    (void)close(ends[0]);
    if (error != 0)
        return failure_set(why, error == ENOENT ? EX_UNAVAILABLE : EX_OSERR, "postconf: %s",
                           strerror(error));
    return finish(pid, good, why);
}

char *postconf_read(const char *directory, const char *const arguments[], struct failure *why)
{
    char *words[POSTCONF_ARGUMENTS_MAX + 4] = {(char[]){"postconf"}, (char[]){"-c"}};
    char *out = malloc(POSTCONF_OUTPUT_MAX + 1);
    size_t count = 1;

    if (out == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        return NULL;
    }
    if (directory != NULL) {
        words[2] = (char *)directory; /* posix_spawn takes no const, and changes nothing */
        count = 3;
    }
    for (size_t i = 0; i < POSTCONF_ARGUMENTS_MAX && arguments[i] != NULL; i++)
        words[count++] = (char *)arguments[i];
    words[count] = NULL;
    if (run(words, out, why))
        return out;
    free(out);
    return NULL;
}
