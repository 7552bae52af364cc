/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/process.h"

#include "common/child.h"
#include "common/monotonic.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_POLL = 10 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Copies one word; within double quotes a backslash counts only before " and \. False: the command
 * ends within quotes or after a backslash. */
static bool take_word(const char **rest, char **out)
{
    char quote = '\0';

    for (; **rest != '\0' && (quote != '\0' || !is_blank(**rest)); (*rest)++) {
        char c = **rest;
        if (quote == '\0' && (c == '\'' || c == '"')) {
            quote = c;
            continue;
        }
        if (quote != '\0' && c == quote) {
            quote = '\0';
            continue;
        }
        if (c == '\\' &&
            (quote == '\0' || (quote == '"' && ((*rest)[1] == '"' || (*rest)[1] == '\\')))) {
            c = *++*rest;
            if (c == '\0')
                return false;
        }
        *(*out)++ = c;
    }
    *(*out)++ = '\0';
    return quote == '\0';
}

static size_t fail(struct failure *why, const char *what)
{
    (void)failure_set(why, EX_CONFIG, "credential_process %s", what);
    return 0;
}

size_t process_split(const char *command, char buffer[PROCESS_COMMAND_MAX + 1],
                     char *words[PROCESS_WORDS_MAX + 1], struct failure *why)
{
    char *out = buffer;
    size_t count = 0;

    if (strlen(command) > PROCESS_COMMAND_MAX)
        return fail(why, "is too long");
    while (is_blank(*command))
        command++;
    while (*command != '\0') {
        if (count == PROCESS_WORDS_MAX)
            return fail(why, "has too many words");
        words[count++] = out;
        if (!take_word(&command, &out))
            return fail(why, "ends within quotes or after a backslash");
        while (is_blank(*command))
            command++;
    }
    words[count] = NULL;
    return count > 0 ? count : fail(why, "is empty");
}

/* Reads to the end. False: too late, too much, or an error of reading. */
static bool read_output(int input, char *out, size_t *length, int64_t deadline, struct failure *why)
{
    *length = 0;
    for (;;) {
        struct pollfd wait = {.fd = input, .events = POLLIN};
        int64_t left = deadline - monotonic_milliseconds();
        ssize_t got;
        if (left <= 0 || poll(&wait, 1, (int)left) == 0)
            return failure_set(why, EX_TEMPFAIL, "credential_process takes too long");
        got = read(input, out + *length, PROCESS_OUTPUT_MAX + 1 - *length);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            return failure_set(why, EX_IOERR, "credential_process: %s", strerror(errno));
        if (got == 0)
            return true;
        *length += (size_t)got;
        if (*length > PROCESS_OUTPUT_MAX)
            return failure_set(why, EX_PROTOCOL, "credential_process prints more than %d octets",
                               PROCESS_OUTPUT_MAX);
    }
}

/* *ended: there is no such child any more. */
static bool wait_for(pid_t pid, int64_t deadline, bool *ended, struct failure *why)
{
    struct timespec pause = {.tv_nsec = EXIT_POLL * 1000000L};
    int status;
    pid_t found;

    while ((found = waitpid(pid, &status, WNOHANG)) == 0 && monotonic_milliseconds() < deadline)
        (void)nanosleep(&pause, NULL);
    *ended = found != 0;
    if (found == 0)
        return failure_set(why, EX_TEMPFAIL, "credential_process takes too long");
    /* Where the program ignores SIGCHLD there is no status; what was printed has to do. */
    if (found < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
        return true;
    /* How posix_spawn may report that there is no such program. */
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return failure_set(why, EX_CONFIG, "credential_process cannot be run");
    if (WIFEXITED(status))
        return failure_set(why, EX_UNAVAILABLE, "credential_process fails with exit status %d",
                           WEXITSTATUS(status));
    return failure_set(why, EX_UNAVAILABLE, "credential_process is ended by signal %d",
                       WTERMSIG(status));
}

static bool run(char *words[], int timeout, char *out, size_t *length, struct failure *why)
{
    int64_t deadline = monotonic_milliseconds() + timeout;
    int ends[2], error;
    pid_t pid;
    bool fine, ended = false;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return failure_set(why, EX_OSERR, "credential_process: %s", strerror(errno));
    error = child_start(words, ends[1], environ, &pid);
    (void)close(ends[1]);
    if (error != 0) {
        (void)close(ends[0]);
        return failure_set(why, EX_CONFIG, "credential_process %s: %s", words[0], strerror(error));
    }
    fine = read_output(ends[0], out, length, deadline, why);
    (void)close(ends[0]);
    fine = fine && wait_for(pid, deadline, &ended, why);
    if (!ended)
        child_end(pid);
    return fine;
}

bool process_read_keys(const char *command, int timeout, struct keys *keys, struct failure *why)
{
    char buffer[PROCESS_COMMAND_MAX + 1], *words[PROCESS_WORDS_MAX + 1];
    char *out;
    size_t length = 0;
    bool fine;

    if (process_split(command, buffer, words, why) == 0)
        return false;
    out = malloc(PROCESS_OUTPUT_MAX + 1);
    if (out == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    fine = run(words, timeout, out, &length, why) &&
           (keys_read_process(keys, out, length, why) ||
            failure_prefix(why, "what credential_process prints"));
    explicit_bzero(out, PROCESS_OUTPUT_MAX + 1);
    free(out);
    return fine;
}
