/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/table.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 64 };

static void entry_free(struct entry *entry)
{
    free(entry->key);
    free(entry->name);
    free(entry);
}

void table_reset(struct table *table)
{
    for (size_t i = 0; i < table->count; i++)
        entry_free(table->entries[i]);
    free(table->entries);
    memset(table, 0, sizeof *table);
}

/* The first entry that is not before key. */
static size_t place_of(const struct table *table, const char *key)
{
    size_t low = 0, high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(table->entries[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct entry *table_find(const struct table *table, const char *key)
{
    size_t place = place_of(table, key);

    return place < table->count && strcmp(table->entries[place]->key, key) == 0
               ? table->entries[place]
               : NULL;
}

static bool make_room(struct table *table)
{
    size_t capacity = table->capacity == 0 ? CAPACITY_FIRST : 2 * table->capacity;
    struct entry **entries;

    if (table->count < table->capacity)
        return true;
    entries = reallocarray(table->entries, capacity, sizeof *entries);
    if (entries == NULL)
        return false;
    table->entries = entries;
    table->capacity = capacity;
    return true;
}

static struct entry *entry_new(const char *key, enum identity_kind kind)
{
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry == NULL)
        return NULL;
    entry->kind = kind;
    entry->key = strdup(key);
    entry->name = strdup(key);
    if (entry->key != NULL && entry->name != NULL)
        return entry;
    entry_free(entry);
    return NULL;
}

struct entry *table_add(struct table *table, const char *key, enum identity_kind kind)
{
    struct entry *entry = table_find(table, key);
    size_t place;

    if (entry != NULL)
        return entry;
    if (!make_room(table) || (entry = entry_new(key, kind)) == NULL)
        return NULL;
    place = place_of(table, key);
    memmove(&table->entries[place + 1], &table->entries[place],
            (table->count - place) * sizeof *table->entries);
    table->entries[place] = entry;
    table->count++;
    return entry;
}

bool entry_set_name(struct entry *entry, const char *name)
{
    char *copy;

    if (strcmp(entry->name, name) == 0)
        return true;
    copy = strdup(name);
    if (copy == NULL)
        return false;
    free(entry->name);
    entry->name = copy;
    return true;
}

void table_prune(struct table *table, bool (*is_gone)(const void *context, const struct entry *),
                 const void *context)
{
    size_t kept = 0;

    for (size_t i = 0; i < table->count; i++) {
        if (is_gone(context, table->entries[i]))
            entry_free(table->entries[i]);
        else
            table->entries[kept++] = table->entries[i];
    }
    table->count = kept;
}
