/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * mailfromctl, the administrator's hand. Finds the command, and tells what became of it: the one
 * place that writes failures and chooses the exit code.
 */
#include "build-config.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "common/log.h"
#include "ctl/command.h"
#include "ctl/completion.h"

static int told(const struct failure *why)
{
    if (why->text[0] != '\0')
        (void)fprintf(stderr, "mailfromctl: %s\n", why->text);
    return why->exit_code;
}

static bool asks_for_help(int argc, char *const argv[])
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static bool run(struct invocation *invocation, struct failure *why)
{
    bool good = true;

    if (asks_for_help(invocation->argc, invocation->argv)) {
        command_print_help(invocation->command, stdout);
    } else {
        optind = 0; /* for glibc: a new command line */
        good = invocation->command->run(invocation, why);
    }
    settings_free(invocation->settings);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && good)
        return failure_set(why, EX_IOERR, "the output cannot be written: %s", strerror(errno));
    return good;
}

static void refuse_option(const struct option *options, int option, const char *argument,
                          struct failure *why)
{
    struct nearest nearest = {.word = NULL};

    if (option == '?' && strncmp(argument, "--", 2) == 0)
        nearest = command_nearest_option(options, argument);
    if (nearest.word != NULL && nearest.distance > 0)
        (void)failure_set(why, EX_USAGE, "unknown option %.80s; did you mean --%s?", argument,
                          nearest.word);
    else
        (void)failure_set(why, EX_USAGE, "%s %.80s; see `mailfromctl --help'",
                          option == ':'          ? "a value is missing after"
                          : nearest.word != NULL ? "no value belongs to"
                                                 : "unknown option",
                          argument);
}

/* Returns false if nothing is left to do; *status is then the exit code. */
static bool read_options(int argc, char *argv[], struct invocation *invocation, int *status)
{
    static const struct option options[] = {{"config", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {0}};
    struct failure why;
    int option;

    *status = EX_OK;
    while ((option = getopt_long(argc, argv, "+:c:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            invocation->settings_file = optarg;
            break;
        case 'h':
            command_print_overview(stdout);
            return false;
        case 'V':
            (void)printf("mailfromctl %s\n", PACKAGE_VERSION);
            return false;
        default:
            refuse_option(options, option, argv[optind - 1], &why);
            *status = told(&why);
            return false;
        }
    }
    return true;
}

int main(int argc, char *argv[])
{
    struct invocation invocation = {.settings_file = DEFAULT_SETTINGS_FILE};
    struct failure why = {.exit_code = EX_SOFTWARE};
    int status;

    /* The log is for the daemons: here, whatever matters comes back as a failure. */
    log_open("mailfromctl", LOG_TO_NOBODY);
    opterr = 0;
    /* For the scripts in conf/completion, and in no help: it comes first, and the rest is the line.
     */
    if (argc > 1 && strcmp(argv[1], "--complete") == 0) {
        completion_print(argc - 2, argv + 2, stdout);
        return EX_OK;
    }
    if (!read_options(argc, argv, &invocation, &status))
        return status;
    if (optind == argc) {
        command_print_overview(stderr);
        return EX_USAGE;
    }
    invocation.command = command_find(argv[optind]);
    invocation.argc = argc - optind;
    invocation.argv = argv + optind;
    if (invocation.command == NULL) {
        (void)command_unknown(argv[optind], &why);
        return told(&why);
    }
    return run(&invocation, &why) ? EX_OK : told(&why);
}
