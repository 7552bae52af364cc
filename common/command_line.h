/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The command line of a daemon: the options that both have, and --once.
 */
#ifndef COMMON_COMMAND_LINE_H
#define COMMON_COMMAND_LINE_H

#include <stdbool.h>

struct command_line {
    const char *settings_file; /* a path that holds in any directory, if the file is there */
    bool foreground;
    bool once; /* in the foreground then */
    bool check;
};

/* What a program says of itself. */
struct command_line_program {
    const char *name;
    const char *usage;
    bool has_once;
};

/* Prints and exits where that is what is asked for, or where the line is wrong (EX_USAGE). Once. */
struct command_line command_line_read(const struct command_line_program *program, int argc,
                                      char **argv);

#endif
