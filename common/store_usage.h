/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * How much room the store takes, who keeps it from using room again, and giving room back to the
 * file system.
 */
#ifndef COMMON_STORE_USAGE_H
#define COMMON_STORE_USAGE_H

#include "common/store.h"

#include <sys/types.h>

enum {
    STORE_READERS_MAX = 1000, /* snapshots at a time; LMDB's own default is 126 */
    STORE_READERS_SPARE = 100 /* of these are for the daemons */
};

struct store_usage {
    uint64_t size;   /* octets that data.mdb takes on the disk */
    uint64_t used;   /* of these, octets that hold something */
    size_t readers;  /* processes that have a snapshot open */
    pid_t oldest;    /* the one with the oldest snapshot; 0: none */
    uint64_t behind; /* how many transactions there were since that snapshot */
};

bool store_usage(struct store *store, struct store_usage *usage, struct failure *why);

/* Has this snapshot been open for so long that the store grows? */
bool store_usage_has_old_reader(const struct store_usage *usage);

/* Is most of a file that is not small of no use? */
bool store_usage_is_grown(const struct store_usage *usage);

/* Are there slots of readers left for whoever is no daemon? EX_TEMPFAIL if not. */
bool store_has_room(struct store *store, struct failure *why);

/* Gives the pages that hold nothing, and that no reader has any more, back to the file system: the
 * file keeps its length and takes less of the disk. All programs may go on meanwhile; writers wait
 * a fraction of a second at most. EX_UNAVAILABLE: the file system cannot do that. */
bool store_compact(struct store *store, struct failure *why);

#endif
