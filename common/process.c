/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/process.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LINE_SIZE = 256 };

/* proc_pid_stat(5): number, (name), state. The name may hold parentheses. */
static bool read_stat(pid_t process, char line[LINE_SIZE], const char **name, char *state)
{
    char path[64];
    char *open;
    char *close;
    size_t length = 0;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)process);
    file = fopen(path, "re");
    if (file == NULL)
        return false;
    length = fread(line, 1, LINE_SIZE - 1, file);
    (void)fclose(file);
    line[length] = '\0';
    open = strchr(line, '(');
    close = strrchr(line, ')');
    if (open == NULL || close == NULL || close < open || close[1] != ' ')
        return false;
    *close = '\0';
    *name = open + 1;
    *state = close[2];
    return true;
}

static bool is_stopped(char state)
{
    return state == 'T' || state == 't';
}

const char *process_describe(pid_t process, char out[PROCESS_NAME_SIZE])
{
    char line[LINE_SIZE];
    const char *name;
    char state;

    if (!read_stat(process, line, &name, &state)) {
        (void)snprintf(out, PROCESS_NAME_SIZE, "%ld", (long)process);
        return out;
    }
    (void)snprintf(out, PROCESS_NAME_SIZE, "%ld (%.20s%s)", (long)process, name,
                   is_stopped(state) ? ", stopped" : "");
    for (char *at = out; *at != '\0'; at++)
        if (!isprint((unsigned char)*at))
            *at = '?';
    return out;
}

bool process_is_stopped(pid_t process)
{
    char line[LINE_SIZE];
    const char *name;
    char state;

    return read_stat(process, line, &name, &state) && is_stopped(state);
}
