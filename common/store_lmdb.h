/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What the files of the store share; nobody else includes it, nor lmdb.h. Errors are those of LMDB
 * and errno(3), 0 for none.
 */
#ifndef COMMON_STORE_LMDB_H
#define COMMON_STORE_LMDB_H

#include "common/store.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <lmdb.h>

/* Of the database "returns". */
struct store_returns_totals {
    uint64_t records; /* that have a return path */
    uint64_t gone;    /* pairs that have gone */
};

struct store_file {
    dev_t device;
    ino_t inode;
};

struct store {
    MDB_env *environment;
    MDB_txn *reader;    /* renewed for each snapshot, NULL until the first */
    MDB_cursor *cursor; /* of the reader, on the identities; NULL until the first store_find */
    MDB_txn *writer;    /* inside store_update only */
    MDB_dbi identities;
    MDB_dbi meta;
    MDB_dbi notes;
    MDB_dbi due;
    MDB_dbi counts;
    MDB_dbi returns;
    bool has_counts;  /* a store of an early version is without them until somebody writes it */
    bool has_returns; /* the same */
    bool writable;
    int64_t now; /* inside store_update: when that began, seconds since the epoch */
    struct store_returns_totals totals;
    bool has_totals;        /* they were read in this transaction, and are to be written with it */
    int write_error;        /* of the last change inside store_update: a full map is told by it */
    bool is_open;           /* the environment is */
    bool broken;            /* LMDB is in an unknown state, or not open: no further calls into it */
    struct failure trouble; /* why it is broken */
    dev_t device;           /* of data.mdb */
    ino_t inode;
    struct store_file lock; /* lock.mdb */
    int turn;               /* write.lock, -1 for none; see common/store_turn.h */
    char directory[];
};

/* --- store_transaction.c --- */

/* As failure_set, for an error of LMDB. what: what was being done, for "reading" and the like. */
bool store_fail(const struct store *store, int error, const char *what, struct failure *why);
bool store_fail_empty(const struct store *store, struct failure *why);

/* Also: no further calls into LMDB. faulted: after
 * fault_guard, which may have other reasons than damage; broken: for a call that comes after. */
bool store_fail_damaged(struct store *store, struct failure *why);
bool store_fail_faulted(struct store *store, struct failure *why);
bool store_fail_broken(const struct store *store, struct failure *why);

/* STORE_FAILED, for an error while reading. */
enum store_result store_failed(struct store *store, int error, struct failure *why);

/* Begins a transaction; a map that another process has grown is grown here too. */
int store_begin(struct store *store, unsigned flags, MDB_txn **transaction);

/* The same for writing, under the lock of store_files.c. STORE_MOVED: it has to be opened again. */
enum { STORE_MOVED = ESTALE };
int store_begin_writing(struct store *store, MDB_txn **transaction);

/* Commits, or undoes it all unless `keep`. STORE_MOVED: it went into a file that is no more. */
int store_end_writing(struct store *store, MDB_txn *transaction, bool keep);
bool store_grow(struct store *store, struct failure *why);

/* Runs `read` in a snapshot, or in the transaction of store_update, and under the guard. Returns
 * what `read` does. */
enum store_result store_read(struct store *store,
                             enum store_result (*read)(struct store *store, MDB_txn *transaction,
                                                       void *context, struct failure *why),
                             void *context, struct failure *why);

/* The same; what uses a processor for longer counts as going in circles. */
enum store_result store_read_within(struct store *store, int seconds,
                                    enum store_result (*read)(struct store *store,
                                                              MDB_txn *transaction, void *context,
                                                              struct failure *why),
                                    void *context, struct failure *why);

/* Calls visit for each entry from the key `from` on, of size 0 for the first, as long as it returns
 * 0. MDB_NOTFOUND of visit ends it without an error. */
int store_walk(MDB_txn *transaction, MDB_dbi database, MDB_val from,
               int (*visit)(void *context, const MDB_val *name, const MDB_val *value),
               void *context);

/* The same in pages, each in a snapshot of its own, and no snapshot is open during a visit. Keys of
 * up to STORE_NOTE_NAME_MAX octets. (store_page.c) */
bool store_walk_pages(struct store *store, MDB_dbi database, MDB_val from,
                      int (*visit)(void *context, const MDB_val *name, const MDB_val *value),
                      void *context, struct failure *why);

/* STORE_FOUND where a walk came to its end. */
enum store_result store_walked(struct store *store, int error, struct failure *why);

/* The outcome of a change inside store_update. */
bool store_written(struct store *store, int error, struct failure *why);

/* --- store_files.c --- */

/* Remembers which files are open; fills *status with what there is of data.mdb. */
bool store_files_note(struct store *store, struct stat *status, struct failure *why);

/* Are those that are open still those that the path names? EX_TEMPFAIL: no, others. The first asks
 * for data.mdb alone. A reader may go on where lock.mdb is missing. */
bool store_files_are_data(const struct store *store, struct stat *status, struct failure *why);
bool store_files_are_ours(const struct store *store, struct stat *status, struct failure *why);

/* Where LMDB could not open the two: was it this one? Takes the locks away that a process has on
 * it, so it is for that moment only. */
bool store_files_lock_is_damaged(const struct store *store);

/* After a SIGBUS: is the address in the map of data.mdb, behind the end of the file? */
bool store_files_end_before(const struct store *store, const void *address);

/* Around each write transaction. Waits for other writers, whatever lock.mdb they have. */
int store_files_lock(const struct store *store);
void store_files_unlock(const struct store *store);

/* Within the lock, in a write transaction that has just begun: is it the one that comes after the
 * last one of data.mdb? */
bool store_files_agree(const struct store *store, MDB_txn *writer);

/* Within the lock: takes a lock.mdb that is out of step away, so that everybody makes another. */
void store_files_drop_lock_file(const struct store *store);

/* After reading: was every page still that of the snapshot? */
bool store_files_kept_snapshot(const struct store *store, MDB_txn *reader);

/* --- store.c --- */

/* Opens the files again, in the same handle; what the path names now. */
bool store_reopen(struct store *store, struct failure *why);

/* Opens what there is of databases; those of a new store are made, if it may be written. */
bool store_open_databases(struct store *store, struct failure *why);

/* Opens what a reader has missed, if somebody has made it meanwhile. */
void store_look_for_databases(struct store *store);

/* --- store_layout.c --- */

/* Is a writer safe with what the file has? Looks at each page of a snapshot: 0.1 s for a million
 * records. EX_DATAERR says which page is damaged and how; EX_TEMPFAIL, EX_OSERR. Not inside
 * store_update; under the guard. */
bool store_check_layout(struct store *store, struct failure *why);

/* --- store_record.c --- */

/* store_get, inside store_read. identity: of `length` octets. */
enum store_result store_read_record(struct store *store, MDB_txn *transaction, const char *identity,
                                    size_t length, struct mail_from *record, struct failure *why);
uint64_t store_count_records(const struct store *store, MDB_txn *transaction);

/* Calls visit for each record, as store_walk; those that are damaged are left out. */
int store_walk_records(const struct store *store, MDB_txn *transaction,
                       int (*visit)(void *context, const char *identity,
                                    const struct mail_from *record),
                       void *context);

/* --- store_verify.c --- */

/* For a key of the identities that was not found, or whose record is not verified: MDB_CORRUPTED
 * where the entries beside its place are not sound, or not in order. */
int store_prove_absence(MDB_cursor *cursor, const MDB_val *name);

/* --- store_due.c, store_counts.c, store_returns_change.c: what is kept beside the records, inside
 * store_update --- */

/* old, new: NULL for none. */
int store_due_replace(const struct store *store, const char *identity, size_t length,
                      const struct mail_from *old, const struct mail_from *new);
int store_counts_replace(const struct store *store, MDB_txn *transaction,
                         const struct mail_from *old, const struct mail_from *new);

int store_returns_replace(struct store *store, const char *identity, const struct mail_from *old,
                          const struct mail_from *new);

/* Before the transaction is committed. */
int store_returns_finish(struct store *store, MDB_txn *transaction);

/* False for a value that is damaged, or of another key. Content and size: what is to be in it. */
bool store_returns_unseal(const MDB_val *key, const MDB_val *value, void *content, size_t size);

/* A version that does not know them may have written the store: what does not fit is built again.
 * tally: of a store that may be written, what is counted. */
int store_counts_open(struct store *store, MDB_txn *transaction, struct store_tally *tally);
int store_returns_open(struct store *store, MDB_txn *transaction, const struct store_tally *tally);

#endif
