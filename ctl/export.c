/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"

#include "ctl/attributes_out.h"

static bool print_entry(void *context, const char *key, const struct mail_from *record)
{
    uint64_t *count = context;

    attributes_out_entry(stdout, key, record, ATTRIBUTES_WITH_RECORD, (*count)++);
    return ferror(stdout) == 0;
}

bool export_run(struct invocation *invocation, struct failure *why)
{
    static const struct option options[] = {{0}};
    struct store *store = NULL;
    uint64_t count = 0;
    bool good;

    if (invocation_option(invocation, options, why) != -1)
        return false;
    if (optind < invocation->argc)
        return invocation_misused(invocation, why, "%s is too much; export prints to stdout",
                                  invocation->argv[optind]);
    if (!invocation_store(invocation, STORE_READ, &store, why))
        return false;
    attributes_out_begin(stdout);
    good = store_each_slowly(store, print_entry, &count, why);
    if (good)
        attributes_out_end(stdout, count);
    store_close(store);
    return good;
}
