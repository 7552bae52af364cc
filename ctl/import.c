/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "common/store_key.h"
#include "ctl/batch.h"
#include "ctl/document.h"
#include "ctl/progress.h"

struct import {
    const char *file; /* as people call it */
    bool replace;
    bool dry_run;
    struct batch *batch;
    struct progress progress;
    struct counts {
        size_t added;
        size_t changed;
        size_t unchanged;
        size_t removed;
        size_t taken_over[MAIL_FROM_SOURCE_COUNT]; /* by the source that lost its record */
    } counts;
};

static bool take_item(void *context, const struct attributes_item *item, struct failure *why)
{
    struct import *import = context;

    progress_step(&import->progress, "reading identities", batch_count(import->batch), 0);
    return batch_add(import->batch, item, why);
}

static bool read_file(struct import *import, const char *argument, struct failure *why)
{
    struct document document;
    bool good;

    good = document_read(&document, argument, why) &&
           attributes_read(document.text, document.length, (int64_t)time(NULL), take_item, import,
                           why) &&
           batch_sort(import->batch, why);
    document_reset(&document);
    return good || failure_prefix(why, "%s", import->file);
}

static bool same_domain_and_status(const struct mail_from *a, const struct mail_from *b)
{
    return strcmp(a->domain, b->domain) == 0 && (a->domain[0] == '\0' || a->status == b->status);
}

static bool same_attributes(const struct mail_from *a, const struct mail_from *b)
{
    return same_domain_and_status(a, b) && a->behavior == b->behavior && a->source == b->source &&
           strcmp(a->section, b->section) == 0 && a->verified == b->verified &&
           a->feedback_off == b->feedback_off && a->expire_after == b->expire_after;
}

static bool store_one(struct import *import, struct store *store, size_t index, struct failure *why)
{
    struct counts *counts = &import->counts;
    struct mail_from record;
    struct mail_from stored;
    struct attributes_given given;
    const char *key = batch_get(import->batch, index, &record, &given);
    enum store_result result = store_get(store, key, &stored, why);

    if (result == STORE_FAILED)
        return false;
    if (result == STORE_NOT_FOUND) {
        counts->added++;
        return store_put(store, key, &record, why);
    }
    if (!given.since && same_domain_and_status(&record, &stored))
        record.status_since = stored.status_since;
    if (!given.feedback)
        record.feedback_off = stored.feedback_off;
    if (stored.source != record.source)
        counts->taken_over[stored.source]++;
    if (same_attributes(&record, &stored))
        counts->unchanged++;
    else
        counts->changed++;
    return store_put(store, key, &record, why);
}

/* The keys of file records that the batch does not have. Both are sorted, so one walk finds them.
 */
struct leftovers {
    const struct batch *batch;
    size_t next; /* in the batch */
    char **keys;
    size_t count;
    bool out_of_memory;
};

static bool note_leftover(void *context, const char *key, const struct mail_from *record)
{
    struct leftovers *leftovers = context;
    char **keys;

    while (leftovers->next < batch_count(leftovers->batch) &&
           store_key_compare(batch_key(leftovers->batch, leftovers->next), key) < 0)
        leftovers->next++;
    if (record->source != MAIL_FROM_FILE ||
        (leftovers->next < batch_count(leftovers->batch) &&
         strcmp(batch_key(leftovers->batch, leftovers->next), key) == 0))
        return true;
    keys = reallocarray(leftovers->keys, leftovers->count + 1, sizeof keys[0]);
    if (keys != NULL) {
        leftovers->keys = keys;
        keys[leftovers->count] = strdup(key);
    }
    leftovers->out_of_memory = keys == NULL || keys[leftovers->count] == NULL;
    leftovers->count += leftovers->out_of_memory ? 0 : 1;
    return !leftovers->out_of_memory;
}

static bool remove_leftovers(struct import *import, struct store *store, struct failure *why)
{
    struct leftovers leftovers = {.batch = import->batch};
    bool good = store_each(store, note_leftover, &leftovers, why);
    bool existed;

    if (good && leftovers.out_of_memory)
        good = failure_set(why, EX_OSERR, "out of memory");
    for (size_t i = 0; i < leftovers.count; i++) {
        good = good && store_remove(store, leftovers.keys[i], &existed, why);
        free(leftovers.keys[i]);
    }
    free(leftovers.keys);
    import->counts.removed = leftovers.count;
    return good;
}

static bool store_all(struct store *store, void *context, struct failure *why)
{
    struct import *import = context;
    size_t count = batch_count(import->batch);

    import->counts = (struct counts){0}; /* the store may call again, when its map has grown */
    for (size_t i = 0; i < count; i++) {
        progress_step(&import->progress, "storing identities", i, count);
        if (!store_one(import, store, i, why))
            return false;
    }
    return !import->replace || remove_leftovers(import, store, why);
}

static const char *plural(size_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

static void tell_outcome(const struct import *import)
{
    const struct counts *counts = &import->counts;
    size_t total = batch_count(import->batch);

    if (import->dry_run) {
        (void)printf("%s is good: %zu %s; nothing was imported (--dry-run)\n", import->file, total,
                     plural(total, "identity", "identities"));
        return;
    }
    (void)printf("imported %zu %s (%zu new, %zu changed, %zu unchanged)", total,
                 plural(total, "identity", "identities"), counts->added, counts->changed,
                 counts->unchanged);
    for (int source = 0; source < MAIL_FROM_SOURCE_COUNT; source++) {
        if (counts->taken_over[source] > 0)
            (void)printf("; replaced %zu %s %s", counts->taken_over[source],
                         mail_from_source_words[source],
                         plural(counts->taken_over[source], "record", "records"));
    }
    if (import->replace)
        (void)printf("; removed %zu file %s", counts->removed,
                     plural(counts->removed, "record", "records"));
    (void)putchar('\n');
}

static bool import_file(struct import *import, struct invocation *invocation, const char *argument,
                        struct failure *why)
{
    struct store *store = NULL;
    bool good = read_file(import, argument, why);

    if (good && !import->dry_run)
        good = invocation_store(invocation, STORE_WRITE, &store, why) &&
               store_update(store, store_all, import, why);
    progress_end(&import->progress);
    if (good && store != NULL)
        invocation_warn_of_empty_store(invocation, store);
    store_close(store);
    if (!good) {
        struct failure cause = *why;
        return failure_set(why, cause.exit_code, "%.900s; nothing was imported", cause.text);
    }
    tell_outcome(import);
    return true;
}

static bool read_options(struct import *import, struct invocation *invocation, struct failure *why)
{
    static const struct option options[] = {
        {"replace", no_argument, NULL, 'r'}, {"dry-run", no_argument, NULL, 'n'}, {0}};
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        import->replace = import->replace || option == 'r';
        import->dry_run = import->dry_run || option == 'n';
    }
    if (optind + 1 != invocation->argc)
        return invocation_misused(invocation, why, "one FILE is needed, or - for standard input");
    return true;
}

bool import_run(struct invocation *invocation, struct failure *why)
{
    struct import import = {0};
    const char *argument;
    bool good;

    if (!read_options(&import, invocation, why))
        return false;
    argument = invocation->argv[optind];
    import.file = strcmp(argument, "-") == 0 ? "standard input" : argument;
    import.batch = batch_new();
    if (import.batch == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    progress_init(&import.progress);
    good = import_file(&import, invocation, argument, why);
    batch_free(import.batch);
    return good;
}
