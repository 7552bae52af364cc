/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/path.h"

#include <stdio.h>
#include <string.h>

void path_expand_home(char out[PATH_MAX], const char *path, const struct environment *environment)
{
    const char *home = environment_get(environment, "HOME");
    bool is_home = path[0] == '~' && (path[1] == '/' || path[1] == '\0');

    if (is_home && home != NULL)
        (void)snprintf(out, PATH_MAX, "%s%s", home, path + 1);
    else
        (void)snprintf(out, PATH_MAX, "%s", path);
}

/* The value of the variable that a $ begins, and how long its mention is; NULL: there is none. */
static const char *value_at(const char *dollar, const struct environment *environment,
                            size_t *length)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    bool braced = dollar[1] == '{';
    const char *start = dollar + 1 + braced;
    size_t count = braced ? strcspn(start, "}") : strspn(start, letters);
    char name[256];

    *length = 1 + count + 2 * (size_t)braced;
    if (count == 0 || count >= sizeof name || (braced && start[count] != '}'))
        return NULL;
    memcpy(name, start, count);
    name[count] = '\0';
    return environment_get(environment, name);
}

void path_expand(char out[PATH_MAX], const char *path, const struct environment *environment)
{
    char expanded[PATH_MAX];
    size_t used = 0;

    while (*path != '\0' && used + 1 < sizeof expanded) {
        size_t length = 1;
        const char *value = *path == '$' ? value_at(path, environment, &length) : NULL;
        size_t room = sizeof expanded - used;
        int written = value != NULL ? snprintf(expanded + used, room, "%s", value)
                                    : snprintf(expanded + used, room, "%c", *path);
        used += (size_t)written < room ? (size_t)written : room - 1;
        path += value != NULL ? length : 1;
    }
    expanded[used] = '\0';
    path_expand_home(out, expanded, environment);
}
