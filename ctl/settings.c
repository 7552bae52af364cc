/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"

bool settings_run(struct invocation *invocation, struct failure *why)
{
    static const struct option options[] = {{"sample", no_argument, NULL, 's'}, {0}};
    bool sample = false;
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        sample = true;
    }
    if (optind < invocation->argc)
        return invocation_misused(invocation, why, "%s is too much", invocation->argv[optind]);
    if (sample) {
        settings_print_sample(stdout);
        return true;
    }
    if (!invocation_settings(invocation, why))
        return false;
    settings_print(invocation->settings, stdout);
    return true;
}
