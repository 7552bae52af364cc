/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/top.h"

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

static uint64_t lowest(const struct top *top)
{
    uint64_t lowest = UINT64_MAX;

    for (size_t i = 0; i < TOP_MAX; i++)
        lowest = top->counts[i] < lowest ? top->counts[i] : lowest;
    return lowest;
}

/* Counts only grow: a place that was passed needs no second look before the minimum has changed,
 * so that on average it takes a few steps. */
static size_t least(struct top *top)
{
    for (;;) {
        for (; top->next < TOP_MAX; top->next++) {
            if (top->counts[top->next] <= top->minimum)
                return top->next;
        }
        top->next = 0;
        top->minimum = lowest(top);
    }
}

static size_t place_of(struct top *top, uint64_t wanted, const char *identity,
                       struct decision decision)
{
    struct top_entry *entry;
    size_t place;

    for (size_t i = 0; i < top->count; i++) {
        if (top->hashes[i] == wanted && is_of(&top->entries[i], identity, decision))
            return i;
    }
    place = top->count < TOP_MAX ? top->count++ : least(top);
    entry = &top->entries[place];
    top->hashes[place] = wanted;
    memcpy(entry->identity, identity, strlen(identity) + 1);
    entry->decision = decision;
    entry->excess = top->counts[place];
    return place;
}

void top_add(struct top *top, const char *identity, struct decision decision)
{
    top->counts[place_of(top, hash(identity, decision), identity, decision)]++;
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
    for (size_t i = 0; i < top->count; i++)
        top->entries[i].count = top->counts[i];
    qsort(top->entries, top->count, sizeof *top->entries, by_count);
}
