/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/lookup_request.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "look-up/";
enum { NAME_SIZE = sizeof prefix + IDENTITY_SIZE };

static void name_of(char name[NAME_SIZE], const char *identity)
{
    (void)snprintf(name, NAME_SIZE, "%s%s", prefix, identity);
}

bool lookup_request_put(struct store *store, const char *identity, struct failure *why)
{
    char name[NAME_SIZE];

    name_of(name, identity);
    return store_note_put(store, name, "", why);
}

bool lookup_request_remove(struct store *store, const char *identity, struct failure *why)
{
    char name[NAME_SIZE];

    name_of(name, identity);
    return store_note_remove(store, name, why);
}

struct visiting {
    bool (*visit)(void *context, const char *identity);
    void *context;
};

static bool visit_note(void *context, const char *name, const char *text)
{
    const struct visiting *visiting = context;

    (void)text;
    return visiting->visit(visiting->context, name + strlen(prefix));
}

bool lookup_request_each(struct store *store, bool (*visit)(void *context, const char *identity),
                         void *context, struct failure *why)
{
    struct visiting visiting = {visit, context};

    return store_note_each(store, prefix, visit_note, &visiting, why);
}
