/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Opening the store, and looking after it. Layout: the database "identities" has the records
 * (store_record.c), "meta" the schema version, "notes" what the programs tell each other
 * (store_note.c), "due" the local identities in the order of their next look-up (store_due.c),
 * "counts" how many records there are of each kind (store_counts.c), "returns" where bounces to a
 * MAIL FROM domain may belong (store_returns.c).
 */
#include "common/fault.h"
#include "common/owner.h"
#include "common/store_directory.h"
#include "common/store_lmdb.h"
#include "common/store_turn.h"
#include "common/store_usage.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

enum { DATABASES_MAX = 8, OPENINGS_MAX = 8, OPENING_SECONDS = 2 };

static const char schema_key[] = "schema";

/* --- the environment --- */

static void on_assertion(MDB_env *environment, const char *message)
{
    (void)environment;
    (void)message;
    fault_raise();
}

static int open_environment(struct store *store)
{
    unsigned flags = MDB_NOTLS | (store->writable ? 0 : MDB_RDONLY);
    /* Both files get it. Who may write the lock file is set when it is there: too early would let
     * others write the data. */
    mode_t mask = umask(0777 & ~STORE_DATA_MODE);
    int error = mdb_env_create(&store->environment);

    if (error == 0)
        error = mdb_env_set_maxdbs(store->environment, DATABASES_MAX);
    if (error == 0)
        error = mdb_env_set_maxreaders(store->environment, STORE_READERS_MAX);
    if (error == 0)
        error = mdb_env_set_assert(store->environment, on_assertion);
    if (error == 0)
        error = mdb_env_open(store->environment, store->directory, flags, STORE_DATA_MODE);
    (void)umask(mask);
    return error;
}

/* A file that ends before its last page: reading it would fault. */
static bool is_whole(const struct store *store, const struct stat *status)
{
    MDB_envinfo info;
    MDB_stat sizes;

    return mdb_env_info(store->environment, &info) == 0 &&
           mdb_env_stat(store->environment, &sizes) == 0 && sizes.ms_psize > 0 &&
           (uint64_t)status->st_size / sizes.ms_psize > info.me_last_pgno;
}

/* --- the databases --- */

static bool check_schema(const struct store *store, const MDB_val *value, struct failure *why)
{
    unsigned char version = value->mv_size == 1 ? *(unsigned char *)value->mv_data : 0;

    if (version == STORE_SCHEMA)
        return true;
    if (version > STORE_SCHEMA)
        return failure_set(why, EX_DATAERR,
                           "store %s has schema %d, this program knows %d: it was written by a "
                           "newer version of mailfrom-milter, install that one here too",
                           store->directory, version, STORE_SCHEMA);
    return failure_set(why, EX_DATAERR, "store %s is not one of mailfrom-milter", store->directory);
}

static int write_schema(struct store *store, MDB_txn *transaction)
{
    unsigned char version = STORE_SCHEMA;
    MDB_val key = {sizeof schema_key - 1, (void *)schema_key};
    MDB_val value = {sizeof version, &version};
    int error = mdb_dbi_open(transaction, "meta", MDB_CREATE, &store->meta);

    if (error == 0)
        error = mdb_dbi_open(transaction, "identities", MDB_CREATE, &store->identities);
    if (error == 0)
        error = mdb_dbi_open(transaction, "notes", MDB_CREATE, &store->notes);
    if (error == 0)
        error = mdb_dbi_open(transaction, "due", MDB_CREATE, &store->due);
    if (error == 0)
        error = mdb_dbi_open(transaction, "counts", MDB_CREATE, &store->counts);
    if (error == 0)
        error = mdb_dbi_open(transaction, "returns", MDB_CREATE, &store->returns);
    store->has_counts = store->has_returns = error == 0;
    if (error == 0)
        error = mdb_put(transaction, store->meta, &key, &value, 0);
    return error;
}

/* Is there nothing at all in the environment yet? Then it is ours to fill. */
static bool is_blank(MDB_txn *transaction)
{
    MDB_dbi main_database;
    MDB_stat sizes;

    return mdb_dbi_open(transaction, NULL, 0, &main_database) == 0 &&
           mdb_stat(transaction, main_database, &sizes) == 0 && sizes.ms_entries == 0;
}

static bool use_databases(struct store *store, MDB_txn *transaction, struct failure *why)
{
    MDB_val key = {sizeof schema_key - 1, (void *)schema_key};
    struct store_tally tally;
    MDB_val value;
    int error;

    if (is_blank(transaction)) {
        if (!store->writable)
            return store_fail_empty(store, why);
        error = write_schema(store, transaction);
        return error == 0 || store_fail(store, error, "making the databases", why);
    }
    error = mdb_dbi_open(transaction, "meta", 0, &store->meta);
    if (error == 0)
        error = mdb_get(transaction, store->meta, &key, &value);
    if (error == 0 && !check_schema(store, &value, why))
        return false;
    if (error == 0)
        error = mdb_dbi_open(transaction, "identities", 0, &store->identities);
    if (error == MDB_NOTFOUND)
        return failure_set(why, EX_DATAERR, "store %s is not one of mailfrom-milter",
                           store->directory);
    if (error == 0)
        error = mdb_dbi_open(transaction, "notes", 0, &store->notes);
    if (error == 0)
        error = mdb_dbi_open(transaction, "due", 0, &store->due);
    if (error == 0)
        error = store->write_error = store_counts_open(store, transaction, &tally);
    if (error == 0)
        error = store->write_error = store_returns_open(store, transaction, &tally);
    return error == 0 || store_fail(store, error, "opening the databases", why);
}

static bool open_databases(struct store *store, struct failure *why)
{
    MDB_txn *transaction;
    int error = store->writable ? store_begin_writing(store, &transaction)
                                : store_begin(store, MDB_RDONLY, &transaction);
    bool worked;

    if (error != 0) {
        store->write_error = error;
        return store_fail(store, error, "reading", why);
    }
    worked = use_databases(store, transaction, why);
    /* Handles of databases survive only a commit, of a read transaction as well. */
    if (store->writable)
        error = store_end_writing(store, transaction, worked);
    else if (worked)
        error = mdb_txn_commit(transaction);
    else
        mdb_txn_abort(transaction);
    if (!worked || error == 0)
        return worked;
    store->write_error = error;
    return store_fail(store, error, "writing", why);
}

bool store_open_databases(struct store *store, struct failure *why)
{
    bool worked;

    if (!store->writable)
        return open_databases(store, why);
    if (!store_turn_take(store, why))
        return false;
    worked = open_databases(store, why);
    store_turn_give(store);
    return worked;
}

static void look_guarded(void *context)
{
    struct failure unused;
    (void)store_open_databases(context, &unused);
}

void store_look_for_databases(struct store *store)
{
    struct failure unused;

    if (!store->broken && !fault_guard(look_guarded, store))
        (void)store_fail_faulted(store, &unused);
}

/* What is built again may need room. */
static bool prepare(struct store *store, struct failure *why)
{
    while (!store_open_databases(store, why)) {
        if (store->write_error != MDB_MAP_FULL || !store_grow(store, why))
            return false;
        store->write_error = 0;
    }
    return true;
}

/* --- opening and closing --- */

struct opening {
    struct store *store;
    enum store_access access;
    const char *group;
    struct failure *why;
    bool worked;
};

static bool fail_opening(const struct store *store, int error, struct failure *why)
{
    if ((error == MDB_INVALID || error == MDB_VERSION_MISMATCH || error == EINVAL) &&
        store_files_lock_is_damaged(store))
        return failure_set(why, EX_IOERR,
                           "store %s: lock.mdb is damaged; remove it, and it is made again",
                           store->directory);
    return store_fail(store, error, "opening", why);
}

static bool open_files(struct store *store, enum store_access access, const char *group,
                       struct failure *why)
{
    struct stat status;
    int error;

    if (access == STORE_WRITE && !store_directory_make(store->directory, group, why))
        return false;
    if (!store_directory_secure(store->directory, why))
        return false;
    if (access != STORE_WRITE) {
        if (!store_directory_stat(store->directory, &status, why))
            return false;
        if (status.st_size == 0)
            return failure_set(why, EX_DATAERR, "store %s: %s is an empty file", store->directory,
                               store_data_file);
    }
    error = open_environment(store);
    if (error != 0)
        return fail_opening(store, error, why);
    store->is_open = true;
    store_directory_share(store->directory);
    if (store->writable)
        store_turn_open(store);
    if (!store_files_note(store, &status, why))
        return false;
    if (!is_whole(store, &status))
        return store_fail_damaged(store, why);
    return (!store->writable || store_check_layout(store, why)) && prepare(store, why);
}

static void open_guarded(void *context)
{
    struct opening *opening = context;
    opening->worked = open_files(opening->store, opening->access, opening->group, opening->why);
}

/* A reader does nothing that takes long; a writer may have to count what is there. */
static bool guard_opening(struct opening *opening)
{
    return opening->access == STORE_READ ? fault_guard_for(OPENING_SECONDS, open_guarded, opening)
                                         : fault_guard(open_guarded, opening);
}

static void close_guarded(void *context)
{
    struct store *store = context;

    if (store->cursor != NULL)
        mdb_cursor_close(store->cursor);
    if (store->reader != NULL)
        mdb_txn_abort(store->reader);
    mdb_env_close(store->environment);
}

/* A close that faults leaves the map behind, which is better than a crash. */
static void close_environment(struct store *store)
{
    if (store->environment != NULL)
        (void)fault_guard(close_guarded, store);
    store_turn_close(store);
    store->environment = NULL;
    store->is_open = false;
    store->reader = NULL;
    store->cursor = NULL;
}

/* Files that are replaced while they are opened are opened again. */
static bool open_current_files(struct store *store, enum store_access access, const char *group,
                               struct failure *why)
{
    for (int tries = 0; tries < OPENINGS_MAX; tries++) {
        struct opening opening = {store, access, group, why, false};
        store->write_error = 0;
        if (!guard_opening(&opening))
            return store_fail_faulted(store, why);
        if (opening.worked || store->write_error != STORE_MOVED)
            return opening.worked;
        close_environment(store);
    }
    return false;
}

static bool open_store(struct store *store, enum store_access access, const char *group,
                       struct failure *why)
{
    struct owner owner;
    bool worked;

    if (!owner_enter(&owner, store->directory, why))
        return false;
    worked = open_current_files(store, access, group, why);
    owner_leave(&owner);
    return worked;
}

bool store_open(struct store **opened, const char *directory, enum store_access access,
                const char *group, struct failure *why)
{
    struct store *store = calloc(1, sizeof *store + strlen(directory) + 1);

    *opened = NULL;
    if (store == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    strcpy(store->directory, directory);
    store->writable = access != STORE_READ;
    store->turn = -1;
    if (open_store(store, access, group, why))
        *opened = store;
    else
        store_close(store);
    return *opened != NULL;
}

bool store_reopen(struct store *store, struct failure *why)
{
    close_environment(store);
    store->broken = false;
    if (open_store(store, store->writable ? STORE_UPDATE : STORE_READ, NULL, why))
        return true;
    store->broken = true;
    store->trouble = *why;
    return false;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    close_environment(store);
    free(store);
}

/* --- looking after it --- */

struct checking {
    struct store *store;
    struct failure *why;
    bool current;
};

static void check_guarded(void *context)
{
    struct checking *checking = context;
    struct store *store = checking->store;
    struct stat status;

    checking->current = store_files_are_ours(store, &status, checking->why) &&
                        (is_whole(store, &status) || store_fail_damaged(store, checking->why));
}

bool store_is_current(struct store *store, struct failure *why)
{
    struct checking checking = {store, why, false};

    if (store->broken)
        return store_fail_broken(store, why);
    return fault_guard(check_guarded, &checking) ? checking.current
                                                 : store_fail_faulted(store, why);
}

struct clearing {
    struct store *store;
    int dead;
};

static void clear_guarded(void *context)
{
    struct clearing *clearing = context;
    (void)mdb_reader_check(clearing->store->environment, &clearing->dead);
}

int store_clear_stale_readers(struct store *store)
{
    struct clearing clearing = {store, 0};
    struct failure unused;

    if (!store->broken && !fault_guard(clear_guarded, &clearing))
        (void)store_fail_faulted(store, &unused);
    return clearing.dead;
}
