/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/fetch.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ctl/account.h"
#include "ctl/answer.h"
#include "ctl/progress.h"
#include "ctl/section.h"

struct fetch {
    struct account *account;
    struct store *store;
    struct progress progress;
    size_t total;
    struct fetch_outcome *outcome;
    struct api_v1_mail_from answers[API_V1_IDENTITIES_MAX];
};

static void tell_missing(struct fetch *fetch, const struct selected *item,
                         const struct failure *reason)
{
    char name[SECTION_NAME_SIZE];
    struct failure why = *reason;

    (void)failure_prefix(&why, "identity \"%s\" in section %s", item->key,
                         section_name(item->section->title, name));
    progress_end(&fetch->progress);
    (void)fprintf(stderr, "mailfromctl: %s\n", why.text);
    fetch->outcome->missing++;
}

static bool differ(const struct mail_from *a, const struct mail_from *b)
{
    return strcmp(a->domain, b->domain) != 0 || a->behavior != b->behavior ||
           (a->domain[0] != '\0' && a->status != b->status);
}

/* The answers to one call, on their way into the store. */
struct arrival {
    struct fetch *fetch;
    const struct selected *items;
    size_t count;
    size_t changed;
};

static bool store_answer(struct arrival *arrival, struct store *store, size_t index,
                         struct failure *why)
{
    const struct selected *item = &arrival->items[index];
    const struct api_v1_mail_from *answer = &arrival->fetch->answers[index];
    struct mail_from record, before;
    enum store_result result = store_get(store, item->key, &record, why);

    /* Somebody may have removed or imported it meanwhile. */
    if (result != STORE_FOUND || record.source != MAIL_FROM_SES || answer->answer != API_ANSWERED)
        return result != STORE_FAILED;
    before = record;
    answer_apply(&record, answer, item->section, (int64_t)time(NULL));
    arrival->changed += differ(&record, &before);
    return store_put(store, item->key, &record, why);
}

static bool store_answers(struct store *store, void *context, struct failure *why)
{
    struct arrival *arrival = context;

    arrival->changed = 0; /* the store may call again, when its map has grown */
    for (size_t i = 0; i < arrival->count; i++) {
        if (!store_answer(arrival, store, i, why))
            return false;
    }
    return true;
}

static void judge_answer(struct fetch *fetch, const struct selected *item,
                         const struct api_v1_mail_from *answer)
{
    struct failure why;

    switch (answer->answer) {
    case API_ANSWERED:
        fetch->outcome->fetched++;
        break;
    case API_UNKNOWN:
        (void)failure_set(&why, 0, "SES does not know it");
        tell_missing(fetch, item, &why);
        break;
    case API_UNREADABLE:
        (void)failure_set(&why, 0, "%s", answer->error);
        tell_missing(fetch, item, &why);
        break;
    }
}

static bool keep(struct fetch *fetch, const struct selected *items, size_t count,
                 struct failure *why)
{
    struct arrival arrival = {.fetch = fetch, .items = items, .count = count};

    if (!store_update(fetch->store, store_answers, &arrival, why))
        return false;
    fetch->outcome->changed += arrival.changed;
    for (size_t i = 0; i < count; i++)
        judge_answer(fetch, &items[i], &fetch->answers[i]);
    progress_show(&fetch->progress, "refreshing identities", fetch->outcome->fetched, fetch->total);
    return true;
}

/* SES refuses a batch as a whole: halved until the one identity stands alone that it dislikes. */
static bool fetch_batch(struct fetch *fetch, const struct selected *items, size_t count,
                        struct failure *why)
{
    const char *keys[API_V1_IDENTITIES_MAX];
    enum outcome outcome;

    for (size_t i = 0; i < count; i++)
        keys[i] = items[i].name;
    outcome = account_get_mail_from(fetch->account, keys, count, fetch->answers, why);
    if (outcome == OUTCOME_OK)
        return keep(fetch, items, count, why);
    if (outcome != OUTCOME_BAD_REQUEST)
        return false;
    if (count == 1) {
        tell_missing(fetch, items, why);
        return true;
    }
    return fetch_batch(fetch, items, count / 2, why) &&
           fetch_batch(fetch, items + count / 2, count - count / 2, why);
}

/* What a batch does not say of an identity that is new: whether it may send. */
struct newcomer {
    const struct selected *item;
    const struct api_v2_identity *answer;
};

static bool store_newcomer(struct store *store, void *context, struct failure *why)
{
    const struct newcomer *newcomer = context;
    struct mail_from record = {.source = MAIL_FROM_SES};
    enum store_result result = store_get(store, newcomer->item->key, &record, why);

    /* Somebody may have made it meanwhile: of SES mailfrom-sync, of another source a person. */
    if (result == STORE_FAILED || record.source != MAIL_FROM_SES)
        return result != STORE_FAILED;
    record.kind = newcomer->answer->kind;
    record.verified = newcomer->answer->sending == API_SENDING_YES;
    answer_apply(&record, &newcomer->answer->mail_from, newcomer->item->section,
                 (int64_t)time(NULL));
    return store_put(store, newcomer->item->key, &record, why);
}

/* Nothing is known of it that could stay as it is: so it has to be readable whole. */
static bool check_newcomer(const struct api_v2_identity *answer, struct failure *why)
{
    if (answer->mail_from.answer != API_ANSWERED)
        return failure_set(why, 0, "%s", answer->mail_from.error);
    return answer->sending != API_SENDING_UNSAID ||
           failure_set(why, 0, "SES does not say whether it may send (VerifiedForSendingStatus)");
}

static bool fetch_newcomer(struct fetch *fetch, const struct selected *item, struct failure *why)
{
    struct api_v2_identity answer;
    struct newcomer newcomer = {.item = item, .answer = &answer};
    enum outcome outcome = account_get_identity(fetch->account, item->name, &answer, why);

    if (outcome == OUTCOME_NOT_FOUND || outcome == OUTCOME_BAD_REQUEST ||
        (outcome == OUTCOME_OK && !check_newcomer(&answer, why))) {
        tell_missing(fetch, item, why);
        return true;
    }
    if (outcome != OUTCOME_OK || !store_update(fetch->store, store_newcomer, &newcomer, why))
        return false;
    fetch->outcome->fetched++;
    fetch->outcome->changed++;
    return true;
}

/* How many of the list, all of them of one section, fit into the next call. */
static size_t measure_batch(const struct selected *list, size_t count)
{
    size_t length = 1;

    while (length < count && length < API_V1_IDENTITIES_MAX && list[length].known)
        length++;
    return length;
}

static bool fetch_section(struct fetch *fetch, const struct selected *list, size_t count,
                          struct failure *why)
{
    bool good = true;

    fetch->account = account_open(list[0].section, fetch->store, why);
    if (fetch->account == NULL)
        return false;
    for (size_t done = 0, length; good && done < count; done += length) {
        length = measure_batch(list + done, count - done);
        good = list[done].known ? fetch_batch(fetch, list + done, length, why)
                                : fetch_newcomer(fetch, list + done, why);
    }
    account_close(fetch->account);
    return good;
}

bool fetch_selection(const struct selection *selection, struct store *store,
                     struct fetch_outcome *outcome, struct failure *why)
{
    struct fetch fetch = {.store = store, .total = selection->count, .outcome = outcome};
    bool good = true;

    *outcome = (struct fetch_outcome){0};
    progress_init(&fetch.progress);
    for (size_t i = 0, end; good && i < selection->count; i = end) {
        for (end = i + 1; end < selection->count; end++) {
            if (selection->list[end].section != selection->list[i].section)
                break;
        }
        good = fetch_section(&fetch, &selection->list[i], end - i, why);
    }
    progress_end(&fetch.progress);
    return good;
}
