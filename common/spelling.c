/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/spelling.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "spelling/";
enum { NAME_SIZE = sizeof prefix + IDENTITY_SIZE };

static void name_of(char name[NAME_SIZE], const char *identity)
{
    (void)snprintf(name, NAME_SIZE, "%s%s", prefix, identity);
}

bool spelling_put(struct store *store, const char *identity, const char *name, struct failure *why)
{
    char note[NAME_SIZE];

    name_of(note, identity);
    if (name == NULL || strcmp(name, identity) == 0)
        return store_note_remove(store, note, why);
    return store_note_put(store, note, name, why);
}

bool spelling_get(struct store *store, const char *identity, char name[IDENTITY_SIZE],
                  struct failure *why)
{
    char note[NAME_SIZE];
    char text[STORE_NOTE_MAX + 1] = "";
    enum store_result result;

    name_of(note, identity);
    result = store_note_get(store, note, text, why);
    (void)snprintf(name, IDENTITY_SIZE, "%s",
                   result == STORE_FOUND && strlen(text) < IDENTITY_SIZE ? text : identity);
    return result != STORE_FAILED;
}

struct visiting {
    bool (*visit)(void *context, const char *identity, const char *name);
    void *context;
};

static bool visit_note(void *context, const char *name, const char *text)
{
    const struct visiting *visiting = context;

    return visiting->visit(visiting->context, name + strlen(prefix), text);
}

bool spelling_each(struct store *store,
                   bool (*visit)(void *context, const char *identity, const char *name),
                   void *context, struct failure *why)
{
    struct visiting visiting = {visit, context};

    return store_note_each(store, prefix, visit_note, &visiting, why);
}
