/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"

#include <string.h>
#include <sysexits.h>

#include "ctl/attributes_out.h"
#include "ctl/identities.h"

static void tell_unknown(const char *directory, const struct identity *identity)
{
    struct failure why;

    /* The same escaping as every other error line. */
    (void)failure_set(&why, EX_UNAVAILABLE, "no identity \"%s\" in the store %s", identity->text,
                      directory);
    (void)fprintf(stderr, "mailfromctl: %s\n", why.text);
}

static bool print_identities(struct store *store, const char *directory,
                             const struct identities *identities, enum attributes_form form,
                             struct failure *why)
{
    struct mail_from record;
    uint64_t count = 0;

    attributes_out_begin(stdout);
    for (size_t i = 0; i < identities->count; i++) {
        const struct identity *identity = &identities->list[i];
        enum store_result result = store_get(store, identity->text, &record, why);
        if (result == STORE_FAILED)
            return false;
        if (result == STORE_FOUND)
            attributes_out_entry(stdout, identity->text, &record, form, count++);
        else
            tell_unknown(directory, identity);
    }
    attributes_out_end(stdout, count);
    return count == identities->count || failure_set(why, EX_UNAVAILABLE, "%s", "");
}

bool get_run(struct invocation *invocation, struct failure *why)
{
    /* AWS's own flag; the identities follow it in either manner. */
    static const struct option options[] = {
        {"identities", no_argument, NULL, 'i'}, {"record", no_argument, NULL, 'r'}, {0}};
    enum attributes_form form = ATTRIBUTES_SES;
    struct identities identities = {0};
    struct store *store = NULL;
    bool good = false;
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        if (option == 'r')
            form = ATTRIBUTES_WITH_RECORD;
    }
    if (optind == invocation->argc)
        return invocation_misused(invocation, why, "which identity?");
    if (!identities_read(&identities, invocation->argv + optind, invocation->argc - optind, why) ||
        !invocation_store(invocation, STORE_READ, &store, why))
        goto out;
    good = print_identities(store, invocation->settings->store, &identities, form, why);
out:
    store_close(store);
    identities_reset(&identities);
    return good;
}
