/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/selection.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "common/spelling.h"
#include "ctl/section.h"

static bool add(struct selection *selection, const char *key, const char *name,
                const struct settings_ses *section, bool known)
{
    struct selected *list =
        reallocarray(selection->list, selection->count + 1, sizeof selection->list[0]);
    struct selected item = {
        .key = strdup(key), .name = strdup(name), .section = section, .known = known};

    if (list != NULL)
        selection->list = list;
    if (list == NULL || item.key == NULL || item.name == NULL) {
        free(item.key);
        free(item.name);
        return false;
    }
    list[selection->count++] = item;
    return true;
}

/* The sections are the elements of one array, so their addresses have its order. */
static int compare(const void *a, const void *b)
{
    const struct selected *left = a;
    const struct selected *right = b;

    if (left->section != right->section)
        return left->section < right->section ? -1 : 1;
    if (left->known != right->known)
        return left->known ? -1 : 1;
    return strcmp(left->key, right->key);
}

static void sort(struct selection *selection)
{
    if (selection->count > 0)
        qsort(selection->list, selection->count, sizeof selection->list[0], compare);
}

static bool add_named(struct selection *selection, const struct settings *settings,
                      struct store *store, const char *key, const char *wanted, struct failure *why)
{
    const struct settings_ses *section = NULL;
    struct mail_from record;
    enum store_result result = store_get(store, key, &record, why);
    bool known = result == STORE_FOUND;
    char name[IDENTITY_SIZE];

    if (result == STORE_FAILED || !spelling_get(store, key, name, why))
        return false;
    if (known && record.source != MAIL_FROM_SES)
        return failure_set(why, EX_UNAVAILABLE,
                           "\"%s\" has the source %s, so nothing about it comes from SES", key,
                           mail_from_source_words[record.source]);
    if (!section_choose(&section, settings, known ? &record : NULL, wanted, why))
        return failure_prefix(why, "identity \"%s\"", key);
    return add(selection, key, name, section, known) || failure_set(why, EX_OSERR, "out of memory");
}

bool selection_read_named(struct selection *selection, const struct settings *settings,
                          struct store *store, const struct identities *identities,
                          const char *wanted, struct failure *why)
{
    for (size_t i = 0; i < identities->count; i++) {
        if (!add_named(selection, settings, store, identities->list[i].text, wanted, why))
            return false;
    }
    sort(selection);
    return true;
}

struct walk {
    struct selection *selection;
    const struct settings *settings;
    const struct settings_ses *only; /* NULL: every section */
    bool out_of_memory;
};

static bool visit(void *context, const char *key, const struct mail_from *record)
{
    struct walk *walk = context;
    const struct settings_ses *section = section_find(walk->settings, record->section);

    if (record->source != MAIL_FROM_SES || section == NULL ||
        (walk->only != NULL && section != walk->only))
        return true;
    walk->out_of_memory = !add(walk->selection, key, key, section, true);
    return !walk->out_of_memory;
}

/* They are few, and the selection is not sorted yet. */
static bool visit_spelling(void *context, const char *key, const char *name)
{
    struct walk *walk = context;
    char *copy;

    for (size_t i = 0; i < walk->selection->count; i++) {
        struct selected *item = &walk->selection->list[i];
        if (strcmp(key, item->key) != 0)
            continue;
        copy = strdup(name);
        walk->out_of_memory = copy == NULL;
        if (copy == NULL)
            return false;
        free(item->name);
        item->name = copy;
    }
    return true;
}

bool selection_read_all(struct selection *selection, const struct settings *settings,
                        struct store *store, const char *wanted, struct failure *why)
{
    struct walk walk = {.selection = selection, .settings = settings};

    if (wanted != NULL && !section_choose(&walk.only, settings, NULL, wanted, why))
        return false;
    if (!store_each(store, visit, &walk, why) || !spelling_each(store, visit_spelling, &walk, why))
        return false;
    if (walk.out_of_memory)
        return failure_set(why, EX_OSERR, "out of memory");
    sort(selection);
    return true;
}

void selection_reset(struct selection *selection)
{
    for (size_t i = 0; i < selection->count; i++) {
        free(selection->list[i].key);
        free(selection->list[i].name);
    }
    free(selection->list);
    *selection = (struct selection){0};
}
