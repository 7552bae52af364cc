/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "tests/unit/ctl_call.h"

#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/command.h"

struct ctl_result ctl_result;

static char directory[] = "/tmp/test_ctl.XXXXXX";
static char settings_file[64];
static char json_file[64];
static char store_directory[64];

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    if (file == NULL || fputs(text, file) == EOF || fclose(file) != 0)
        err(EXIT_FAILURE, "%s", name);
}

void ctl_settings(const char *line)
{
    char text[512];

    (void)snprintf(text, sizeof text, "store = \"%s/store\"\n%s\n", directory, line);
    write_file(settings_file, text);
}

static void forget_result(void)
{
    free(ctl_result.out);
    free(ctl_result.err);
    ctl_result = (struct ctl_result){0};
}

int ctl_setup(void **state)
{
    (void)state;
    memcpy(directory + sizeof directory - 7, "XXXXXX", 7);
    if (mkdtemp(directory) == NULL)
        err(EXIT_FAILURE, "%s", directory);
    (void)snprintf(settings_file, sizeof settings_file, "%s/settings", directory);
    (void)snprintf(store_directory, sizeof store_directory, "%s/store", directory);
    (void)snprintf(json_file, sizeof json_file, "%s/identities.json", directory);
    ctl_settings("");
    return 0;
}

int ctl_teardown(void **state)
{
    static const char *const names[] = {"store/data.mdb",
                                        "store/lock.mdb",
                                        "store/sync.lock",
                                        "store",
                                        "settings",
                                        "identities.json",
                                        ""};
    char path[128];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        (void)remove(path);
    }
    forget_result();
    return 0;
}

/* glibc lets a program put other streams in the place of stdout and stderr. */
static void run(struct invocation *invocation)
{
    FILE *saved_out = stdout;
    FILE *saved_err = stderr;
    size_t length;
    bool good;

    stdout = open_memstream(&ctl_result.out, &length);
    stderr = open_memstream(&ctl_result.err, &length);
    optind = 0;
    good = invocation->command->run(invocation, &ctl_result.why);
    (void)fclose(stdout);
    (void)fclose(stderr);
    stdout = saved_out;
    stderr = saved_err;
    ctl_result.exit_code = good ? EX_OK : ctl_result.why.exit_code;
}

int ctl_call(const char *command, ...)
{
    char *arguments[16];
    struct invocation invocation = {
        .command = command_find(command), .argv = arguments, .settings_file = settings_file};
    const char *argument = command;
    va_list list;
    int count;

    if (invocation.command == NULL)
        errx(EXIT_FAILURE, "no command %s", command);
    forget_result();
    opterr = 0;
    va_start(list, command);
    for (; argument != NULL && invocation.argc < 15; argument = va_arg(list, const char *))
        arguments[invocation.argc++] = strdup(argument);
    va_end(list);
    arguments[invocation.argc] = NULL;
    count = invocation.argc; /* a command of two words takes off the first */
    run(&invocation);
    settings_free(invocation.settings);
    while (count > 0)
        free(arguments[--count]);
    return ctl_result.exit_code;
}

int ctl_import(const char *text)
{
    write_file(json_file, text);
    return ctl_call("import", json_file, NULL);
}

const char *ctl_file(void)
{
    return json_file;
}

const char *ctl_store(void)
{
    return store_directory;
}
