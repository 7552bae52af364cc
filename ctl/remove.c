/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"

#include <sysexits.h>

#include "ctl/identities.h"

static bool remove_all(struct store *store, void *context, struct failure *why)
{
    const struct identities *identities = context;
    bool existed = false;

    for (size_t i = 0; i < identities->count; i++) {
        const char *key = identities->list[i].text;
        if (!store_remove(store, key, &existed, why))
            return false;
        if (!existed)
            return failure_set(why, EX_UNAVAILABLE,
                               "no identity \"%s\" in the store; nothing was removed", key);
    }
    return true;
}

bool remove_run(struct invocation *invocation, struct failure *why)
{
    static const struct option options[] = {{0}};
    struct identities identities = {0};
    struct store *store = NULL;
    bool good = false;

    if (invocation_option(invocation, options, why) != -1)
        return false;
    if (optind == invocation->argc)
        return invocation_misused(invocation, why, "which identity?");
    if (!identities_read(&identities, invocation->argv + optind, invocation->argc - optind, why) ||
        !invocation_store(invocation, STORE_UPDATE, &store, why) ||
        !store_update(store, remove_all, &identities, why))
        goto out;
    (void)printf("removed %zu %s\n", identities.count,
                 identities.count == 1 ? "identity" : "identities");
    invocation_warn_of_empty_store(invocation, store);
    good = true;
out:
    store_close(store);
    identities_reset(&identities);
    return good;
}
