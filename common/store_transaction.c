/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What every call of the store goes through: a transaction, under the guard, and one sentence where
 * it fails.
 */
#include "common/fault.h"
#include "common/store_lmdb.h"

#include <errno.h>
#include <sysexits.h>
#include <time.h>

enum { GROWTH = 4 };

/* --- failures --- */

bool store_fail(const struct store *store, int error, const char *what, struct failure *why)
{
    int code = EX_IOERR;

    if (error == EACCES || error == EPERM)
        return failure_set(why, EX_NOPERM,
                           "store %s: permission denied; it is for root and the group of the "
                           "directory, who need to write to lock.mdb too",
                           store->directory);
    if (error == EAGAIN) /* LMDB locks an octet of lock.mdb by its process number */
        return failure_set(why, EX_TEMPFAIL,
                           "store %s: another process has the same number; containers that share a "
                           "store must share their process numbers as well (--pid container:NAME)",
                           store->directory);
    if (error == ENOENT)
        return failure_set(why, EX_NOINPUT,
                           "there is no store in %s; `mailfromctl import` makes one",
                           store->directory);
    if (error == MDB_VERSION_MISMATCH || error == MDB_INVALID || error == MDB_CORRUPTED ||
        error == MDB_PAGE_NOTFOUND || error == MDB_BAD_TXN || error == MDB_INCOMPATIBLE ||
        error == MDB_PANIC || error == EINVAL)
        code = EX_DATAERR;
    else if (error == EROFS)
        code = EX_NOPERM;
    return failure_set(why, code, "store %s: %s: %s", store->directory, what, mdb_strerror(error));
}

bool store_fail_damaged(struct store *store, struct failure *why)
{
    store->broken = true;
    return failure_set(why, EX_DATAERR,
                       "store %s is damaged; restore it, or move it away and import anew",
                       store->directory);
}

bool store_fail_empty(const struct store *store, struct failure *why)
{
    return failure_set(why, EX_UNAVAILABLE, "store %s is empty; `mailfromctl import` fills it",
                       store->directory);
}

/* Is this an error that another try on the same file will not mend? */
static bool means_damage(int error)
{
    return error == MDB_CORRUPTED || error == MDB_PAGE_NOTFOUND || error == MDB_PANIC ||
           error == MDB_INVALID || error == MDB_VERSION_MISMATCH;
}

enum store_result store_failed(struct store *store, int error, struct failure *why)
{
    if (means_damage(error))
        (void)store_fail_damaged(store, why);
    else
        (void)store_fail(store, error, "reading", why);
    return STORE_FAILED;
}

/* --- begin --- */

/* Begins a transaction; a map that another process has grown is grown here too. */
int store_begin(struct store *store, unsigned flags, MDB_txn **transaction)
{
    int error = mdb_txn_begin(store->environment, NULL, flags, transaction);

    if (error == MDB_MAP_RESIZED) {
        error = mdb_env_set_mapsize(store->environment, 0);
        if (error == 0)
            error = mdb_txn_begin(store->environment, NULL, flags, transaction);
    }
    return error;
}

bool store_grow(struct store *store, struct failure *why)
{
    MDB_envinfo info;
    int error = mdb_env_info(store->environment, &info);

    if (error == 0)
        error = mdb_env_set_mapsize(store->environment, info.me_mapsize * GROWTH);
    return error == 0 || store_fail(store, error, "growing the map", why);
}

/* --- reading --- */

static int begin_snapshot(struct store *store)
{
    int error;

    if (store->reader == NULL)
        return store_begin(store, MDB_RDONLY, &store->reader);
    error = mdb_txn_renew(store->reader);
    if (error == MDB_MAP_RESIZED) {
        error = mdb_env_set_mapsize(store->environment, 0);
        if (error == 0)
            error = mdb_txn_renew(store->reader);
    }
    return error;
}

/* The transaction to read in: the write transaction inside store_update, else a new snapshot. */
static int acquire(struct store *store, MDB_txn **transaction)
{
    int error = store->writer != NULL ? 0 : begin_snapshot(store);

    *transaction = store->writer != NULL ? store->writer : store->reader;
    return error;
}

static void release(struct store *store)
{
    if (store->writer == NULL)
        mdb_txn_reset(store->reader);
}

struct reading {
    struct store *store;
    enum store_result (*read)(struct store *store, MDB_txn *transaction, void *context,
                              struct failure *why);
    void *context;
    struct failure *why;
    enum store_result result;
};

static void read_in_snapshot(void *context)
{
    struct reading *reading = context;
    struct store *store = reading->store;
    MDB_txn *transaction;
    int error = acquire(store, &transaction);

    if (error != 0) {
        reading->result = store_failed(store, error, reading->why);
        return;
    }
    reading->result = reading->read(store, transaction, reading->context, reading->why);
    release(store);
}

enum store_result store_read(struct store *store,
                             enum store_result (*read)(struct store *store, MDB_txn *transaction,
                                                       void *context, struct failure *why),
                             void *context, struct failure *why)
{
    struct reading reading = {store, read, context, why, STORE_FAILED};

    if (store->broken || !fault_guard(read_in_snapshot, &reading))
        (void)store_fail_damaged(store, why);
    return reading.result;
}

int store_walk(MDB_txn *transaction, MDB_dbi database, MDB_val from,
               int (*visit)(void *context, const MDB_val *name, const MDB_val *value),
               void *context)
{
    MDB_cursor *cursor;
    MDB_val value;
    int error = mdb_cursor_open(transaction, database, &cursor);

    if (error != 0)
        return error;
    error = mdb_cursor_get(cursor, &from, &value, from.mv_size == 0 ? MDB_FIRST : MDB_SET_RANGE);
    while (error == 0 && (error = visit(context, &from, &value)) == 0)
        error = mdb_cursor_get(cursor, &from, &value, MDB_NEXT);
    mdb_cursor_close(cursor);
    return error == MDB_NOTFOUND ? 0 : error;
}

enum store_result store_walked(struct store *store, int error, struct failure *why)
{
    return error == 0 ? STORE_FOUND : store_failed(store, error, why);
}

/* --- writing --- */

struct writing {
    struct store *store;
    bool (*change)(struct store *store, void *context, struct failure *why);
    void *context;
    struct failure *why;
    bool worked;
};

static int commit(struct store *store)
{
    int error = store_returns_finish(store, store->writer);

    if (error == 0)
        return mdb_txn_commit(store->writer);
    mdb_txn_abort(store->writer);
    return error;
}

/* Sets store->write_error to MDB_MAP_FULL where another try with a larger map is due. */
static void write_once(void *context)
{
    struct writing *writing = context;
    struct store *store = writing->store;

    store->write_error = store_begin(store, 0, &store->writer);
    if (store->write_error != 0) {
        store->writer = NULL;
        writing->worked = store_fail(store, store->write_error, "writing", writing->why);
        return;
    }
    store->now = (int64_t)time(NULL);
    store->has_totals = false;
    writing->worked = writing->change(store, writing->context, writing->why);
    if (!writing->worked)
        mdb_txn_abort(store->writer);
    else if ((store->write_error = commit(store)) != 0)
        writing->worked = store_fail(store, store->write_error, "writing", writing->why);
    store->writer = NULL;
}

bool store_update(struct store *store, bool (*change)(struct store *, void *, struct failure *),
                  void *context, struct failure *why)
{
    struct writing writing = {store, change, context, why, false};

    if (store->broken)
        return store_fail_damaged(store, why);
    for (;;) {
        if (!fault_guard(write_once, &writing))
            return store_fail_damaged(store, why);
        if (writing.worked || store->write_error != MDB_MAP_FULL)
            return writing.worked;
        if (!store_grow(store, why))
            return false;
    }
}

bool store_written(struct store *store, int error, struct failure *why)
{
    store->write_error = error;
    return error == 0 || store_fail(store, error, "writing", why);
}
