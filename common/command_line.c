/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "build-config.h"

#include "common/command_line.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "common/help_text.h"
#include "common/nearest.h"

/* Without the first for a program that has none. */
static const struct option long_options[] = {
    {"once", no_argument, NULL, 'o'},
    {"check", no_argument, NULL, 'k'},
    {"version", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void refuse(const struct command_line_program *program)
{
    help_text_write(stderr, program->usage);
    exit(EX_USAGE);
}

/* argument: what getopt_long did not take. */
static void guess(const struct command_line_program *program, const char *argument)
{
    struct nearest nearest;

    if (strncmp(argument, "--", 2) != 0)
        return;
    nearest = nearest_begin(argument + 2, strcspn(argument + 2, "="));
    for (const struct option *option = long_options + !program->has_once; option->name != NULL;
         option++)
        nearest_try(&nearest, option->name);
    if (nearest.word != NULL)
        (void)fprintf(stderr, "%s: did you mean --%s?\n", program->name, nearest.word);
}

static void take(struct command_line *line, int option, const struct command_line_program *program)
{
    switch (option) {
    case 'c':
        line->settings_file = optarg;
        break;
    case 'f':
        line->foreground = true;
        break;
    case 'o':
        line->once = line->foreground = true;
        break;
    case 'k':
        line->check = true;
        break;
    case 'v':
        (void)printf("%s %s\n", program->name, PACKAGE_VERSION);
        exit(EX_OK);
    case 'h':
        help_text_write(stdout, program->usage);
        exit(EX_OK);
    default:
        refuse(program);
    }
}

struct command_line command_line_read(const struct command_line_program *program, int argc,
                                      char **argv)
{
    static char path[PATH_MAX];
    struct command_line line = {.settings_file = DEFAULT_SETTINGS_FILE};
    int option;

    while ((option = getopt_long(argc, argv, "c:fh", long_options + !program->has_once, NULL)) !=
           -1) {
        if (option == '?')
            guess(program, argv[optind - 1]);
        take(&line, option, program);
    }
    if (optind < argc) {
        (void)fprintf(stderr, "%s: unexpected argument \"%s\"\n", program->name, argv[optind]);
        refuse(program);
    }
    /* In the background the directory is another, and a reload must find the file. */
    if (realpath(line.settings_file, path) != NULL)
        line.settings_file = path;
    return line;
}
