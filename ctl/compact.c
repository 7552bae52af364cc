/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"

#include "common/process.h"
#include "ctl/store_care.h"

static void tell(const struct invocation *invocation, const struct store_usage *before,
                 const struct store_usage *after)
{
    char process[PROCESS_NAME_SIZE];
    char size[2][16];

    store_care_size(before->size, size[0], sizeof size[0]);
    store_care_size(after->size, size[1], sizeof size[1]);
    (void)printf("store %s took %s of the disk, and takes %s now\n", invocation->settings->store,
                 size[0], size[1]);
    if (after->oldest != 0 && after->used < after->size / 2)
        (void)fprintf(stderr,
                      "mailfromctl: warning: process %s is reading, so what was given up since it "
                      "began could not be given back; try again when it has ended\n",
                      process_describe(after->oldest, process));
}

bool compact_run(struct invocation *invocation, struct failure *why)
{
    static const struct option options[] = {{0}};
    struct store_usage before;
    struct store_usage after;
    struct store *store = NULL;
    bool good;

    if (invocation_option(invocation, options, why) != -1)
        return false;
    if (optind < invocation->argc)
        return invocation_misused(invocation, why, "%s is too much; it is about the whole store",
                                  invocation->argv[optind]);
    if (!invocation_store(invocation, STORE_UPDATE, &store, why))
        return false;
    good = store_usage(store, &before, why) && store_compact(store, why) &&
           store_usage(store, &after, why);
    if (good)
        tell(invocation, &before, &after);
    store_close(store);
    return good;
}
