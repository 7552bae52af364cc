/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Which identities most messages were of, with what verdict, in memory of a fixed size: the
 * space-saving algorithm. Who is new takes the place, and the count, of whoever has least; so a
 * count is too high by `excess` at most, and whoever has more than a TOP_MAX-th of all messages is
 * in the table for certain.
 */
#ifndef MILTER_TOP_H
#define MILTER_TOP_H

#include "common/decision.h"

enum { TOP_MAX = 256 };

struct top_entry {
    char identity[IDENTITY_SIZE]; /* "" for messages that no identity decided on */
    struct decision decision;
    uint64_t count; /* of messages, once sorted */
    uint64_t excess;
};

struct top {
    uint64_t hashes[TOP_MAX]; /* of the entries, apart from them to be searched fast */
    uint64_t counts[TOP_MAX]; /* likewise, until they are sorted */
    struct top_entry entries[TOP_MAX];
    size_t count;
    uint64_t minimum; /* no entry before `next` has this count or less */
    size_t next;
};

/* All zero: empty. identity: of fewer than IDENTITY_SIZE octets. One thread at a time. */
void top_add(struct top *top, const char *identity, struct decision decision);

/* Sorts the entries, the most messages first; nothing can be added afterwards. */
void top_sort(struct top *top);

#endif
