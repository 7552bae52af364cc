/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/put.h"

#include <string.h>
#include <sysexits.h>

#include "common/moment.h"
#include "common/word.h"
#include "ctl/batch.h"
#include "ctl/document.h"
#include "ctl/local_record.h"
#include "ctl/progress.h"

enum { TOLD_MAX = 20 /* bad ones that are named; of more there is only the number */ };

struct putting {
    const char *file; /* as people call it */
    bool add;
    bool force;
    struct batch *batch;
    struct progress progress;
    size_t refused; /* that were bad in the file */
    size_t unfit;   /* that the store has not as local ones */
    struct counts {
        size_t looked_up; /* of those set or added: not only switched */
        size_t set;
        size_t unchanged;
        size_t added;
    } counts;
};

static void tell(struct putting *putting, const struct failure *reason)
{
    struct failure why = *reason;

    if (putting->refused + putting->unfit > TOLD_MAX)
        return;
    progress_end(&putting->progress);
    (void)failure_prefix(&why, "%s", putting->file);
    (void)fprintf(stderr, "mailfromctl: %s\n", why.text);
}

static bool take(void *context, const struct attributes_item *item, struct failure *why)
{
    struct putting *putting = context;

    progress_step(&putting->progress, "reading identities", batch_count(putting->batch), 0);
    return batch_add(putting->batch, item, why);
}

static void refuse(void *context, const struct failure *reason)
{
    struct putting *putting = context;

    putting->refused++;
    tell(putting, reason);
}

static bool read_file(struct putting *putting, const char *argument, struct failure *why)
{
    struct document document;
    bool good;

    good = document_read(&document, argument, why) &&
           attributes_read_puts(document.text, document.length, take, refuse, putting, why) &&
           batch_sort(putting->batch, why);
    document_reset(&document);
    return good || failure_prefix(why, "%s", putting->file);
}

/* Why it cannot be set here; false for nothing. */
static bool is_unfit(const struct putting *putting, const char *key, enum store_result result,
                     const struct mail_from *stored, struct failure *reason)
{
    if (result == STORE_NOT_FOUND && !putting->add)
        return !failure_set(reason, EX_DATAERR,
                            "identity \"%s\": NotFoundException: Email identity %s does not exist "
                            "(--add makes it)",
                            key, key);
    if (result == STORE_FOUND && stored->source != MAIL_FROM_LOCAL)
        return !failure_set(reason, EX_UNAVAILABLE,
                            "identity \"%s\": has the source %s, not local (`mailfromctl adopt "
                            "%s' makes it local)",
                            key, mail_from_source_words[stored->source], key);
    return false;
}

/* Before anything is written, so that it runs to its end once. */
static bool check_all(struct store *store, void *context, struct failure *why)
{
    struct putting *putting = context;
    struct mail_from stored;
    struct failure reason;

    for (size_t i = 0; i < batch_count(putting->batch); i++) {
        const char *key = batch_key(putting->batch, i);
        enum store_result result = store_get(store, key, &stored, why);
        if (result == STORE_FAILED)
            return false;
        if (!is_unfit(putting, key, result, &stored, &reason))
            continue;
        putting->unfit++;
        tell(putting, &reason);
    }
    return putting->unfit == 0 || failure_set(why, EX_DATAERR, "%s", "");
}

static bool set_one(struct putting *putting, struct store *store, size_t index, struct failure *why)
{
    struct counts *counts = &putting->counts;
    struct mail_from wanted;
    struct mail_from record;
    struct attributes_given given;
    const char *key = batch_get(putting->batch, index, &wanted, &given);
    enum store_result result = store_get(store, key, &record, why);
    enum local_record_change change = LOCAL_RECORD_SAME;
    bool unchanged;

    if (result == STORE_FAILED)
        return false;
    if (result == STORE_NOT_FOUND)
        local_record_init(&record, wanted.kind);
    if (given.mail_from || !given.feedback)
        change = local_record_put(&record, wanted.domain, wanted.behavior, putting->force,
                                  moment_milliseconds() / 1000);
    unchanged = change == LOCAL_RECORD_SAME;
    if (given.feedback && local_record_switch_feedback(&record, wanted.feedback_off))
        unchanged = false;
    counts->looked_up += result == STORE_NOT_FOUND || change != LOCAL_RECORD_SAME;
    if (result == STORE_NOT_FOUND)
        counts->added++;
    else if (unchanged)
        counts->unchanged++;
    else
        counts->set++;
    return (result == STORE_FOUND && unchanged) || store_put(store, key, &record, why);
}

static bool set_all(struct store *store, void *context, struct failure *why)
{
    struct putting *putting = context;
    size_t count = batch_count(putting->batch);

    putting->counts = (struct counts){0}; /* the store may call again, when its map has grown */
    if (!check_all(store, putting, why))
        return false;
    for (size_t i = 0; i < count; i++) {
        progress_step(&putting->progress, "setting identities", i, count);
        if (!set_one(putting, store, i, why))
            return false;
    }
    return true;
}

/* A store that is missing is made only for what --add puts into it. */
static bool open_store(const struct putting *putting, struct invocation *invocation,
                       struct store **store, struct failure *why)
{
    if (putting->refused > 0)
        return invocation_store(invocation, STORE_READ, store, why);
    return invocation_store(invocation, putting->add ? STORE_WRITE : STORE_UPDATE, store, why);
}

/* With what the file itself has wrong told, the store can only have more to tell. */
static bool put_all(struct putting *putting, struct invocation *invocation, struct failure *why)
{
    struct store *store = NULL;
    bool opened = open_store(putting, invocation, &store, why);
    bool good = false;
    size_t bad, all;

    if (opened && putting->refused > 0)
        (void)check_all(store, putting, why);
    else if (opened)
        good = store_update(store, set_all, putting, why);
    if (good)
        invocation_warn_of_empty_store(invocation, store);
    store_close(store);
    progress_end(&putting->progress);
    bad = putting->refused + putting->unfit;
    all = batch_count(putting->batch) + putting->refused;
    if (bad == 0)
        return good;
    return failure_set(why, EX_DATAERR, "%s: %zu of %zu %s cannot be set; nothing was changed",
                       putting->file, bad, all, word_for(all, "identity", "identities"));
}

static void tell_outcome(const struct putting *putting, const struct settings *settings)
{
    const struct counts *counts = &putting->counts;
    size_t total = batch_count(putting->batch);

    (void)printf("put %zu %s (%zu set, %zu unchanged, %zu added)\n", total,
                 total == 1 ? "identity" : "identities", counts->set, counts->unchanged,
                 counts->added);
    if (counts->looked_up > 0 && settings->local.expected_mx.count == 0)
        (void)fputs("mailfromctl: warning: expected-mx in the section local of the settings is "
                    "empty, so nothing is checked\n",
                    stderr);
}

bool put_file(struct invocation *invocation, const char *file, bool add, bool force,
              struct failure *why)
{
    struct putting putting = {.file = strcmp(file, "-") == 0 ? "standard input" : file,
                              .add = add,
                              .force = force,
                              .batch = batch_new()};
    bool good;

    if (putting.batch == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    progress_init(&putting.progress);
    good = read_file(&putting, file, why) && put_all(&putting, invocation, why);
    progress_end(&putting.progress);
    if (good)
        tell_outcome(&putting, invocation->settings);
    batch_free(putting.batch);
    return good;
}
