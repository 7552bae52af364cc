/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"

#include <string.h>
#include <sysexits.h>

#include "ctl/attributes_out.h"
#include "ctl/aws_option.h"
#include "ctl/identities.h"

static void tell_unknown(const char *directory, const struct identity *identity)
{
    struct failure why;

    /* The same escaping as every other error line. */
    (void)failure_set(&why, EX_UNAVAILABLE, "no identity \"%s\" in the store %s", identity->text,
                      directory);
    (void)fprintf(stderr, "mailfromctl: %s\n", why.text);
}

struct get {
    enum attributes_form form;
    const char *output; /* as is usual with `aws' */
    const char *region;
    const struct settings_ses *section; /* of that region; NULL: not given */
    struct identities identities;
};

/* Identities of SES are in a region each; others answer whatever region is asked. */
static bool is_elsewhere(const struct get *get, const struct mail_from *record)
{
    return get->section != NULL && record->source == MAIL_FROM_SES &&
           strcmp(record->section, get->section->title) != 0;
}

static bool print_identities(const struct get *get, struct store *store, const char *directory,
                             struct failure *why)
{
    const struct identities *identities = &get->identities;
    struct mail_from record;
    uint64_t count = 0;

    attributes_out_begin(stdout);
    for (size_t i = 0; i < identities->count; i++) {
        const struct identity *identity = &identities->list[i];
        enum store_result result = store_get(store, identity->text, &record, why);
        if (result == STORE_FAILED)
            return false;
        if (result == STORE_FOUND && !is_elsewhere(get, &record))
            attributes_out_entry(stdout, identity->text, &record, get->form, count++);
        else
            tell_unknown(directory, identity);
    }
    attributes_out_end(stdout, count);
    return count == identities->count || failure_set(why, EX_UNAVAILABLE, "%s", "");
}

static bool read_options(struct get *get, struct invocation *invocation, struct failure *why)
{
    /* AWS's own flag; the identities follow it in either manner. */
    static const struct option options[] = {{"identities", no_argument, NULL, 'i'},
                                            {"output", required_argument, NULL, 'o'},
                                            {"record", no_argument, NULL, 'r'},
                                            {"region", required_argument, NULL, 'R'},
                                            {0}};
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        if (option == 'r')
            get->form = ATTRIBUTES_WITH_RECORD;
        if (option == 'o')
            get->output = optarg;
        if (option == 'R')
            get->region = optarg;
    }
    if (optind == invocation->argc)
        return invocation_misused(invocation, why, "which identity?");
    return (get->output == NULL || aws_option_output(invocation, get->output, why)) &&
           identities_read(&get->identities, invocation->argv + optind, invocation->argc - optind,
                           why);
}

bool get_run(struct invocation *invocation, struct failure *why)
{
    struct get get = {.form = ATTRIBUTES_SES};
    struct store *store = NULL;
    bool good = read_options(&get, invocation, why) && invocation_settings(invocation, why) &&
                (get.region == NULL ||
                 aws_option_region(&get.section, invocation->settings, get.region, why)) &&
                invocation_store(invocation, STORE_READ, &store, why) &&
                print_identities(&get, store, invocation->settings->store, why);

    store_close(store);
    identities_reset(&get.identities);
    return good;
}
