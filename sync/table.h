/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The identities of an account, as mailfrom-sync knows them. Sorted by key. Pure.
 */
#ifndef SYNC_TABLE_H
#define SYNC_TABLE_H

#include "common/identity.h"

#include <stdbool.h>
#include <stdint.h>

enum standing {
    STANDING_NEW,    /* nothing of it in the store yet */
    STANDING_KNOWN,  /* the store has what SES said */
    STANDING_FOREIGN /* the store has it from elsewhere, and that counts: never fetched */
};

#define TABLE_NEVER INT64_MAX

/* Times are milliseconds since the epoch. */
struct entry {
    char *key;  /* canonical form */
    char *name; /* as SES spells it */
    enum identity_kind kind;
    enum standing standing;
    bool verified;
    bool marked;        /* SES refuses or does not know it, and that was logged */
    int64_t due;        /* when it is to be fetched; TABLE_NEVER */
    int64_t answered;   /* when the call began in which SES last said something definite of it */
    int64_t expires;    /* what the store has of it; 0: nothing, or never */
    unsigned group;     /* of a batch that was refused, the part it is tried with; 0: none */
    unsigned missing;   /* so many complete lists in a row were without it */
    unsigned long seen; /* the last list that had it */
};

struct table {
    struct entry **entries;
    size_t count;
    size_t capacity;
};

void table_reset(struct table *table); /* of a table that is all zero, nothing is done */

/* NULL if there is none. */
struct entry *table_find(const struct table *table, const char *key);

/* The entry, found or made: new, due at once. NULL: out of memory. It stays where it is until it is
 * removed. */
struct entry *table_add(struct table *table, const char *key, enum identity_kind kind);

/* Gives it SES's spelling. False: out of memory. */
bool entry_set_name(struct entry *entry, const char *name);

/* Removes those for which is_gone says so. */
void table_prune(struct table *table, bool (*is_gone)(const void *context, const struct entry *),
                 const void *context);

#endif
