/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/identities.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "common/log.h"

enum {
    SHOWN_MAX = 100,
    MAILBOX_LOCAL_MAX = 64 /* RFC 5321, 4.5.3.1.1 */
};

static int compare(const void *a, const void *b)
{
    const struct identity *left = a;
    const struct identity *right = b;

    return strcmp(left->text, right->text);
}

static void drop_repeated(struct identities *identities)
{
    size_t kept = 0;

    for (size_t i = 0; i < identities->count; i++) {
        if (kept == 0 || compare(&identities->list[kept - 1], &identities->list[i]) != 0)
            identities->list[kept++] = identities->list[i];
    }
    identities->count = kept;
}

bool identities_check_new(const struct identity *identity, struct failure *why)
{
    if (identity->kind == IDENTITY_ADDRESS && identity->domain > MAILBOX_LOCAL_MAX + 1)
        return failure_set(why, EX_DATAERR, "the part before the @ is longer than %d octets",
                           MAILBOX_LOCAL_MAX);
    return true;
}

bool identities_read_one(struct identity *identity, const char *name, struct failure *why)
{
    char shown[4 * SHOWN_MAX + 8];

    if (identity_parse(identity, name, strlen(name), why))
        return true;
    (void)log_escape(shown, shown + sizeof shown, name, SHOWN_MAX);
    return failure_prefix(why, "identity \"%s\"", shown);
}

bool identities_read(struct identities *identities, char *const names[], int count,
                     struct failure *why)
{
    *identities = (struct identities){.list = calloc((size_t)count, sizeof identities->list[0])};
    if (identities->list == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    for (int i = 0; i < count; i++) {
        if (!identities_read_one(&identities->list[i], names[i], why))
            return false;
        identities->count++;
    }
    qsort(identities->list, identities->count, sizeof identities->list[0], compare);
    drop_repeated(identities);
    return true;
}

void identities_reset(struct identities *identities)
{
    free(identities->list);
    *identities = (struct identities){0};
}
