/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>

#include "ctl/advice.h"
#include "ctl/budget.h"
#include "ses/profile.h"

struct account {
    const struct settings_ses *section;
    struct store *store;
    char region[ENDPOINT_REGION_MAX + 1]; /* "" if nobody but the instance metadata knows it */
    struct ses_client *client;
};

/* Whoever sets one of these in his shell wants to be that one, whatever the daemon's profile is. */
static bool administrator_has_credentials(void)
{
    static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE",
                                        "AWS_DEFAULT_PROFILE"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (environment_get(&environment_process, names[i]) != NULL)
            return true;
    }
    return false;
}

struct account *account_open(const struct settings_ses *section, struct store *store,
                             struct failure *why)
{
    struct account *account = calloc(1, sizeof *account);
    struct ses_client_settings settings = {.endpoint = section->endpoint,
                                           .ca_file = section->ca_file,
                                           .connect_timeout = (long)section->connect_timeout,
                                           .timeout = (long)section->timeout};

    if (account == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        return NULL;
    }
    account->section = section;
    account->store = store;
    (void)account_region(section, account->region);
    /* A region that is none has to be complained about, not passed over. */
    settings.region = account->region[0] != '\0' ? account->region : section->region;
    settings.profile = administrator_has_credentials() ? NULL : section->profile;
    /* Keys come into memory from here on; no core file is to have them. */
    (void)prctl(PR_SET_DUMPABLE, 0);
    account->client = ses_client_new(&settings, why);
    if (account->client == NULL) {
        free(account);
        return NULL;
    }
    return account;
}

void account_close(struct account *account)
{
    if (account == NULL)
        return;
    ses_client_free(account->client);
    free(account);
}

const struct settings_ses *account_section(const struct account *account)
{
    return account->section;
}

static enum outcome finish(const struct account *account, enum outcome outcome, const char *action,
                           const char *identity, struct failure *why)
{
    struct advice_call call = {
        .action = action, .identity = identity, .region = ses_client_region(account->client)};

    /* A put of an identity that SES does not know is a bad request there. */
    if (outcome == OUTCOME_BAD_REQUEST &&
        strstr(ses_client_error(account->client)->message, "does not exist") != NULL)
        why->exit_code = outcome_exit_code(OUTCOME_NOT_FOUND);
    if (outcome != OUTCOME_OK)
        advice_append(why, outcome, ses_client_error(account->client), &call);
    return outcome;
}

enum outcome account_get_mail_from(struct account *account, const char *const identities[],
                                   size_t count, struct api_v1_mail_from answers[],
                                   struct failure *why)
{
    if (!budget_wait(account->section, account->store, why))
        return OUTCOME_LOCAL;
    return finish(account,
                  ses_client_get_mail_from(account->client, identities, count, answers, why),
                  "GetIdentityMailFromDomainAttributes", NULL, why);
}

enum outcome account_get_identity(struct account *account, const char *identity,
                                  struct api_v2_identity *answer, struct failure *why)
{
    if (!budget_wait(account->section, account->store, why))
        return OUTCOME_LOCAL;
    return finish(account, ses_client_get_identity(account->client, identity, answer, why),
                  "GetEmailIdentity", identity, why);
}

enum outcome account_put_mail_from(struct account *account, const char *identity,
                                   const char *domain, enum mail_from_behavior behavior,
                                   struct failure *why)
{
    if (!budget_wait(account->section, account->store, why))
        return OUTCOME_LOCAL;
    return finish(account,
                  ses_client_put_mail_from(account->client, identity, domain, behavior, why),
                  "PutEmailIdentityMailFromAttributes", identity, why);
}

/* A profile that the administrator does not have is no reason to stop here: the call says so. */
bool account_region(const struct settings_ses *section, char region[ENDPOINT_REGION_MAX + 1])
{
    struct profile profile;
    struct failure ignored;
    const char *found;

    region[0] = '\0';
    (void)profile_read(&profile, profile_name(section->profile, &environment_process),
                       &environment_process, &ignored);
    found = endpoint_configured_region(section->region, &environment_process, &profile);
    if (found != NULL && endpoint_check_region(found, &ignored))
        (void)snprintf(region, ENDPOINT_REGION_MAX + 1, "%s", found);
    profile_reset(&profile);
    return region[0] != '\0';
}
