/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The identities of the gateway that is its own SES: made, removed and listed.
 */
#include "ctl/command.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/identities.h"
#include "ctl/list.h"
#include "ctl/local_record.h"
#include "ctl/terminal.h"

struct adding {
    const struct identities *identities;
    bool *known; /* was it local already? */
    size_t added;
};

static bool add_one(struct adding *adding, struct store *store, size_t index, struct failure *why)
{
    const struct identity *identity = &adding->identities->list[index];
    struct mail_from record;
    enum store_result result = store_get(store, identity->text, &record, why);

    if (result == STORE_FAILED)
        return false;
    if (result == STORE_FOUND && record.source != MAIL_FROM_LOCAL)
        return failure_set(why, EX_UNAVAILABLE,
                           "\"%s\" exists and has the source %s; `mailfromctl adopt %s' makes it "
                           "local; nothing was added",
                           identity->text, mail_from_source_words[record.source], identity->text);
    adding->known[index] = result == STORE_FOUND;
    if (result == STORE_FOUND)
        return true;
    adding->added++;
    local_record_init(&record, identity->kind);
    return store_put(store, identity->text, &record, why);
}

static bool add_all(struct store *store, void *context, struct failure *why)
{
    struct adding *adding = context;

    adding->added = 0; /* the store may call again, when its map has grown */
    for (size_t i = 0; i < adding->identities->count; i++) {
        if (!add_one(adding, store, i, why))
            return false;
    }
    return true;
}

static const char *noun(size_t count)
{
    return count == 1 ? "identity" : "identities";
}

/* One record is enough for the milter to take all that are missing for unknown. */
static void warn_of_missing(const struct adding *adding, const struct settings *settings,
                            struct store *store)
{
    struct failure ignored;
    uint64_t count;

    if (settings->ses_count > 0 && store_count(store, &count, &ignored) && count == adding->added)
        (void)fputs("mailfromctl: warning: the store has no identities from SES yet; the milter "
                    "takes them for unknown until mailfrom-sync has fetched them\n",
                    stderr);
}

static void tell_added(const struct adding *adding)
{
    char text[TERMINAL_TEXT_SIZE];

    for (size_t i = 0; i < adding->identities->count; i++) {
        if (adding->known[i])
            (void)printf("%s is local already\n",
                         terminal_name(adding->identities->list[i].text, text));
    }
    (void)printf("added %zu %s\n", adding->added, noun(adding->added));
}

static bool add(const struct identities *identities, struct invocation *invocation,
                struct failure *why)
{
    struct adding adding = {.identities = identities,
                            .known = calloc(identities->count, sizeof(bool))};
    struct store *store = NULL;
    bool good = adding.known != NULL || failure_set(why, EX_OSERR, "out of memory");

    for (size_t i = 0; good && i < identities->count; i++)
        good = identities_check_new(&identities->list[i], why) ||
               failure_prefix(why, "identity \"%s\"", identities->list[i].text);
    good = good && invocation_store(invocation, STORE_WRITE, &store, why) &&
           store_update(store, add_all, &adding, why);
    if (good) {
        tell_added(&adding);
        warn_of_missing(&adding, invocation->settings, store);
    }
    store_close(store);
    free(adding.known);
    return good;
}

static bool remove_one(struct store *store, const char *key, struct failure *why)
{
    struct mail_from record;
    enum store_result result = store_get(store, key, &record, why);
    bool existed;

    if (result == STORE_FAILED)
        return false;
    if (result == STORE_NOT_FOUND)
        return failure_set(why, EX_UNAVAILABLE,
                           "NotFoundException: Email identity %s does not exist; nothing was "
                           "removed",
                           key);
    if (record.source != MAIL_FROM_LOCAL)
        return failure_set(why, EX_UNAVAILABLE,
                           "\"%s\" has the source %s, not local: `mailfromctl remove %s' takes it "
                           "out of the store; nothing was removed",
                           key, mail_from_source_words[record.source], key);
    return store_remove(store, key, &existed, why);
}

static bool remove_all(struct store *store, void *context, struct failure *why)
{
    const struct identities *identities = context;

    for (size_t i = 0; i < identities->count; i++) {
        if (!remove_one(store, identities->list[i].text, why))
            return false;
    }
    return true;
}

static bool remove_local(struct identities *identities, struct invocation *invocation,
                         struct failure *why)
{
    struct store *store = NULL;
    bool good;

    good = invocation_store(invocation, STORE_UPDATE, &store, why) &&
           store_update(store, remove_all, identities, why);
    if (good) {
        (void)printf("removed %zu %s\n", identities->count, noun(identities->count));
        invocation_warn_of_empty_store(invocation, store);
    }
    store_close(store);
    return good;
}

static bool list(struct invocation *invocation, struct failure *why)
{
    static const enum mail_from_source local = MAIL_FROM_LOCAL;
    struct list list = {.only = &local, .columns = terminal_columns()};

    return invocation_json(invocation, "it is about all local identities", &list.json, why) &&
           list_print(&list, invocation, why);
}

static bool add_or_remove(bool adds, struct invocation *invocation, struct failure *why)
{
    static const struct option options[] = {{0}};
    struct identities identities = {0};
    bool good;

    if (invocation_option(invocation, options, why) != -1)
        return false;
    if (optind == invocation->argc)
        return invocation_misused(invocation, why, "which identity?");
    good =
        identities_read(&identities, invocation->argv + optind, invocation->argc - optind, why) &&
        (adds ? add(&identities, invocation, why) : remove_local(&identities, invocation, why));
    identities_reset(&identities);
    return good;
}

bool identity_run(struct invocation *invocation, struct failure *why)
{
    static const char *const parts[] = {"add", "remove", "list", NULL};
    struct invocation rest = *invocation;
    const char *what = invocation->argc > 1 ? invocation->argv[1] : "";
    bool good;

    rest.argc--; /* what it is to do takes the place of the command's name */
    rest.argv++;
    if (strcmp(what, "list") == 0)
        good = list(&rest, why);
    else if (strcmp(what, "add") == 0 || strcmp(what, "remove") == 0)
        good = add_or_remove(what[0] == 'a', &rest, why);
    else
        good = invocation_part(invocation, parts, "add, remove or list", why);
    invocation->settings = rest.settings;
    return good;
}
