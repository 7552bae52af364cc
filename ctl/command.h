/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The commands of mailfromctl: one table, and what the commands share. A command writes its answer
 * to stdout; what went wrong is one line on stderr, from main.
 */
#ifndef CTL_COMMAND_H
#define CTL_COMMAND_H

#include "common/nearest.h"
#include "common/settings.h"
#include "common/store.h"

#include <getopt.h>

struct command;

/* One call of one command. argv[0] is the name of the command. */
struct invocation {
    const struct command *command;
    int argc;
    char **argv;
    const char *settings_file;
    struct settings *settings; /* NULL until invocation_settings; main frees it */
};

struct command {
    const char *name;
    const char *synopsis; /* the arguments */
    const char *summary;  /* one line */
    const char *details;  /* whole lines, for --help */
    /* A failure with an empty text has been told already. */
    bool (*run)(struct invocation *invocation, struct failure *why);
};

const struct command *command_at(size_t index);       /* NULL: there are no more */
const struct command *command_find(const char *name); /* NULL: no such command */
/* Fails with EX_USAGE; says which command the name may have been meant for. */
bool command_unknown(const char *name, struct failure *why);
/* The option that was meant by an argument that begins with two hyphens. */
struct nearest command_nearest_option(const struct option *options, const char *argument);
void command_print_help(const struct command *command, FILE *out);
void command_print_overview(FILE *out);

/* Fails with EX_USAGE and a hint to --help. */
bool invocation_misused(const struct invocation *invocation, struct failure *why,
                        const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Reads the command's options: the next one as getopt_long gives it, -1 after the last (optind is
 * then the first argument), '?' for a wrong one, and then *why is filled. */
int invocation_option(struct invocation *invocation, const struct option *options,
                      struct failure *why);

/* Fails with EX_USAGE: the first argument names none of the command's parts. names ends in NULL;
 * choice: what the parts are, for whoever gave none of them or something else. */
bool invocation_part(const struct invocation *invocation, const char *const names[],
                     const char *choice, struct failure *why);

/* Reads the options of a command that takes --json and nothing else. hint: what to say to an
 * argument that is too much. */
bool invocation_json(struct invocation *invocation, const char *hint, bool *json,
                     struct failure *why);

/* Reads the settings, once. */
bool invocation_settings(struct invocation *invocation, struct failure *why);

/* Opens the store that the settings name. Close with store_close. */
bool invocation_store(struct invocation *invocation, enum store_access access, struct store **store,
                      struct failure *why);

/* Warns on stderr if the store has no record left: the milter then takes it for never filled. */
void invocation_warn_of_empty_store(const struct invocation *invocation, struct store *store);

bool import_run(struct invocation *invocation, struct failure *why);
bool export_run(struct invocation *invocation, struct failure *why);
bool compact_run(struct invocation *invocation, struct failure *why);
bool get_run(struct invocation *invocation, struct failure *why);
bool list_run(struct invocation *invocation, struct failure *why);
bool remove_run(struct invocation *invocation, struct failure *why);
bool put_run(struct invocation *invocation, struct failure *why);
bool records_run(struct invocation *invocation, struct failure *why);
bool identity_run(struct invocation *invocation, struct failure *why);
bool adopt_run(struct invocation *invocation, struct failure *why);
bool refresh_run(struct invocation *invocation, struct failure *why);
bool stats_run(struct invocation *invocation, struct failure *why);
bool status_run(struct invocation *invocation, struct failure *why);
bool return_path_run(struct invocation *invocation, struct failure *why);
bool explain_run(struct invocation *invocation, struct failure *why);
bool check_run(struct invocation *invocation, struct failure *why);
bool settings_run(struct invocation *invocation, struct failure *why);
bool help_run(struct invocation *invocation, struct failure *why);

#endif
