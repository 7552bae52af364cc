/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/listing.h"
#include "sync/clock.h"
#include "sync/sighting.h"

#include "common/log.h"
#include "common/spelling.h"
#include "common/word.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { PAGES_MAX = 10000, LISTS_TO_AGREE = 2 };

/* --- the end of a list --- */

struct removing {
    struct account *account;
    struct transition *transitions;
    size_t transition_count;
    uint64_t before; /* so many there were */
};

static bool is_gone(const void *context, const struct entry *entry)
{
    const struct account *account = context;
    return entry->seen != account->listing.run && entry->missing >= LISTS_TO_AGREE;
}

static bool remove_record(struct removing *removing, struct store *store, const char *key,
                          struct failure *why)
{
    struct mail_from record;
    enum store_result result = store_get(store, key, &record, why);
    bool existed;

    if (result == STORE_FAILED)
        return false;
    if (result == STORE_NOT_FOUND || account_owns(removing->account, &record) != OWNERSHIP_OURS)
        return true;
    if (record.checked != 0 &&
        transition_between(&removing->transitions[removing->transition_count], key, &record, NULL))
        removing->transition_count++;
    return store_remove(store, key, &existed, why) && spelling_put(store, key, NULL, why);
}

static bool remove_gone(struct store *store, void *context, struct failure *why)
{
    struct removing *removing = context;
    struct account *account = removing->account;

    removing->transition_count = 0;
    for (size_t i = 0; i < account->table.count; i++) {
        if (is_gone(account, account->table.entries[i]) &&
            !remove_record(removing, store, account->table.entries[i]->key, why))
            return false;
    }
    account->state.transitions = removing->before + removing->transition_count;
    return account_put_state(account, store, why);
}

static size_t count_gone(struct account *account)
{
    size_t gone = 0;

    for (size_t i = 0; i < account->table.count; i++) {
        struct entry *entry = account->table.entries[i];
        entry->missing = entry->seen == account->listing.run ? 0 : entry->missing + 1;
        gone += is_gone(account, entry);
    }
    return gone;
}

/* Records that nobody lists any more go, and with them what is known of them. */
static void remove_missing(struct account *account)
{
    size_t gone = count_gone(account);
    struct removing removing = {account, calloc(gone + 1, sizeof *removing.transitions), 0,
                                account->state.transitions};
    struct failure why;

    if (removing.transitions == NULL)
        return;
    if (shared_store_update(account->around->store, remove_gone, &removing, &why)) {
        for (size_t i = 0; i < removing.transition_count; i++)
            transitions_report(account->around->transitions, &removing.transitions[i],
                               account->ses->on_transition, account->ses->on_transition_timeout);
        table_prune(&account->table, is_gone, account);
    } else {
        account->state.transitions = removing.before;
        account_store_failed(account, &why);
    }
    free(removing.transitions);
}

static void complete(struct account *account)
{
    struct listing *listing = &account->listing;
    size_t seen = 0;

    listing->open = false;
    listing->due = listing->began + account->ses->list_every;
    account_recover(account, account->ses->identities.count > 0 ? SOURCE_VERIFY : SOURCE_LIST);
    account->last_complete_list = listing->began;
    account->state.last_list = clock_now();
    for (size_t i = 0; i < account->table.count; i++)
        seen += account->table.entries[i]->seen == listing->run;
    account->state.identities = seen;
    account_end_remarks(account);
    if (!listing->partial)
        remove_missing(account);
}

bool listing_has_doubt(const struct account *account)
{
    if (account->listing.partial)
        return false;
    for (size_t i = 0; i < account->table.count; i++) {
        if (account->table.entries[i]->missing > 0)
            return true;
    }
    return false;
}

/* --- pages of the account --- */

/* A page is remembered by what it leads to: one that leads to itself would never end. */
static bool check_page(const struct listing *listing, const struct api_v2_page *page,
                       struct failure *why)
{
    if (page->next_token[0] == '\0' ||
        (strcmp(page->next_token, listing->token) != 0 && listing->pages < PAGES_MAX))
        return true;
    return failure_set(why, EX_PROTOCOL, "ListEmailIdentities: the list does not end");
}

static void take_page(struct account *account, const struct api_v2_page *page)
{
    struct listing *listing = &account->listing;
    struct sightings sightings;

    listing->open = false; /* unless all goes well */
    if (page->passed_over > 0) {
        listing->partial = true;
        account_remark(account, "ListEmailIdentities is incomplete",
                       "%zu items have no name that can be read; no identity is taken for gone",
                       page->passed_over);
    }
    if (!sightings_init(&sightings, account, page->count))
        return;
    for (size_t i = 0; i < page->count; i++)
        sightings_add(&sightings, page->listed[i].name, page->listed[i].sending);
    if (sightings.unsaid > 0)
        account_remark(account, "ListEmailIdentities does not say who may send",
                       "%zu %s without a readable SendingEnabled; what is known stays",
                       sightings.unsaid, word_for(sightings.unsaid, "identity", "identities"));
    if (sightings_take_over(&sightings)) {
        atomic_fetch_add(&account->progress_listed, sightings.count);
        listing->pages++;
        listing->open = page->next_token[0] != '\0';
        memcpy(listing->token, page->next_token, sizeof listing->token);
        if (!listing->open)
            complete(account);
    }
    sightings_reset(&sightings);
}

static void list_page(struct account *account)
{
    struct api_v2_page page = {.count = 0};
    struct failure why;
    enum outcome outcome;

    if (!account_begin_call(account, SOURCE_LIST))
        return;
    outcome =
        ses_client_list(account->client, API_V2_PAGE_MAX, account->listing.token, &page, &why);
    if (outcome == OUTCOME_OK && !check_page(&account->listing, &page, &why)) {
        api_v2_page_reset(&page);
        outcome = OUTCOME_MALFORMED_REPLY;
    }
    if (!account_end_call(account, SOURCE_LIST, outcome, &why)) {
        account->listing.open = false;
        return;
    }
    take_page(account, &page);
    api_v2_page_reset(&page);
}

/* --- identities of the settings --- */

static void push_range(struct listing *listing, size_t from, size_t to)
{
    if (from < to && listing->range_count < LISTING_RANGES_MAX)
        listing->ranges[listing->range_count++] = (struct range){from, to};
}

static struct range pop_range(struct listing *listing)
{
    struct range range = listing->ranges[--listing->range_count];

    if (range.to - range.from > API_V1_IDENTITIES_MAX) {
        push_range(listing, range.from + API_V1_IDENTITIES_MAX, range.to);
        range.to = range.from + API_V1_IDENTITIES_MAX;
    }
    return range;
}

static void end_range(struct account *account)
{
    account->listing.open = account->listing.range_count > 0;
    if (!account->listing.open)
        complete(account);
}

/* What could not be read, with the first complaint; NULL: all could. */
static const char *first_error(const struct api_v1_verification answers[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (answers[i].answer == API_UNREADABLE)
            return answers[i].error;
    }
    return NULL;
}

static enum api_sending sending_of(const struct api_v1_verification *answer)
{
    if (answer->answer != API_ANSWERED)
        return API_SENDING_UNSAID;
    return answer->status == API_VERIFICATION_SUCCESS ? API_SENDING_YES : API_SENDING_NO;
}

static void take_answers(struct account *account, struct range range,
                         const struct api_v1_verification answers[])
{
    struct sightings sightings;

    account->listing.open = false;
    if (!sightings_init(&sightings, account, range.to - range.from))
        return;
    for (size_t i = 0; i < range.to - range.from; i++) {
        if (answers[i].answer != API_UNKNOWN)
            sightings_add(&sightings, account->ses->identities.items[range.from + i],
                          sending_of(&answers[i]));
    }
    if (sightings.unsaid > 0)
        account_remark(account, "GetIdentityVerificationAttributes does not say who may send",
                       "%zu %s, the first: %s; what is known stays", sightings.unsaid,
                       word_for(sightings.unsaid, "identity", "identities"),
                       first_error(answers, range.to - range.from));
    if (sightings_take_over(&sightings)) {
        atomic_fetch_add(&account->progress_listed, sightings.count);
        end_range(account);
    }
    sightings_reset(&sightings);
}

/* One that SES refuses is not missing: it stays as it is. */
static void pass_over(struct account *account, const char *name, const struct failure *why)
{
    struct entry *entry = table_find(&account->table, name);
    char shown[ACCOUNT_ESCAPED_SIZE];
    char about[ACCOUNT_REMARK_SIZE];

    if (entry != NULL)
        entry->seen = account->listing.run;
    account->listing.refused += entry == NULL;
    (void)snprintf(about, sizeof about, "identity=%s of the settings is passed over",
                   account_escape(name, shown));
    account_remark(account, about, "%s", why->text);
    end_range(account);
}

static void divide(struct account *account, struct range range, const struct failure *why)
{
    struct listing *listing = &account->listing;
    size_t middle = range.from + (range.to - range.from) / 2;
    const char *first = account->ses->identities.items[range.from];
    bool is_alone = range.to - range.from == 1;

    listing->open = account_end_refused(account, SOURCE_VERIFY, is_alone ? first : NULL, why) !=
                    REFUSAL_OF_ACCOUNT;
    if (!listing->open)
        return;
    if (is_alone) {
        pass_over(account, first, why);
        return;
    }
    push_range(listing, middle, range.to);
    push_range(listing, range.from, middle);
}

static void verify_range(struct account *account)
{
    struct api_v1_verification *answers = calloc(API_V1_IDENTITIES_MAX, sizeof *answers);
    struct listing *listing = &account->listing;
    struct range range = pop_range(listing);
    const char *const *names = (const char *const *)account->ses->identities.items + range.from;
    struct failure why;
    enum outcome outcome;

    if (answers == NULL || !account_begin_call(account, SOURCE_VERIFY)) {
        listing->open = false;
        free(answers);
        return;
    }
    outcome =
        ses_client_get_verification(account->client, names, range.to - range.from, answers, &why);
    if (outcome == OUTCOME_BAD_REQUEST)
        divide(account, range, &why);
    else if (account_end_call(account, SOURCE_VERIFY, outcome, &why))
        take_answers(account, range, answers);
    else
        listing->open = false;
    free(answers);
}

void listing_step(struct account *account)
{
    struct listing *listing = &account->listing;
    size_t named = account->ses->identities.count;

    if (!listing->open) {
        listing->open = true;
        listing->run++;
        listing->began = clock_now();
        listing->token[0] = '\0';
        listing->pages = 0;
        listing->partial = false;
        listing->refused = 0;
        listing->range_count = 0;
        push_range(listing, 0, named);
        atomic_store(&account->progress_listed, 0);
    }
    if (named > 0)
        verify_range(account);
    else
        list_page(account);
}
