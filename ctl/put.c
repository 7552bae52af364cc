/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Sets the custom MAIL FROM attributes of an identity in SES, and then in the store. Whether there
 * is anything to set, SES itself is asked: the store may be an hour behind, and to set a domain
 * that is in status Success anew would make it Pending.
 */
#include "ctl/command.h"

#include <string.h>
#include <sysexits.h>

#include "common/word.h"
#include "ctl/account.h"
#include "ctl/change.h"
#include "ctl/identities.h"
#include "ctl/section.h"

struct put {
    struct identity identity;
    const char *section; /* NULL: not given */
    char domain[IDENTITY_DOMAIN_MAX + 1];
    bool clear;
    enum mail_from_behavior behavior;
    bool force;
    bool known; /* is there a record in the store? */
    struct mail_from record;
};

/* What the command line says, as it stands there; NULL for what it does not say. */
struct words {
    const char *identity;
    const char *domain;
    const char *behavior;
    bool clear;
    bool aws; /* in the manner of `aws sesv2' */
};

static bool read_words(struct words *words, struct put *put, struct invocation *invocation,
                       struct failure *why)
{
    static const struct option options[] = {
        {"mail-from-domain", required_argument, NULL, 'd'},
        {"behavior-on-mx-failure", required_argument, NULL, 'b'},
        {"clear", no_argument, NULL, 'c'},
        {"email-identity", required_argument, NULL, 'i'},
        {"section", required_argument, NULL, 's'},
        {"force", no_argument, NULL, 'f'},
        {0}};
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        if (option == 'd')
            words->domain = optarg;
        if (option == 'b')
            words->behavior = optarg;
        if (option == 'i')
            words->identity = optarg;
        if (option == 's')
            put->section = optarg;
        words->clear = words->clear || option == 'c';
        put->force = put->force || option == 'f';
    }
    words->aws = words->identity != NULL;
    return true;
}

/* In the manner of AWS, no domain means to clear; here that has to be said. */
static bool check_words(struct words *words, struct invocation *invocation, struct failure *why)
{
    if (!words->aws && optind < invocation->argc)
        words->identity = invocation->argv[optind++];
    if (words->identity == NULL)
        return invocation_misused(invocation, why, "which identity?");
    if (optind < invocation->argc)
        return invocation_misused(invocation, why, "%s is too much: one identity at a time",
                                  invocation->argv[optind]);
    if (words->domain != NULL && words->domain[0] == '\0')
        words->domain = NULL;
    if (words->domain == NULL && words->aws)
        words->clear = true;
    if (words->domain == NULL && !words->clear)
        return invocation_misused(invocation, why, "--mail-from-domain D or --clear is needed");
    if (words->clear && (words->domain != NULL || (words->behavior != NULL && !words->aws)))
        return invocation_misused(invocation, why, "--clear clears both attributes: no others");
    return true;
}

static bool read_behavior(struct put *put, const struct words *words, struct invocation *invocation,
                          struct failure *why)
{
    char choice[64];
    int found;

    put->clear = words->clear;
    put->behavior = MAIL_FROM_USE_DEFAULT_VALUE;
    if (words->behavior == NULL)
        return true;
    found = word_find(mail_from_behavior_words, MAIL_FROM_BEHAVIOR_COUNT, words->behavior);
    if (found < 0)
        found = word_find(mail_from_behavior_words_v2, MAIL_FROM_BEHAVIOR_COUNT, words->behavior);
    if (found < 0) {
        word_choice(mail_from_behavior_words, MAIL_FROM_BEHAVIOR_COUNT, choice, sizeof choice);
        return invocation_misused(invocation, why, "--behavior-on-mx-failure is %s, not %.80s",
                                  choice, words->behavior);
    }
    put->behavior = (enum mail_from_behavior)found;
    if (put->clear && put->behavior == MAIL_FROM_REJECT_MESSAGE)
        return invocation_misused(invocation, why,
                                  "without a MAIL FROM domain there is nothing to reject for");
    return true;
}

static bool read_names(struct put *put, const struct words *words, struct failure *why)
{
    if (!identities_read_one(&put->identity, words->identity, why))
        return false;
    if (words->domain == NULL)
        return true;
    if (!identity_parse_domain(put->domain, words->domain, strlen(words->domain), why))
        return failure_prefix(why, "--mail-from-domain");
    return mail_from_check_domain(&put->identity, put->domain, why);
}

/* A store that is missing stays missing: with one record in it, the milter would take all other
 * identities for unknown. */
static bool open_store(struct put *put, struct invocation *invocation, struct store **store,
                       struct failure *why)
{
    enum store_result result;

    *store = NULL;
    if (!invocation_store(invocation, STORE_READ, store, why))
        return why->exit_code == EX_NOINPUT;
    store_close(*store);
    if (!invocation_store(invocation, STORE_WRITE, store, why))
        return false;
    result = store_get(*store, put->identity.text, &put->record, why);
    put->known = result == STORE_FOUND;
    return result != STORE_FAILED;
}

/* Such a record would win over what SES then says, so the put would change nothing. */
static bool check_source(const struct put *put, struct failure *why)
{
    const char *key = put->identity.text;

    if (!put->known)
        return true;
    switch (put->record.source) {
    case MAIL_FROM_SES:
        break;
    case MAIL_FROM_FILE:
        return failure_set(why, EX_UNAVAILABLE,
                           "\"%s\" was imported and has the source file, which wins over SES: "
                           "change it with `mailfromctl import', or let SES have it with "
                           "`mailfromctl remove %s'",
                           key, key);
    case MAIL_FROM_LOCAL:
        return failure_set(why, EX_UNAVAILABLE,
                           "\"%s\" has the source local, which wins over SES: let SES have it "
                           "with `mailfromctl remove %s'",
                           key, key);
    }
    return true;
}

static bool is_unchanged(const struct put *put, const struct api_v1_mail_from *current)
{
    if (current->answer != API_ANSWERED)
        return false;
    if (put->clear)
        return current->domain[0] == '\0' && current->behavior == MAIL_FROM_USE_DEFAULT_VALUE;
    return strcmp(current->domain, put->domain) == 0 && current->behavior == put->behavior &&
           current->status == MAIL_FROM_SUCCESS;
}

static void tell_unchanged(const struct put *put)
{
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

    if (account_put_mail_from(account, put->identity.text, put->domain, put->behavior, why) !=
        OUTCOME_OK)
        return false;
    if (!change_keep(change, store, &kept, why))
        return failure_prefix(why, "SES has it, but the store not yet (mailfrom-sync will see to "
                                   "it)");
    tell_change(put, kept);
    return true;
}

static bool put_attributes(const struct put *put, struct invocation *invocation,
                           struct account *account, struct store *store, struct failure *why)
{
    struct change change = {.identity = &put->identity,
                            .settings = invocation->settings,
                            .section = account_section(account),
                            .domain = put->domain,
                            .behavior = put->behavior,
                            .verified = true}; /* SES sets it for no other */
    struct api_v2_identity answer;
    bool kept;

    if (put->force)
        return set(put, &change, account, store, why);
    if (account_get_identity(account, put->identity.text, &answer, why) != OUTCOME_OK)
        return false;
    change.verified = answer.verified;
    if (!is_unchanged(put, &answer.mail_from))
        return set(put, &change, account, store, why);
    change.current = &answer.mail_from;
    if (!change_keep(&change, store, &kept, why))
        return false;
    tell_unchanged(put);
    return true;
}

bool put_run(struct invocation *invocation, struct failure *why)
{
    struct words words = {0};
    struct put put = {0};
    const struct settings_ses *section = NULL;
    struct account *account = NULL;
    struct store *store = NULL;
    bool good = false;

    if (!read_words(&words, &put, invocation, why) || !check_words(&words, invocation, why) ||
        !read_behavior(&put, &words, invocation, why) || !read_names(&put, &words, why) ||
        !invocation_settings(invocation, why))
        return false;
    if (!open_store(&put, invocation, &store, why) || !check_source(&put, why) ||
        !section_choose(&section, invocation->settings, put.known ? &put.record : NULL, put.section,
                        why))
        goto out;
    account = account_open(section, store, why);
    good = account != NULL && put_attributes(&put, invocation, account, store, why);
out:
    account_close(account);
    store_close(store);
    return good;
}
