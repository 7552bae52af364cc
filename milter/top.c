/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a. Two that collide share an entry only if they are equal: see is_of. */
static uint64_t hash(const char *identity, struct decision decision)
{
    uint64_t value = 0xcbf29ce484222325U;

    for (; *identity != '\0'; identity++)
        value = (value ^ (unsigned char)*identity) * 0x100000001b3U;
    value = (value ^ (unsigned)decision.verdict) * 0x100000001b3U;
    return (value ^ (unsigned)decision.reason) * 0x100000001b3U;
}

static bool is_of(const struct top_entry *entry, const char *identity, struct decision decision)
{
    return entry->decision.verdict == decision.verdict &&
           entry->decision.reason == decision.reason && strcmp(entry->identity, identity) == 0;
}

static size_t least(const struct top *top)
{
    size_t least = 0;

    for (size_t i = 1; i < TOP_MAX; i++) {
        if (top->entries[i].count < top->entries[least].count)
            least = i;
    }
    return least;
}

void top_add(struct top *top, const char *identity, struct decision decision)
{
    uint64_t wanted = hash(identity, decision);
    struct top_entry *entry;
    size_t place;

    for (size_t i = 0; i < top->count; i++) {
        if (top->hashes[i] == wanted && is_of(&top->entries[i], identity, decision)) {
            top->entries[i].count++;
            return;
        }
    }
    place = top->count < TOP_MAX ? top->count++ : least(top);
    entry = &top->entries[place];
    top->hashes[place] = wanted;
    (void)snprintf(entry->identity, sizeof entry->identity, "%s", identity);
    entry->decision = decision;
    entry->excess = entry->count;
    entry->count++;
}

static int by_count(const void *a, const void *b)
{
    const struct top_entry *left = a;
    const struct top_entry *right = b;

    if (left->count != right->count)
        return left->count < right->count ? 1 : -1;
    return strcmp(left->identity, right->identity);
}

void top_sort(struct top *top)
{
    qsort(top->entries, top->count, sizeof *top->entries, by_count);
}
