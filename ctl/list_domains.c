/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The MAIL FROM domains that bounces are accepted for, one per line: what an MTA that reads its
 * domains from a file needs.
 */
#include "ctl/list.h"

#include <string.h>
#include <time.h>

#include "common/return_address.h"

struct domains {
    const char *extra; /* to be printed where it belongs; "" once it is */
    char last[IDENTITY_DOMAIN_MAX + 1];
    int64_t gone_after;
};

static void print_domain(struct domains *domains, const char *domain)
{
    if (domain[0] == '\0' || strcmp(domain, domains->last) == 0)
        return;
    (void)puts(domain);
    (void)snprintf(domains->last, sizeof domains->last, "%s", domain);
}

static bool print_return(void *context, const char *mail_from_domain,
                         const struct store_return *entry)
{
    struct domains *domains = context;

    if (entry->references == 0 && entry->since < domains->gone_after)
        return true;
    if (strcmp(domains->extra, mail_from_domain) <= 0) {
        print_domain(domains, domains->extra);
        domains->extra = "";
    }
    print_domain(domains, mail_from_domain);
    return ferror(stdout) == 0;
}

bool list_domains_print(struct invocation *invocation, struct failure *why)
{
    struct domains domains = {.last = ""};
    struct store *store = NULL;
    bool good;

    if (!invocation_store(invocation, STORE_READ, &store, why))
        return false;
    domains.extra = invocation->settings->default_mail_from_domain;
    domains.gone_after = return_gone_after(invocation->settings, (int64_t)time(NULL));
    good = store_each_return_slowly(store, print_return, &domains, why);
    if (good)
        print_domain(&domains, domains.extra);
    store_close(store);
    return good;
}
