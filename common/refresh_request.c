/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/refresh_request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char prefix[] = "refresh/";
enum { NAME_SIZE = sizeof prefix + IDENTITY_SIZE };

static void name_of(char name[NAME_SIZE], const char *identity)
{
    (void)snprintf(name, NAME_SIZE, "%s%s", prefix, identity);
}

bool refresh_request_put(struct store *store, const char *identity, int64_t now,
                         struct failure *why)
{
    char name[NAME_SIZE];
    char text[32];

    name_of(name, identity);
    (void)snprintf(text, sizeof text, "%" PRId64, now);
    return store_note_put(store, name, text, why);
}

bool refresh_request_remove(struct store *store, const char *identity, struct failure *why)
{
    char name[NAME_SIZE];

    name_of(name, identity);
    return store_note_remove(store, name, why);
}

enum store_result refresh_request_find(struct store *store, const char *identity,
                                       struct failure *why)
{
    char name[NAME_SIZE];
    char text[STORE_NOTE_MAX + 1];

    name_of(name, identity);
    return store_note_get(store, name, text, why);
}

struct visiting {
    bool (*visit)(void *context, const char *identity, int64_t requested);
    void *context;
};

static bool visit_note(void *context, const char *name, const char *text)
{
    const struct visiting *visiting = context;

    return visiting->visit(visiting->context, name + strlen(prefix), strtoll(text, NULL, 10));
}

bool refresh_request_each(struct store *store,
                          bool (*visit)(void *context, const char *identity, int64_t requested),
                          void *context, struct failure *why)
{
    struct visiting visiting = {visit, context};
    return store_note_each(store, prefix, visit_note, &visiting, why);
}
