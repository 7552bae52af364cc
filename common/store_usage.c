/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * LMDB keeps in a database of its own (number 0) which pages each transaction gave up: the number
 * of the transaction, then how many pages, then their numbers. It writes over those that were given
 * up before the oldest snapshot, and never makes the file shorter.
 */
#include "common/store_usage.h"
#include "common/fault.h"
#include "common/monotonic.h"
#include "common/process.h"
#include "common/store_directory.h"
#include "common/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

enum {
    PAGES_GIVEN_UP = 0, /* the database */
    META_PAGES = 2,     /* they come first, and are never given up */
    OLD_AFTER = 200,    /* transactions; no walk of ours takes that long */
    BLOCK_SIZE = 512    /* of st_blocks */
};
static const uint64_t small_size = UINT64_C(64) << 20;

/* --- the readers --- */

struct readers {
    size_t count;
    pid_t oldest;
    uint64_t transaction; /* of the oldest */
};

/* A line of mdb_reader_list: process, thread, transaction; "-" for one without a snapshot. */
static int note_reader(const char *line, void *context)
{
    struct readers *readers = context;
    uint64_t transaction;
    int process;

    if (sscanf(line, "%d %*x %" SCNu64, &process, &transaction) != 2)
        return 0;
    readers->count++;
    if (readers->oldest != 0 && transaction >= readers->transaction)
        return 0;
    readers->oldest = process;
    readers->transaction = transaction;
    return 0;
}

static struct readers list_readers(const struct store *store)
{
    struct readers readers = {.count = 0};

    (void)mdb_reader_list(store->environment, note_reader, &readers);
    return readers;
}

bool store_has_room(struct store *store, struct failure *why)
{
    struct readers readers;
    char name[PROCESS_NAME_SIZE];

    if (store->broken)
        return true; /* the next call says so */
    readers = list_readers(store);
    if (readers.count < STORE_READERS_MAX - STORE_READERS_SPARE)
        return true;
    return failure_set(why, EX_TEMPFAIL,
                       "store %s: it is being read %zu times at once, and the rest is for the "
                       "daemons; the oldest reader is process %s",
                       store->directory, readers.count, process_describe(readers.oldest, name));
}

/* --- how much --- */

struct measuring {
    struct store_usage *usage;
    uint64_t free; /* pages */
};

/* How many pages an entry of PAGES_GIVEN_UP has. */
static size_t count_pages(const MDB_val *value)
{
    size_t count;

    if (value->mv_size < sizeof count)
        return 0;
    memcpy(&count, value->mv_data, sizeof count);
    return count <= value->mv_size / sizeof count - 1 ? count : 0;
}

static int count_free(void *context, const MDB_val *name, const MDB_val *value)
{
    struct measuring *measuring = context;

    (void)name;
    measuring->free += count_pages(value);
    return 0;
}

static enum store_result measure(struct store *store, MDB_txn *transaction, void *context,
                                 struct failure *why)
{
    struct measuring *measuring = context;
    struct store_usage *usage = measuring->usage;
    struct readers readers = list_readers(store);
    struct stat status;
    MDB_envinfo info;
    MDB_stat sizes;
    int error;

    if (!store_directory_stat(store->directory, &status, why))
        return STORE_FAILED;
    error = store_walk(transaction, PAGES_GIVEN_UP, (MDB_val){0, NULL}, count_free, measuring);
    if (error == 0)
        error = mdb_env_info(store->environment, &info);
    if (error == 0)
        error = mdb_env_stat(store->environment, &sizes);
    if (error != 0)
        return store_failed(store, error, why);
    usage->size = (uint64_t)status.st_blocks * BLOCK_SIZE;
    usage->used = (info.me_last_pgno + 1 - measuring->free) * sizes.ms_psize;
    usage->readers = readers.count - 1; /* without this one */
    usage->behind = mdb_txn_id(transaction) - readers.transaction;
    usage->oldest = usage->behind > 0 ? readers.oldest : 0;
    return STORE_FOUND;
}

bool store_usage(struct store *store, struct store_usage *usage, struct failure *why)
{
    struct measuring measuring = {.usage = usage};

    *usage = (struct store_usage){.size = 0};
    (void)store_clear_stale_readers(store);
    return store_read(store, measure, &measuring, why) == STORE_FOUND;
}

bool store_usage_has_old_reader(const struct store_usage *usage)
{
    return usage->behind > OLD_AFTER;
}

bool store_usage_is_grown(const struct store_usage *usage)
{
    return usage->size > small_size && usage->used < usage->size / 4;
}

/* --- giving room back --- */

/* A turn has the lock of writers, and gives pages back for a while. */
static const int64_t turn_nanoseconds = 100000000;

struct compacting {
    struct store *store;
    struct failure *why;
    uint64_t from; /* the first page of the next turn */
    bool done;
    bool worked;
    size_t *pages; /* that may be given back, in order */
    size_t count;
    size_t room;
    uint64_t oldest; /* the first transaction whose pages somebody may still read */
};

/* Those that LMDB itself would write over in this transaction. */
static int note_free(void *context, const MDB_val *name, const MDB_val *value)
{
    struct compacting *compacting = context;
    size_t count = count_pages(value);
    size_t transaction;
    size_t *more;

    if (name->mv_size != sizeof transaction)
        return MDB_CORRUPTED;
    memcpy(&transaction, name->mv_data, sizeof transaction);
    if (transaction >= compacting->oldest)
        return MDB_NOTFOUND;
    if (compacting->room - compacting->count < count) {
        compacting->room = 2 * (compacting->count + count);
        more = reallocarray(compacting->pages, compacting->room, sizeof *more);
        if (more == NULL)
            return ENOMEM;
        compacting->pages = more;
    }
    memcpy(compacting->pages + compacting->count, (const size_t *)value->mv_data + 1,
           count * sizeof *more);
    compacting->count += count;
    return 0;
}

static int compare_pages(const void *a, const void *b)
{
    size_t x = *(const size_t *)a;
    size_t y = *(const size_t *)b;

    return (x > y) - (x < y);
}

static int punch_holes(struct compacting *compacting, int file, size_t page_size)
{
    int64_t until = monotonic_nanoseconds() + turn_nanoseconds;
    const size_t *pages = compacting->pages;
    size_t at = 0;

    while (at < compacting->count && pages[at] < compacting->from)
        at++;
    while (at < compacting->count && monotonic_nanoseconds() < until) {
        size_t first = at;
        while (++at < compacting->count && pages[at] == pages[at - 1] + 1)
            continue;
        compacting->from = pages[at - 1] + 1;
        if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      (off_t)(pages[first] * page_size), (off_t)((at - first) * page_size)) != 0)
            return errno;
    }
    compacting->done = at >= compacting->count;
    return 0;
}

/* writer: has begun, so nothing changes; reader: of the state before it. */
static int give_back(struct compacting *compacting, MDB_txn *writer, MDB_txn *reader)
{
    struct store *store = compacting->store;
    struct readers readers = list_readers(store);
    MDB_stat sizes;
    int file;
    int error = mdb_env_stat(store->environment, &sizes);

    compacting->oldest = mdb_txn_id(writer) - 1;
    if (readers.oldest != 0 && readers.transaction < compacting->oldest)
        compacting->oldest = readers.transaction;
    compacting->count = 0;
    if (error == 0)
        error = store_walk(reader, PAGES_GIVEN_UP, (MDB_val){0, NULL}, note_free, compacting);
    if (error == 0)
        error = mdb_env_get_fd(store->environment, &file);
    if (error != 0 || compacting->count == 0) {
        compacting->done = true;
        return error;
    }
    qsort(compacting->pages, compacting->count, sizeof *compacting->pages, compare_pages);
    if (compacting->pages[0] < META_PAGES) /* of a store that is damaged */
        return MDB_CORRUPTED;
    return punch_holes(compacting, file, sizes.ms_psize);
}

static bool fail_to_compact(const struct store *store, int error, struct failure *why)
{
    if (error == EOPNOTSUPP || error == ENOSYS)
        return failure_set(why, EX_UNAVAILABLE,
                           "store %s: its file system cannot take room back from within a file; "
                           "stop all programs, and replace data.mdb by what `mdb_copy -c' makes",
                           store->directory);
    return store_fail(store, error, "compacting", why);
}

static bool take_turn(struct store *store, void *context, struct failure *why)
{
    struct compacting *compacting = context;
    MDB_txn *reader;
    int error = mdb_txn_begin(store->environment, NULL, MDB_RDONLY, &reader);

    if (error == 0) {
        error = give_back(compacting, store->writer, reader);
        mdb_txn_abort(reader);
    }
    compacting->worked = error == 0 || fail_to_compact(store, error, why);
    return false; /* nothing was changed, so there is nothing to commit */
}

bool store_compact(struct store *store, struct failure *why)
{
    struct compacting compacting = {.store = store, .why = why};

    (void)store_clear_stale_readers(store);
    do {
        compacting.worked = false;
        (void)store_update(store, take_turn, &compacting, why);
    } while (compacting.worked && !compacting.done);
    free(compacting.pages);
    return compacting.worked;
}
