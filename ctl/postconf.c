/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/postconf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/deadline.h"

/* A run of one of the tools. */
struct run {
    char **words;          /* the first is its name */
    const char *directory; /* to run in, NULL for this one */
    bool with_errors;      /* what it says on stderr is output too */
    int timeout;           /* milliseconds */
    char *out;             /* POSTCONF_OUTPUT_MAX octets and NUL */
};

static bool add_actions(posix_spawn_file_actions_t *actions, const struct run *run, int output)
{
    return (run->directory == NULL ||
            posix_spawn_file_actions_addchdir_np(actions, run->directory) == 0) &&
           posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0) == 0 &&
           posix_spawn_file_actions_adddup2(actions, output, 1) == 0 &&
           (run->with_errors
                ? posix_spawn_file_actions_adddup2(actions, output, 2) == 0
                : posix_spawn_file_actions_addopen(actions, 2, "/dev/null", O_WRONLY, 0) == 0);
}

/* An administrator who is not root may lack /usr/sbin in PATH. Returns an errno. */
static int spawn(const struct run *run, int output, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    char elsewhere[64];
    int error = ENOMEM;

    (void)snprintf(elsewhere, sizeof elsewhere, "/usr/sbin/%s", run->words[0]);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return ENOMEM;
    if (add_actions(&actions, run, output)) {
        error = posix_spawnp(pid, run->words[0], &actions, NULL, run->words, environ);
        if (error == ENOENT)
            error = posix_spawn(pid, elsewhere, &actions, NULL, run->words, environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* Reads to the end, or until it is too late or too much. */
static bool read_output(const struct run *run, int input, struct failure *why)
{
    const char *name = run->words[0];
    int64_t deadline = deadline_in(run->timeout);
    size_t length = 0;

    for (;;) {
        struct pollfd wait = {.fd = input, .events = POLLIN};
        int left = deadline_left(deadline);
        ssize_t got;
        if (left == 0 || poll(&wait, 1, left) == 0)
            return failure_set(why, EX_TEMPFAIL, "%s takes too long", name);
        got = read(input, run->out + length, POSTCONF_OUTPUT_MAX - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            run->out[length] = '\0';
            return got == 0 || failure_set(why, EX_IOERR, "%s: %s", name, strerror(errno));
        }
        length += (size_t)got;
        if (length == POSTCONF_OUTPUT_MAX)
            return failure_set(why, EX_DATAERR, "%s prints more than %d octets", name,
                               POSTCONF_OUTPUT_MAX);
    }
}

/* *exit_code: -1 if it did not exit by itself. */
static void finish(pid_t pid, bool good, int *exit_code)
{
    int status = 0;

    if (!good)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool run_tool(const struct run *run, int *exit_code, struct failure *why)
{
    int ends[2];
    bool good;
    pid_t pid;
    int error;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return failure_set(why, EX_OSERR, "%s: %s", run->words[0], strerror(errno));
    error = spawn(run, ends[1], &pid);
    (void)close(ends[1]);
    good = error == 0 && read_output(run, ends[0], why);
    (void)close(ends[0]);
    if (error != 0)
        return failure_set(why, error == ENOENT ? EX_UNAVAILABLE : EX_OSERR, "%s: %s",
                           run->words[0], strerror(error));
    finish(pid, good, exit_code);
    return good;
}

/* Puts `-c directory' where there is one, and returns how many words there are. */
static size_t begin_words(char *words[], char *tool, const char *directory)
{
    static char option[] = "-c";

    words[0] = tool;
    if (directory == NULL)
        return 1;
    words[1] = option;
    words[2] = (char *)directory; /* posix_spawn takes no const, and changes nothing */
    return 3;
}

char *postconf_read(const char *directory, const char *const arguments[], struct failure *why)
{
    static char tool[] = "postconf";
    char *words[POSTCONF_ARGUMENTS_MAX + 4];
    struct run run = {words, NULL, false, POSTCONF_TIMEOUT, malloc(POSTCONF_OUTPUT_MAX + 1)};
    size_t count = begin_words(words, tool, directory);
    int exit_code = -1;

    if (run.out == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < POSTCONF_ARGUMENTS_MAX && arguments[i] != NULL; i++)
        words[count++] = (char *)arguments[i];
    words[count] = NULL;
    if (run_tool(&run, &exit_code, why)) {
        if (exit_code == 0)
            return run.out;
        (void)failure_set(why, EX_CONFIG, "postconf fails; `postfix check' says why");
    }
    free(run.out);
    return NULL;
}

/* postmap exits with 1 for a key that is not there, and for a table that cannot be read. */
static enum postconf_answer judge(int exit_code, const char *out, const char *table,
                                  struct failure *why)
{
    static const char word[] = "fatal: ";
    const char *fatal = strstr(out, word);

    if (exit_code == 0)
        return POSTCONF_YES;
    if (exit_code == 1 && fatal == NULL)
        return POSTCONF_NO;
    fatal = fatal == NULL ? "postmap fails" : fatal + strlen(word);
    /* It names some tables, and of others a file. */
    (void)failure_set(why, EX_CONFIG, "%.200s%s%.*s", strstr(fatal, table) == NULL ? table : "",
                      strstr(fatal, table) == NULL ? ": " : "", (int)strcspn(fatal, "\n"), fatal);
    return POSTCONF_FAILED;
}

enum postconf_answer postconf_look_up(const char *directory, const char *queue_directory,
                                      const char *table, const char *key, struct failure *why)
{
    static char tool[] = "postmap";
    static char option[] = "-q";
    char *words[8];
    const char *start = access(queue_directory, X_OK) == 0 ? queue_directory : NULL;
    struct run run = {words, start, true, POSTCONF_LOOKUP_TIMEOUT, malloc(POSTCONF_OUTPUT_MAX + 1)};
    size_t count = begin_words(words, tool, directory);
    enum postconf_answer answer = POSTCONF_FAILED;
    int exit_code = -1;

    words[count++] = option;
    words[count++] = (char *)key;
    words[count++] = (char *)table;
    words[count] = NULL;
    if (run.out == NULL)
        (void)failure_set(why, EX_OSERR, "out of memory");
    else if (run_tool(&run, &exit_code, why))
        answer = judge(exit_code, run.out, table, why);
    free(run.out);
    return answer;
}
