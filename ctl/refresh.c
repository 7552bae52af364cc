/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Brings identities up to date now: by asking mailfrom-sync while it runs, so that one program
 * alone spends the budget, else by fetching them itself. Local ones are looked up by mailfrom-sync
 * alone.
 */
#include "ctl/command.h"

#include <stdlib.h>
#include <sysexits.h>

#include "ctl/errand.h"
#include "ctl/fetch.h"
#include "ctl/local_errand.h"
#include "ctl/terminal.h"

struct refresh {
    bool all;
    bool no_wait;
    const char *section;          /* NULL: not given */
    struct identities identities; /* those of SES, once they are parted */
    struct identities local;
    struct selection selection;
};

static bool read_options(struct refresh *refresh, struct invocation *invocation,
                         struct failure *why)
{
    static const struct option options[] = {
        {"no-wait", no_argument, NULL, 'n'}, {"section", required_argument, NULL, 's'}, {0}};
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        if (option == 's')
            refresh->section = optarg;
        refresh->no_wait = refresh->no_wait || option == 'n';
    }
    refresh->all = optind == invocation->argc;
    return refresh->all || identities_read(&refresh->identities, invocation->argv + optind,
                                           invocation->argc - optind, why);
}

/* A store without records is for `mailfrom-sync --once' to fill: a single one would make the milter
 * take all others for unknown. */
static bool open_store(struct invocation *invocation, struct store **store, struct failure *why)
{
    uint64_t count;

    if (!invocation_store(invocation, STORE_UPDATE, store, why) ||
        !store_count(*store, &count, why))
        return false;
    if (count == 0)
        return failure_set(why, EX_UNAVAILABLE,
                           "the store is empty; `mailfrom-sync --once' fills it");
    return true;
}

/* Takes the local ones out of those that were named. */
static bool part_identities(struct refresh *refresh, struct store *store, struct failure *why)
{
    struct identities *named = &refresh->identities;
    size_t kept = 0;

    if (named->count == 0)
        return true;
    refresh->local.list = calloc(named->count, sizeof named->list[0]);
    if (refresh->local.list == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    for (size_t i = 0; i < named->count; i++) {
        struct mail_from record;
        enum store_result result = store_get(store, named->list[i].text, &record, why);
        if (result == STORE_FAILED)
            return false;
        if (result == STORE_FOUND && record.source == MAIL_FROM_LOCAL)
            refresh->local.list[refresh->local.count++] = named->list[i];
        else
            named->list[kept++] = named->list[i];
    }
    named->count = kept;
    return true;
}

/* Without accounts, an identity that is not here is not anywhere. */
static bool are_known(const struct identities *identities, struct store *store, struct failure *why)
{
    struct mail_from record;

    for (size_t i = 0; i < identities->count; i++) {
        const char *key = identities->list[i].text;
        enum store_result result = store_get(store, key, &record, why);
        if (result == STORE_NOT_FOUND)
            return failure_set(why, EX_UNAVAILABLE, "\"%s\" is not in the store", key);
        if (result == STORE_FAILED)
            return false;
    }
    return true;
}

static bool select_identities(struct refresh *refresh, const struct settings *settings,
                              struct store *store, struct failure *why)
{
    if (settings->ses_count == 0)
        return are_known(&refresh->identities, store, why) &&
               failure_set(why, EX_CONFIG,
                           "the settings have no section `ses', so no AWS account is known; local "
                           "identities are refreshed by their names");
    if (refresh->all)
        return selection_read_all(&refresh->selection, settings, store, refresh->section, why);
    return selection_read_named(&refresh->selection, settings, store, &refresh->identities,
                                refresh->section, why);
}

static const char *noun(size_t count)
{
    return count == 1 ? "identity" : "identities";
}

static void tell_record(const char *key, const struct mail_from *record)
{
    char text[TERMINAL_TEXT_SIZE];

    (void)printf("%s: ", terminal_name(key, text));
    if (record->domain[0] == '\0')
        (void)printf("no MAIL FROM domain");
    else
        (void)printf("%s, %s, %s", record->domain, mail_from_status_words[record->status],
                     mail_from_behavior_words[record->behavior]);
    if (record->source == MAIL_FROM_LOCAL && record->found[0] != '\0')
        (void)printf("; found %s", terminal_text(record->found, text));
    if (record->last_error[0] != '\0')
        (void)printf("; not refreshed: %s", terminal_text(record->last_error, text));
    (void)putchar('\n');
}

/* Of all, one that has left the account was removed, which is in order. */
static bool is_bad(const struct refresh *refresh, enum store_result result,
                   const struct mail_from *record)
{
    return result == STORE_FOUND ? record->last_error[0] != '\0' : !refresh->all;
}

static bool count_bad(const struct refresh *refresh, struct store *store, size_t *bad,
                      struct failure *why)
{
    const struct selection *selection = &refresh->selection;
    struct mail_from record;

    *bad = 0;
    for (size_t i = 0; i < selection->count; i++) {
        enum store_result result = store_get(store, selection->list[i].key, &record, why);
        if (result == STORE_FAILED)
            return false;
        *bad += is_bad(refresh, result, &record);
    }
    return true;
}

/* What became of those that were named; of all, only those that SES refused. */
static bool tell_records(const struct refresh *refresh, struct store *store, struct failure *why)
{
    const struct selection *selection = &refresh->selection;
    struct mail_from record;
    size_t bad = 0;

    for (size_t i = 0; i < selection->count; i++) {
        const char *key = selection->list[i].key;
        enum store_result result = store_get(store, key, &record, why);
        if (result == STORE_FAILED)
            return false;
        bad += is_bad(refresh, result, &record);
        if (refresh->all && !is_bad(refresh, result, &record))
            continue;
        if (result == STORE_FOUND)
            tell_record(key, &record);
        else
            (void)fprintf(stderr, "mailfromctl: \"%s\" is not in the store\n", key);
    }
    return bad == 0 || failure_set(why, EX_UNAVAILABLE, "%s", "");
}

/* mailfrom-sync may have found others than those that were there before. */
static bool read_all_again(struct refresh *refresh, const struct settings *settings,
                           struct store *store, struct failure *why)
{
    selection_reset(&refresh->selection);
    return selection_read_all(&refresh->selection, settings, store, refresh->section, why);
}

static bool tell_all(const struct refresh *refresh, struct store *store, struct failure *why)
{
    size_t count = refresh->selection.count;
    size_t bad;

    if (!count_bad(refresh, store, &bad, why))
        return false;
    if (bad > 0)
        (void)printf("mailfrom-sync refreshed %zu of %zu %s\n", count - bad, count, noun(count));
    else
        (void)printf("mailfrom-sync refreshed %zu %s\n", count, noun(count));
    return tell_records(refresh, store, why);
}

static bool ask(struct refresh *refresh, const struct settings *settings, struct store *store,
                struct failure *why)
{
    const struct selection *selection = &refresh->selection;

    /* mailfrom-sync has one request for all; for one section they are named one by one. */
    bool all = refresh->all && refresh->section == NULL;

    if (!errand_leave(store, selection, all, why))
        return false;
    if (refresh->no_wait) {
        (void)printf("asked mailfrom-sync to refresh %zu %s\n", selection->count,
                     noun(selection->count));
        return true;
    }
    if (!errand_wait(settings, store, selection, all, why))
        return false;
    return (!refresh->all || read_all_again(refresh, settings, store, why)) &&
           tell_all(refresh, store, why);
}

/* --no-wait is for mailfrom-sync alone. */
static bool leave(const struct refresh *refresh, struct store *store, struct failure *why)
{
    if (!errand_leave(store, &refresh->selection, refresh->all && refresh->section == NULL, why))
        return false;
    return failure_set(why, EX_TEMPFAIL,
                       "mailfrom-sync does not run; it will see to it when it does");
}

static bool fetch(const struct refresh *refresh, struct store *store, struct failure *why)
{
    struct fetch_outcome outcome;
    struct failure ignored;
    bool good = fetch_selection(&refresh->selection, store, &outcome, why);

    (void)printf("refreshed %zu of %zu %s (%zu changed)\n", outcome.fetched,
                 refresh->selection.count, noun(refresh->selection.count), outcome.changed);
    if (!good)
        return false;
    /* Those that are missing were told already. */
    if (!refresh->all && outcome.missing == 0)
        return tell_records(refresh, store, why);
    if (!refresh->all)
        (void)tell_records(refresh, store, &ignored);
    if (outcome.missing == 0)
        return true;
    return failure_set(why, EX_UNAVAILABLE, "%s", "");
}

static bool refresh_ses(struct refresh *refresh, const struct settings *settings,
                        struct store *store, struct failure *why)
{
    bool served = false;

    if (!select_identities(refresh, settings, store, why) ||
        !errand_is_served(settings, &served, why))
        return false;
    if (served)
        return ask(refresh, settings, store, why);
    return refresh->no_wait ? leave(refresh, store, why) : fetch(refresh, store, why);
}

/* What was found; that it says nothing definite of one is a failure. */
static bool tell_local(const struct refresh *refresh, struct store *store, struct failure *why)
{
    struct mail_from record;
    size_t unclear = 0;

    for (size_t i = 0; i < refresh->local.count; i++) {
        const char *key = refresh->local.list[i].text;
        enum store_result result = store_get(store, key, &record, why);
        if (result == STORE_FAILED)
            return false;
        if (result == STORE_NOT_FOUND)
            continue;
        tell_record(key, &record);
        unclear += record.domain[0] != '\0' && record.unclear_since != 0;
    }
    return unclear == 0 ||
           failure_set(why, EX_UNAVAILABLE,
                       "the look-up of %zu %s brought nothing definite; the status stays for "
                       "indeterminate-grace",
                       unclear, noun(unclear));
}

static bool refresh_local(const struct refresh *refresh, const struct settings *settings,
                          struct store *store, struct failure *why)
{
    const struct identities *local = &refresh->local;
    struct local_errand errand = {0};
    bool good = false;

    if (refresh->section != NULL)
        return failure_set(why, EX_USAGE, "\"%s\" is local: it belongs to no section `ses'",
                           local->list[0].text);
    if (settings->local.expected_mx.count == 0)
        return failure_set(why, EX_CONFIG,
                           "\"%s\" is local, and expected-mx in the section local of the settings "
                           "is empty, so nothing is looked up",
                           local->list[0].text);
    if (!local_errand_leave(&errand, store, local, why))
        goto out;
    if (refresh->no_wait) {
        (void)printf("asked mailfrom-sync to look up %zu local %s\n", local->count,
                     noun(local->count));
        good = true;
        goto out;
    }
    good = local_errand_wait(&errand, settings, store, why) && tell_local(refresh, store, why);
out:
    local_errand_reset(&errand);
    return good;
}

bool refresh_run(struct invocation *invocation, struct failure *why)
{
    struct refresh refresh = {0};
    struct store *store = NULL;
    bool good = false;

    if (!read_options(&refresh, invocation, why) || !open_store(invocation, &store, why) ||
        !part_identities(&refresh, store, why))
        goto out;
    good = (!refresh.all && refresh.identities.count == 0) ||
           refresh_ses(&refresh, invocation->settings, store, why);
    if (good && refresh.local.count > 0)
        good = refresh_local(&refresh, invocation->settings, store, why);
out:
    selection_reset(&refresh.selection);
    identities_reset(&refresh.identities);
    identities_reset(&refresh.local);
    store_close(store);
    return good;
}
