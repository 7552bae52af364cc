/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Sets the custom MAIL FROM attributes of an identity in SES, and then in the store. Whether there
 * is anything to set, SES itself is asked: the store may be an hour behind, and to set a domain
 * that is in status Success anew would make it Pending.
 */
#include "ctl/put.h"

#include <stdio.h>
#include <string.h>

#include "ctl/account.h"
#include "ctl/change.h"
#include "ctl/section.h"

static bool is_unchanged(const struct put *put, const struct api_v1_mail_from *current)
{
    if (current->answer != API_ANSWERED)
        return false;
    if (put->clear)
        return current->domain[0] == '\0' && current->behavior == MAIL_FROM_USE_DEFAULT_VALUE;
    return strcmp(current->domain, put->domain) == 0 && current->behavior == put->behavior &&
           current->status == MAIL_FROM_SUCCESS;
}

/* `aws sesv2' prints nothing. */
static void tell_unchanged(const struct put *put)
{
    if (put->quiet)
        return;
    if (put->clear)
        (void)printf("%s has no MAIL FROM domain: nothing was changed\n", put->identity.text);
    else
        (void)printf("%s has MAIL FROM domain %s in status Success and %s already: nothing was "
                     "changed (--force sets it anew, and SES begins at Pending)\n",
                     put->identity.text, put->domain, mail_from_behavior_words[put->behavior]);
}

static void tell_change(const struct put *put, bool kept)
{
    const char *key = put->identity.text;

    if (put->quiet)
        return;
    if (put->clear)
        (void)printf("%s has no MAIL FROM domain any more\n", key);
    else
        (void)printf("%s now has MAIL FROM domain %s and %s; it is Pending until SES finds the "
                     "MX record (`mailfromctl records %s')\n",
                     key, put->domain, mail_from_behavior_words[put->behavior], key);
    if (!kept)
        (void)puts("The store does not have this identity yet: mailfrom-sync will fetch it.");
}

/* After the call, a store that cannot be written is no failure of the put. */
static bool set(const struct put *put, struct change *change, struct account *account,
                struct store *store, struct failure *why)
{
    bool kept;

    if (account_put_mail_from(account, put->name, put->domain, put->behavior, why) != OUTCOME_OK)
        return false;
    if (!change_keep(change, store, &kept, why))
        return failure_prefix(why, "SES has it, but the store not yet (mailfrom-sync will see to "
                                   "it)");
    tell_change(put, kept);
    return true;
}

/* What SES leaves unsaid stays as it is. */
static bool is_verified(const struct put *put, enum api_sending sending)
{
    if (sending != API_SENDING_UNSAID)
        return sending == API_SENDING_YES;
    return !put->known || put->record.verified;
}

static bool put_attributes(const struct put *put, const struct settings *settings,
                           struct account *account, struct store *store, struct failure *why)
{
    struct change change = {.identity = &put->identity,
                            .settings = settings,
                            .section = account_section(account),
                            .domain = put->domain,
                            .behavior = put->behavior,
                            .verified = true}; /* SES sets it for no other */
    struct api_v2_identity answer;
    bool kept;

    if (put->force)
        return set(put, &change, account, store, why);
    if (account_get_identity(account, put->name, &answer, why) != OUTCOME_OK)
        return false;
    change.verified = is_verified(put, answer.sending);
    if (!is_unchanged(put, &answer.mail_from))
        return set(put, &change, account, store, why);
    change.current = &answer.mail_from;
    if (!change_keep(&change, store, &kept, why))
        return false;
    tell_unchanged(put);
    return true;
}

bool put_ses(const struct put *put, const struct settings *settings, struct store *store,
             struct failure *why)
{
    const struct settings_ses *section = NULL;
    struct account *account;
    bool good;

    if (!section_choose(&section, settings, put->known ? &put->record : NULL, put->section, why))
        return false;
    account = account_open(section, store, why);
    good = account != NULL && put_attributes(put, settings, account, store, why);
    account_close(account);
    return good;
}
