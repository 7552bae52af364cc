/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What every call of the store goes through: a transaction, under the guard, and one sentence where
 * it fails.
 */
#include "common/fault.h"
#include "common/store_lmdb.h"
#include "common/store_turn.h"

#include <errno.h>
#include <signal.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <time.h>

enum { GROWTH = 4, MOVES_MAX = 8 };

/* --- failures --- */

bool store_fail(const struct store *store, int error, const char *what, struct failure *why)
{
    int code = EX_IOERR;

    if (error == EACCES || error == EPERM)
        return failure_set(why, EX_NOPERM,
                           "store %s: permission denied; the group of the directory reads it and "
                           "writes to lock.mdb, that of data.mdb changes it, others do neither",
                           store->directory);
    if (error == EAGAIN) /* LMDB locks an octet of lock.mdb by its process number */
        return failure_set(why, EX_TEMPFAIL,
                           "store %s: another process has the same number; containers that share a "
                           "store must share their process numbers as well (--pid container:NAME)",
                           store->directory);
    if (error == STORE_MOVED)
        return failure_set(why, EX_TEMPFAIL,
                           "store %s: its files are being replaced again and again; try later",
                           store->directory);
    if (error == MDB_READERS_FULL)
        return failure_set(why, EX_TEMPFAIL,
                           "store %s: too many processes read it at once; `mdb_stat -r %s' lists "
                           "them",
                           store->directory, store->directory);
    if (error == ENOENT)
        return failure_set(why, EX_NOINPUT,
                           "there is no store in %s; `mailfromctl import` makes one",
                           store->directory);
    if (error == MDB_VERSION_MISMATCH || error == MDB_INVALID || error == MDB_CORRUPTED ||
        error == MDB_PAGE_NOTFOUND || error == MDB_BAD_TXN || error == MDB_INCOMPATIBLE ||
        error == EINVAL)
        code = EX_DATAERR;
    else if (error == EROFS)
        code = EX_NOPERM;
    return failure_set(why, code, "store %s: %s: %s", store->directory, what, mdb_strerror(error));
}

bool store_fail_damaged(struct store *store, struct failure *why)
{
    store->broken = true;
    (void)failure_set(&store->trouble, EX_DATAERR,
                      "store %s is damaged; restore it, or move it away and import anew",
                      store->directory);
    return store_fail_broken(store, why);
}

static bool fail_without_a_page(struct store *store, struct failure *why)
{
    struct statvfs system;
    bool is_full = statvfs(store->directory, &system) == 0 && system.f_bavail == 0;

    store->broken = true;
    (void)failure_set(&store->trouble, EX_IOERR,
                      is_full ? "store %s: the file system is full, and a page of lock.mdb or "
                                "data.mdb has no room; make room, the store itself is not damaged"
                              : "store %s: a page of lock.mdb or data.mdb cannot be read: the disk "
                                "fails (see the kernel's log), or the file system is full",
                      store->directory);
    return store_fail_broken(store, why);
}

/* A fault in a transaction leaves the mutex in lock.mdb taken for as long as this process lives. */
bool store_fail_faulted(struct store *store, struct failure *why)
{
    struct fault fault = fault_last();

    if (store->writable && store->is_open) {
        store_files_drop_lock_file(store);
        store_files_unlock(store);
        store_turn_give(store);
    }
    return fault.signal == SIGBUS && !store_files_end_before(store, fault.address)
               ? fail_without_a_page(store, why)
               : store_fail_damaged(store, why);
}

bool store_fail_broken(const struct store *store, struct failure *why)
{
    *why = store->trouble;
    return false;
}

bool store_fail_empty(const struct store *store, struct failure *why)
{
    return failure_set(why, EX_UNAVAILABLE, "store %s is empty; `mailfromctl import` fills it",
                       store->directory);
}

/* Is this an error that another try on the same file will not mend? */
static bool means_damage(int error)
{
    return error == MDB_CORRUPTED || error == MDB_PAGE_NOTFOUND || error == MDB_INVALID ||
           error == MDB_VERSION_MISMATCH;
}

enum store_result store_failed(struct store *store, int error, struct failure *why)
{
    if (means_damage(error)) {
        (void)store_fail_damaged(store, why);
        return STORE_FAILED;
    }
    (void)store_fail(store, error, "reading", why);
    if (error == MDB_PANIC) { /* a commit failed half-way; what is on the disk is sound */
        store->broken = true;
        store->trouble = *why;
    }
    return STORE_FAILED;
}

/* --- begin --- */

/* Slots of readers that were killed are free again when somebody looks. */
static bool has_cleared_readers(const struct store *store)
{
    int dead = 0;

    return mdb_reader_check(store->environment, &dead) == 0 && dead > 0;
}

/* Begins a transaction; a map that another process has grown is grown here too. */
int store_begin(struct store *store, unsigned flags, MDB_txn **transaction)
{
    int error = mdb_txn_begin(store->environment, NULL, flags, transaction);

    if (error == MDB_READERS_FULL && has_cleared_readers(store))
        error = mdb_txn_begin(store->environment, NULL, flags, transaction);
    if (error == MDB_MAP_RESIZED) {
        error = mdb_env_set_mapsize(store->environment, 0);
        if (error == 0)
            error = mdb_txn_begin(store->environment, NULL, flags, transaction);
    }
    return error;
}

/* What moves the store away meanwhile is seen here or in the end. */
static int begin_locked(struct store *store, MDB_txn **transaction)
{
    struct failure unused;
    struct stat status;
    int error;

    if (!store_files_are_ours(store, &status, &unused))
        return STORE_MOVED;
    error = store_begin(store, 0, transaction);
    if (error != 0 || store_files_agree(store, *transaction))
        return error;
    mdb_txn_abort(*transaction);
    store_files_drop_lock_file(store);
    return STORE_MOVED;
}

int store_begin_writing(struct store *store, MDB_txn **transaction)
{
    int error = store->writable ? store_files_lock(store) : EACCES;

    if (error != 0)
        return error;
    error = begin_locked(store, transaction);
    if (error != 0)
        store_files_unlock(store);
    return error;
}

int store_end_writing(struct store *store, MDB_txn *transaction, bool keep)
{
    struct failure unused;
    struct stat status;
    int error = 0;

    if (keep)
        error = mdb_txn_commit(transaction);
    else
        mdb_txn_abort(transaction);
    if (keep && error == 0 && !store_files_are_data(store, &status, &unused))
        error = STORE_MOVED;
    store_files_unlock(store);
    return error;
}

struct growing {
    struct store *store;
    int error;
};

static void grow_guarded(void *context)
{
    struct growing *growing = context;
    MDB_env *environment = growing->store->environment;
    MDB_envinfo info;

    growing->error = mdb_env_info(environment, &info);
    if (growing->error == 0)
        growing->error = mdb_env_set_mapsize(environment, info.me_mapsize * GROWTH);
}

bool store_grow(struct store *store, struct failure *why)
{
    struct growing growing = {store, 0};

    if (!fault_guard(grow_guarded, &growing))
        return store_fail_faulted(store, why);
    return growing.error == 0 || store_fail(store, growing.error, "growing the map", why);
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
    if (store->writer == NULL && !store_files_kept_snapshot(store, transaction)) {
        (void)failure_set(reading->why, EX_TEMPFAIL, "store %s was replaced while it was read",
                          store->directory);
        reading->result = STORE_FAILED;
    }
    release(store);
}

static enum store_result finish_reading(const struct reading *reading, bool worked)
{
    if (!worked)
        (void)store_fail_faulted(reading->store, reading->why);
    return worked ? reading->result : STORE_FAILED;
}

enum store_result store_read(struct store *store,
                             enum store_result (*read)(struct store *store, MDB_txn *transaction,
                                                       void *context, struct failure *why),
                             void *context, struct failure *why)
{
    struct reading reading = {store, read, context, why, STORE_FAILED};

    if (!store->broken)
        return finish_reading(&reading, fault_guard(read_in_snapshot, &reading));
    (void)store_fail_broken(store, why);
    return STORE_FAILED;
}

enum store_result store_read_within(struct store *store, int seconds,
                                    enum store_result (*read)(struct store *store,
                                                              MDB_txn *transaction, void *context,
                                                              struct failure *why),
                                    void *context, struct failure *why)
{
    struct reading reading = {store, read, context, why, STORE_FAILED};

    if (!store->broken)
        return finish_reading(&reading, fault_guard_for(seconds, read_in_snapshot, &reading));
    (void)store_fail_broken(store, why);
    return STORE_FAILED;
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

/* store->write_error: MDB_MAP_FULL where another try with a larger map is due, STORE_MOVED where
 * one in other files is. */
static void write_in_turn(struct writing *writing)
{
    struct store *store = writing->store;
    int error;

    store->write_error = store_begin_writing(store, &store->writer);
    if (store->write_error != 0) {
        store->writer = NULL;
        writing->worked = store_fail(store, store->write_error, "writing", writing->why);
        return;
    }
    store->now = (int64_t)time(NULL);
    store->has_totals = false;
    writing->worked = writing->change(store, writing->context, writing->why);
    error = writing->worked ? store_returns_finish(store, store->writer) : 0;
    if (error == 0)
        error = store_end_writing(store, store->writer, writing->worked);
    else
        (void)store_end_writing(store, store->writer, false);
    store->writer = NULL;
    if (!writing->worked)
        return;
    store->write_error = error;
    writing->worked = error == 0 || store_fail(store, error, "writing", writing->why);
}

/* A fault in between: store_fail_faulted gives the turn back. */
static void write_once(void *context)
{
    struct writing *writing = context;

    writing->store->write_error = 0;
    writing->worked = store_turn_take(writing->store, writing->why);
    if (!writing->worked)
        return;
    write_in_turn(writing);
    store_turn_give(writing->store);
}

bool store_update(struct store *store, bool (*change)(struct store *, void *, struct failure *),
                  void *context, struct failure *why)
{
    struct writing writing = {store, change, context, why, false};

    if (store->broken)
        return store_fail_broken(store, why);
    for (int moves = 0;;) {
        if (!fault_guard(write_once, &writing))
            return store_fail_faulted(store, why);
        if (writing.worked)
            return true;
        if ((store->write_error == STORE_MOVED || store->write_error == MDB_PANIC) &&
            moves++ < MOVES_MAX) {
            if (!store_reopen(store, why))
                return false;
        } else if (store->write_error != MDB_MAP_FULL || !store_grow(store, why)) {
            return false;
        }
    }
}

bool store_written(struct store *store, int error, struct failure *why)
{
    store->write_error = error;
    return error == 0 || store_fail(store, error, "writing", why);
}
