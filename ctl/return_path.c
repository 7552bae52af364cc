/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/return_path.h"

#include <string.h>

struct part {
    const char *name;
    bool (*run)(struct invocation *invocation, struct failure *why);
};

enum { PARTS_MAX = 3 };

/* The name of the part takes the place of the command's. */
static bool run_part(const struct part *parts, size_t count, const char *choice,
                     struct invocation *invocation, struct failure *why)
{
    const char *name = invocation->argc > 1 ? invocation->argv[1] : "";
    const char *names[PARTS_MAX + 1] = {0};

    for (size_t i = 0; i < count; i++) {
        if (strcmp(parts[i].name, name) != 0)
            continue;
        invocation->argc--;
        invocation->argv++;
        return parts[i].run(invocation, why);
    }
    for (size_t i = 0; i < count; i++)
        names[i] = parts[i].name;
    return invocation_part(invocation, names, choice, why);
}

static bool run_key(struct invocation *invocation, struct failure *why)
{
    static const struct part parts[] = {{"new", return_path_key_new},
                                        {"promote", return_path_key_promote},
                                        {"list", return_path_key_list}};

    return run_part(parts, sizeof parts / sizeof *parts, "key new, key promote or key list",
                    invocation, why);
}

bool return_path_run(struct invocation *invocation, struct failure *why)
{
    static const struct part parts[] = {
        {"key", run_key}, {"encode", return_path_encode}, {"decode", return_path_decode}};

    return run_part(parts, sizeof parts / sizeof *parts, "key, encode or decode", invocation, why);
}
