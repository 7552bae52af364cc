/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Layout: the database "identities" maps identities (store_key.c) to coded records (mail_from.c),
 * the database "meta" holds the schema version, the database "notes" what the programs tell each
 * other, the database "due" the local identities in the order of their next look-up, the database
 * "counts" how many records there are of each kind. The only includer of lmdb.h.
 */
#include "common/store.h"
#include "common/fault.h"
#include "common/store_directory.h"
#include "common/store_key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include <lmdb.h>

enum { DATABASES_MAX = 8, GROWTH = 4 };

static const char schema_key[] = "schema";

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
    bool has_counts; /* a store of an early version is without them until somebody writes it */
    bool writable;
    int write_error; /* of the last change inside store_update: a full map is told by it */
    bool broken;     /* a fault has left LMDB in an unknown state: no further calls into it */
    dev_t device;
    ino_t inode;
    char directory[];
};

/* --- failures --- */

static bool fail(const struct store *store, int error, const char *what, struct failure *why)
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

static bool fail_damaged(struct store *store, struct failure *why)
{
    store->broken = true;
    return failure_set(why, EX_DATAERR,
                       "store %s is damaged; restore it, or move it away and import anew",
                       store->directory);
}

static bool fail_empty(const struct store *store, struct failure *why)
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

/* --- counters: uint64_t, absent where zero --- */

static int count(const struct store *store, MDB_txn *transaction, MDB_val key, bool more)
{
    uint64_t number = 0;
    MDB_val value;
    int error = key.mv_size == 0 ? MDB_NOTFOUND : mdb_get(transaction, store->counts, &key, &value);

    if (key.mv_size == 0)
        return 0;
    if (error == 0 && value.mv_size == sizeof number)
        memcpy(&number, value.mv_data, sizeof number);
    if (error != 0 && error != MDB_NOTFOUND)
        return error;
    if (number <= 1 && !more)
        return error == MDB_NOTFOUND ? 0 : mdb_del(transaction, store->counts, &key, NULL);
    number += more ? 1 : UINT64_MAX;
    value = (MDB_val){sizeof number, &number};
    return mdb_put(transaction, store->counts, &key, &value, 0);
}

/* Moves a record from its counters to others. old, new: NULL for none. */
static int recount(const struct store *store, MDB_txn *transaction, const struct mail_from *old,
                   const struct mail_from *new)
{
    static size_t (*const keys[])(unsigned char *, const struct mail_from *) = {
        store_tally_status_key, store_tally_expiry_key};
    int error = 0;

    for (size_t i = 0; error == 0 && i < sizeof keys / sizeof *keys; i++) {
        unsigned char from[STORE_TALLY_KEY_SIZE];
        unsigned char to[STORE_TALLY_KEY_SIZE];
        MDB_val less = {old == NULL ? 0 : keys[i](from, old), from};
        MDB_val more = {new == NULL ? 0 : keys[i](to, new), to};
        if (less.mv_size == more.mv_size && memcmp(from, to, less.mv_size) == 0)
            continue;
        error = count(store, transaction, less, false);
        if (error == 0)
            error = count(store, transaction, more, true);
    }
    return error;
}

static int read_tally(const struct store *store, MDB_txn *transaction, int64_t now,
                      struct store_tally *tally)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    uint64_t number = 0;
    int error = mdb_cursor_open(transaction, store->counts, &cursor);

    memset(tally, 0, sizeof *tally);
    if (error != 0)
        return error;
    while ((error = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
        if (value.mv_size != sizeof number)
            break;
        memcpy(&number, value.mv_data, sizeof number);
        if (!store_tally_add(tally, key.mv_data, key.mv_size, number, now))
            break;
    }
    mdb_cursor_close(cursor);
    return error == MDB_NOTFOUND ? 0 : error;
}

static uint64_t count_records(const struct store *store, MDB_txn *transaction)
{
    MDB_stat sizes = {.ms_entries = 0};

    return mdb_stat(transaction, store->identities, &sizes) == 0 ? sizes.ms_entries : 0;
}

static int count_all(const struct store *store, MDB_txn *transaction)
{
    MDB_cursor *cursor;
    MDB_val name;
    MDB_val value;
    int error = mdb_drop(transaction, store->counts, 0);

    if (error == 0)
        error = mdb_cursor_open(transaction, store->identities, &cursor);
    if (error != 0)
        return error;
    while ((error = mdb_cursor_get(cursor, &name, &value, MDB_NEXT)) == 0) {
        struct mail_from record;
        char key[IDENTITY_SIZE];
        if (store_key_read(key, name.mv_data, name.mv_size) &&
            mail_from_decode(&record, key, name.mv_size, value.mv_data, value.mv_size))
            error = recount(store, transaction, NULL, &record);
        if (error != 0)
            break;
    }
    mdb_cursor_close(cursor);
    return error == MDB_NOTFOUND ? 0 : error;
}

/* A version that knows no counters may have written the store: then they are counted anew. */
static int open_counts(struct store *store, MDB_txn *transaction)
{
    struct store_tally tally;
    int error =
        mdb_dbi_open(transaction, "counts", store->writable ? MDB_CREATE : 0, &store->counts);

    store->has_counts = error == 0;
    if (!store->writable)
        return error == MDB_NOTFOUND ? 0 : error;
    if (error == 0)
        error = read_tally(store, transaction, INT64_MAX, &tally);
    if (error == 0 && store_tally_all(&tally) != count_records(store, transaction))
        error = count_all(store, transaction);
    return error;
}

/* --- opening --- */

static void on_assertion(MDB_env *environment, const char *message)
{
    (void)environment;
    (void)message;
    fault_raise();
}

static int open_environment(struct store *store)
{
    unsigned flags = MDB_NOTLS | (store->writable ? 0 : MDB_RDONLY);
    mode_t mask = umask(0777 & ~STORE_FILE_MODE);
    int error = mdb_env_create(&store->environment);

    if (error == 0)
        error = mdb_env_set_maxdbs(store->environment, DATABASES_MAX);
    if (error == 0)
        error = mdb_env_set_assert(store->environment, on_assertion);
    if (error == 0)
        error = mdb_env_open(store->environment, store->directory, flags, STORE_FILE_MODE);
    (void)umask(mask);
    return error;
}

/* A file that ends before its last page: reading it would fault. */
static bool is_whole(const struct store *store, const struct stat *status)
{
    MDB_envinfo info;
    MDB_stat sizes;

    if (mdb_env_info(store->environment, &info) != 0 ||
        mdb_env_stat(store->environment, &sizes) != 0)
        return false;
    return (uint64_t)status->st_size >= (uint64_t)(info.me_last_pgno + 1) * sizes.ms_psize;
}

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
    store->has_counts = error == 0;
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

static bool open_databases(struct store *store, MDB_txn *transaction, struct failure *why)
{
    MDB_val key = {sizeof schema_key - 1, (void *)schema_key};
    MDB_val value;
    int error;

    if (is_blank(transaction)) {
        if (!store->writable)
            return fail_empty(store, why);
        error = write_schema(store, transaction);
        return error == 0 || fail(store, error, "making the databases", why);
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
        error = store->write_error = open_counts(store, transaction);
    return error == 0 || fail(store, error, "opening the databases", why);
}

/* Begins a transaction; a map that another process has grown is grown here too. */
static int begin(struct store *store, unsigned flags, MDB_txn **transaction)
{
    int error = mdb_txn_begin(store->environment, NULL, flags, transaction);

    if (error == MDB_MAP_RESIZED) {
        error = mdb_env_set_mapsize(store->environment, 0);
        if (error == 0)
            error = mdb_txn_begin(store->environment, NULL, flags, transaction);
    }
    return error;
}

static bool grow(struct store *store, struct failure *why)
{
    MDB_envinfo info;
    int error = mdb_env_info(store->environment, &info);

    if (error == 0)
        error = mdb_env_set_mapsize(store->environment, info.me_mapsize * GROWTH);
    return error == 0 || fail(store, error, "growing the map", why);
}

static bool prepare_once(struct store *store, struct failure *why)
{
    MDB_txn *transaction;
    int error = begin(store, store->writable ? 0 : MDB_RDONLY, &transaction);
    bool worked;

    if (error != 0)
        return fail(store, error, "reading", why);
    worked = open_databases(store, transaction, why);
    /* Handles of databases survive only a commit, of a read transaction as well. */
    error = worked ? mdb_txn_commit(transaction) : 0;
    if (!worked)
        mdb_txn_abort(transaction);
    return worked && (error == 0 || fail(store, error, "writing", why));
}

/* Counters that are made anew may need room. */
static bool prepare(struct store *store, struct failure *why)
{
    while (!prepare_once(store, why)) {
        if (store->write_error != MDB_MAP_FULL || !grow(store, why))
            return false;
        store->write_error = 0;
    }
    return true;
}

struct opening {
    struct store *store;
    enum store_access access;
    const char *group;
    struct failure *why;
    bool worked;
};

static bool open_files(struct store *store, enum store_access access, const char *group,
                       struct failure *why)
{
    struct stat status;
    int error;

    if (access == STORE_WRITE) {
        if (!store_directory_make(store->directory, group, why))
            return false;
    } else if (!store_directory_stat(store->directory, &status, why)) {
        return false;
    } else if (status.st_size == 0) {
        return failure_set(why, EX_DATAERR, "store %s: %s is an empty file", store->directory,
                           store_data_file);
    }
    error = open_environment(store);
    if (error != 0)
        return fail(store, error, "opening", why);
    if (store->writable)
        store_directory_share(store->directory);
    if (!store_directory_stat(store->directory, &status, why))
        return false;
    store->device = status.st_dev;
    store->inode = status.st_ino;
    if (!is_whole(store, &status))
        return fail_damaged(store, why);
    return prepare(store, why);
}

static void open_guarded(void *context)
{
    struct opening *opening = context;
    opening->worked = open_files(opening->store, opening->access, opening->group, opening->why);
}

bool store_open(struct store **opened, const char *directory, enum store_access access,
                const char *group, struct failure *why)
{
    struct store *store = calloc(1, sizeof *store + strlen(directory) + 1);
    struct opening opening = {store, access, group, why, false};

    *opened = NULL;
    if (store == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    strcpy(store->directory, directory);
    store->writable = access != STORE_READ;
    if (!fault_guard(open_guarded, &opening))
        opening.worked = fail_damaged(store, why);
    if (opening.worked)
        *opened = store;
    else
        store_close(store);
    return opening.worked;
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

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    /* A close that faults leaves the map behind, which is better than a crash. */
    if (store->environment != NULL)
        (void)fault_guard(close_guarded, store);
    free(store);
}

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

    if (!store_directory_stat(store->directory, &status, checking->why))
        return;
    if (status.st_dev != store->device || status.st_ino != store->inode)
        (void)failure_set(checking->why, EX_TEMPFAIL, "store %s is another file now",
                          store->directory);
    else
        checking->current = is_whole(store, &status) || fail_damaged(store, checking->why);
}

bool store_is_current(struct store *store, struct failure *why)
{
    struct checking checking = {store, why, false};

    if (store->broken || !fault_guard(check_guarded, &checking))
        return fail_damaged(store, why);
    return checking.current;
}

int store_clear_stale_readers(struct store *store)
{
    int dead = 0;

    return !store->broken && mdb_reader_check(store->environment, &dead) == 0 ? dead : 0;
}

/* --- reading --- */

static int begin_snapshot(struct store *store)
{
    int error;

    if (store->reader == NULL)
        return begin(store, MDB_RDONLY, &store->reader);
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

static enum store_result failed(struct store *store, int error, struct failure *why)
{
    if (means_damage(error))
        (void)fail_damaged(store, why);
    else
        (void)fail(store, error, "reading", why);
    return STORE_FAILED;
}

/* What mdb_get, or a cursor, has found for an identity. */
static enum store_result take_record(struct store *store, int error, const MDB_val *value,
                                     const char *identity, size_t length, struct mail_from *record,
                                     struct failure *why)
{
    if (error == MDB_NOTFOUND)
        return STORE_NOT_FOUND;
    if (error != 0)
        return failed(store, error, why);
    if (mail_from_decode(record, identity, length, value->mv_data, value->mv_size))
        return STORE_FOUND;
    (void)failure_set(why, EX_DATAERR, "store %s: the record of %s is damaged; import it anew",
                      store->directory, identity);
    return STORE_FAILED;
}

/* One reading call: `read` runs in a snapshot and under the guard. */
struct reading {
    enum store_result (*read)(struct reading *reading, MDB_txn *transaction);
    struct store *store;
    struct failure *why;
    enum store_result result;
    struct mail_from *record;
    const char *key;               /* get, notes */
    const struct identity *sender; /* find, down to trace */
    bool strip_label;
    char *found;
    const struct store_trace *trace;
    bool (*visit)(void *context, const char *key, const struct mail_from *record); /* each */
    bool (*visit_note)(void *context, const char *name, const char *text);         /* notes */
    void *context;
    uint64_t count;            /* count */
    int64_t now;               /* tally */
    struct store_tally *tally; /* tally */
};

static void read_in_snapshot(void *context)
{
    struct reading *reading = context;
    struct store *store = reading->store;
    MDB_txn *transaction;
    int error = acquire(store, &transaction);

    if (error != 0) {
        reading->result = failed(store, error, reading->why);
        return;
    }
    reading->result = reading->read(reading, transaction);
    release(store);
}

static enum store_result run(struct reading *reading)
{
    reading->result = STORE_FAILED;
    if (reading->store->broken || !fault_guard(read_in_snapshot, reading))
        (void)fail_damaged(reading->store, reading->why);
    return reading->result;
}

static enum store_result read_one(struct reading *reading, MDB_txn *transaction)
{
    char key[IDENTITY_SIZE];
    MDB_val name = {strlen(reading->key), key};
    MDB_val value;

    if (name.mv_size >= sizeof key)
        return STORE_NOT_FOUND;
    store_key_write(key, reading->key, name.mv_size);
    return take_record(reading->store,
                       mdb_get(transaction, reading->store->identities, &name, &value), &value,
                       reading->key, name.mv_size, reading->record, reading->why);
}

enum store_result store_get(struct store *store, const char *key, struct mail_from *record,
                            struct failure *why)
{
    struct reading reading = {
        .read = read_one, .store = store, .key = key, .record = record, .why = why};
    return run(&reading);
}

static void tell(const struct store_trace *trace, const char *key, const char *outcome)
{
    if (trace != NULL)
        trace->tried(trace->context, key, outcome);
}

static enum store_result walk_keys(struct reading *reading, MDB_cursor *cursor)
{
    struct identity_keys keys;
    size_t length = 0;
    const char *identity;

    identity_keys_init(&keys, reading->sender, reading->strip_label);
    while ((identity = identity_keys_next(&keys, &length)) != NULL) {
        char key[IDENTITY_SIZE];
        MDB_val name = {length, key};
        MDB_val value;
        enum store_result result;

        store_key_write(key, identity, length);
        result = take_record(reading->store, mdb_cursor_get(cursor, &name, &value, MDB_SET), &value,
                             identity, length, reading->record, reading->why);
        if (result == STORE_FAILED)
            return STORE_FAILED;
        if (result == STORE_FOUND && reading->record->verified) {
            tell(reading->trace, identity, "found, decides");
            memcpy(reading->found, identity, length + 1);
            return STORE_FOUND;
        }
        tell(reading->trace, identity,
             result == STORE_FOUND ? "found, but not verified: skipped" : "no such identity");
    }
    return STORE_NOT_FOUND;
}

static enum store_result find_record(struct reading *reading, MDB_txn *transaction)
{
    struct store *store = reading->store;
    enum store_result result;
    int error = store->cursor == NULL
                    ? mdb_cursor_open(transaction, store->identities, &store->cursor)
                    : mdb_cursor_renew(transaction, store->cursor);

    if (error != 0)
        return failed(store, error, reading->why);
    /* A cursor looks at the page it is on first, where the next key mostly is. */
    result = walk_keys(reading, store->cursor);
    if (result != STORE_NOT_FOUND || count_records(reading->store, transaction) > 0)
        return result;
    (void)fail_empty(reading->store, reading->why);
    return STORE_FAILED;
}

enum store_result store_find(struct store *store, const struct identity *sender, bool strip_label,
                             char key[IDENTITY_SIZE], struct mail_from *record,
                             const struct store_trace *trace, struct failure *why)
{
    struct reading reading = {.read = find_record,
                              .store = store,
                              .sender = sender,
                              .strip_label = strip_label,
                              .found = key,
                              .record = record,
                              .trace = trace,
                              .why = why};
    return run(&reading);
}

/* Returns whether to go on; *damaged where the record is none of ours. */
static bool visit_record(const struct reading *reading, const MDB_val *name, const MDB_val *value,
                         bool *damaged)
{
    struct mail_from record;
    char key[IDENTITY_SIZE];

    *damaged = !store_key_read(key, name->mv_data, name->mv_size) ||
               !mail_from_decode(&record, key, name->mv_size, value->mv_data, value->mv_size);
    if (*damaged)
        return false;
    return reading->visit(reading->context, key, &record);
}

static enum store_result read_each(struct reading *reading, MDB_txn *transaction)
{
    MDB_cursor *cursor;
    MDB_val name;
    MDB_val value;
    bool damaged = false;
    int error = mdb_cursor_open(transaction, reading->store->identities, &cursor);

    if (error != 0)
        return failed(reading->store, error, reading->why);
    while ((error = mdb_cursor_get(cursor, &name, &value, MDB_NEXT)) == 0 &&
           visit_record(reading, &name, &value, &damaged))
        continue;
    mdb_cursor_close(cursor);
    if (damaged)
        error = MDB_CORRUPTED;
    return error == 0 || error == MDB_NOTFOUND ? STORE_FOUND
                                               : failed(reading->store, error, reading->why);
}

bool store_each(struct store *store,
                bool (*visit)(void *context, const char *key, const struct mail_from *record),
                void *context, struct failure *why)
{
    struct reading reading = {
        .read = read_each, .store = store, .visit = visit, .context = context, .why = why};
    return run(&reading) == STORE_FOUND;
}

static enum store_result read_count(struct reading *reading, MDB_txn *transaction)
{
    reading->count = count_records(reading->store, transaction);
    return STORE_FOUND;
}

bool store_count(struct store *store, uint64_t *count, struct failure *why)
{
    struct reading reading = {.read = read_count, .store = store, .why = why};

    if (run(&reading) != STORE_FOUND)
        return false;
    *count = reading.count;
    return true;
}

static enum store_result read_counts(struct reading *reading, MDB_txn *transaction)
{
    struct store *store = reading->store;
    int error = read_tally(store, transaction, reading->now, reading->tally);

    return error == 0 ? STORE_FOUND : failed(store, error, reading->why);
}

static void look_for_counts(void *context)
{
    struct failure unused;
    (void)prepare_once(context, &unused);
}

bool store_tally(struct store *store, int64_t now, struct store_tally *tally, struct failure *why)
{
    struct reading reading = {
        .read = read_counts, .store = store, .now = now, .tally = tally, .why = why};

    /* Somebody may have written it meanwhile. */
    if (!store->has_counts && !store->broken)
        (void)fault_guard(look_for_counts, store);
    if (!store->has_counts)
        return failure_set(why, EX_UNAVAILABLE,
                           "store %s was made by an early version and has no counters until "
                           "mailfrom-sync or mailfromctl has written it",
                           store->directory);
    return run(&reading) == STORE_FOUND;
}

/* --- what is due --- */

/* A key of the database "due": the time, most significant octet first, then the key of the
 * identity. What was never looked up comes before all else. */
enum { DUE_TIME = 8, DUE_SIZE = DUE_TIME + IDENTITY_SIZE };

/* Returns the length, 0 for a record that nobody looks up. identity: NULL for none. */
static size_t write_due(unsigned char due[DUE_SIZE], const char *identity, size_t length,
                        const struct mail_from *record)
{
    uint64_t time = record->found_at == 0 ? 0 : (uint64_t)record->refresh_after;

    if (record->source != MAIL_FROM_LOCAL || record->refresh_after <= 0)
        return 0;
    for (size_t i = 0; i < DUE_TIME; i++)
        due[i] = (unsigned char)(time >> 8 * (DUE_TIME - 1 - i));
    store_key_write((char *)due + DUE_TIME, identity, length);
    return DUE_TIME + length;
}

/* Returns whether to go on. An entry that its record knows nothing of is passed over. */
static bool visit_due(struct reading *reading, MDB_txn *transaction, const MDB_val *entry)
{
    unsigned char due[DUE_SIZE];
    char identity[IDENTITY_SIZE];
    struct mail_from record;
    struct reading one = *reading;
    size_t length = entry->mv_size - DUE_TIME;

    if (entry->mv_size <= DUE_TIME ||
        !store_key_read(identity, (const char *)entry->mv_data + DUE_TIME, length))
        return true;
    one.key = identity;
    one.record = &record;
    if (read_one(&one, transaction) != STORE_FOUND ||
        write_due(due, identity, length, &record) != entry->mv_size ||
        memcmp(due, entry->mv_data, entry->mv_size) != 0)
        return true;
    return reading->visit(reading->context, identity, &record);
}

static enum store_result read_due(struct reading *reading, MDB_txn *transaction)
{
    unsigned char after[DUE_SIZE];
    MDB_val entry = {0, after};
    MDB_cursor *cursor;
    MDB_val nothing;
    int error = mdb_cursor_open(transaction, reading->store->due, &cursor);

    if (error != 0)
        return failed(reading->store, error, reading->why);
    if (reading->record != NULL)
        entry.mv_size = write_due(after, reading->key, strlen(reading->key), reading->record);
    error =
        mdb_cursor_get(cursor, &entry, &nothing, entry.mv_size == 0 ? MDB_FIRST : MDB_SET_RANGE);
    while (error == 0 && visit_due(reading, transaction, &entry))
        error = mdb_cursor_get(cursor, &entry, &nothing, MDB_NEXT);
    mdb_cursor_close(cursor);
    return error == 0 || error == MDB_NOTFOUND ? STORE_FOUND
                                               : failed(reading->store, error, reading->why);
}

bool store_each_due(struct store *store, const char *key, const struct mail_from *record,
                    bool (*visit)(void *context, const char *key, const struct mail_from *record),
                    void *context, struct failure *why)
{
    struct mail_from from;
    struct reading reading = {.read = read_due,
                              .store = store,
                              .key = key,
                              .visit = visit,
                              .context = context,
                              .why = why};

    if (record != NULL) {
        from = *record;
        reading.record = &from;
    }
    return run(&reading) == STORE_FOUND;
}

/* Takes the record that is about to be replaced out of the index, if it is there. */
static int forget_due(const struct store *store, const char *identity, size_t length,
                      const struct mail_from *old)
{
    unsigned char due[DUE_SIZE];
    MDB_val entry = {write_due(due, identity, length, old), due};
    int error = entry.mv_size == 0 ? 0 : mdb_del(store->writer, store->due, &entry, NULL);

    return error == MDB_NOTFOUND ? 0 : error;
}

static int note_due(const struct store *store, const char *identity, const MDB_val *name,
                    const struct mail_from *record)
{
    unsigned char due[DUE_SIZE];
    MDB_val entry = {write_due(due, identity, name->mv_size, record), due};
    MDB_val nothing = {0, due};

    return entry.mv_size == 0 ? 0 : mdb_put(store->writer, store->due, &entry, &nothing, 0);
}

/* --- notes --- */

static enum store_result read_note(struct reading *reading, MDB_txn *transaction)
{
    MDB_val name = {strlen(reading->key), (void *)reading->key};
    MDB_val value;
    int error = mdb_get(transaction, reading->store->notes, &name, &value);

    if (error == MDB_NOTFOUND)
        return STORE_NOT_FOUND;
    if (error == 0 && value.mv_size > STORE_NOTE_MAX)
        error = MDB_CORRUPTED;
    if (error != 0)
        return failed(reading->store, error, reading->why);
    memcpy(reading->found, value.mv_data, value.mv_size);
    reading->found[value.mv_size] = '\0';
    return STORE_FOUND;
}

enum store_result store_note_get(struct store *store, const char *name,
                                 char text[STORE_NOTE_MAX + 1], struct failure *why)
{
    struct reading reading = {
        .read = read_note, .store = store, .key = name, .found = text, .why = why};
    return run(&reading);
}

/* Returns whether to go on; *error where the note is none of ours. */
static bool visit_note(const struct reading *reading, const MDB_val *name, const MDB_val *value,
                       int *error)
{
    char name_text[STORE_NOTE_NAME_MAX + 1];
    char text[STORE_NOTE_MAX + 1];
    size_t prefix = strlen(reading->key);

    if (name->mv_size < prefix || memcmp(name->mv_data, reading->key, prefix) != 0)
        return false;
    if (name->mv_size > STORE_NOTE_NAME_MAX || value->mv_size > STORE_NOTE_MAX) {
        *error = MDB_CORRUPTED;
        return false;
    }
    memcpy(name_text, name->mv_data, name->mv_size);
    name_text[name->mv_size] = '\0';
    memcpy(text, value->mv_data, value->mv_size);
    text[value->mv_size] = '\0';
    return reading->visit_note(reading->context, name_text, text);
}

static enum store_result read_notes(struct reading *reading, MDB_txn *transaction)
{
    MDB_val name = {strlen(reading->key), (void *)reading->key};
    MDB_cursor *cursor;
    MDB_val value;
    int error = mdb_cursor_open(transaction, reading->store->notes, &cursor);

    if (error != 0)
        return failed(reading->store, error, reading->why);
    error = mdb_cursor_get(cursor, &name, &value, name.mv_size == 0 ? MDB_FIRST : MDB_SET_RANGE);
    while (error == 0 && visit_note(reading, &name, &value, &error))
        error = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
    mdb_cursor_close(cursor);
    return error == 0 || error == MDB_NOTFOUND ? STORE_FOUND
                                               : failed(reading->store, error, reading->why);
}

bool store_note_each(struct store *store, const char *prefix,
                     bool (*visit)(void *context, const char *name, const char *text),
                     void *context, struct failure *why)
{
    struct reading reading = {.read = read_notes,
                              .store = store,
                              .key = prefix,
                              .visit_note = visit,
                              .context = context,
                              .why = why};
    return run(&reading) == STORE_FOUND;
}

/* --- writing --- */

struct writing {
    struct store *store;
    bool (*change)(struct store *store, void *context, struct failure *why);
    void *context;
    struct failure *why;
    bool worked;
};

/* Sets store->write_error to MDB_MAP_FULL where another try with a larger map is due. */
static void write_once(void *context)
{
    struct writing *writing = context;
    struct store *store = writing->store;

    store->write_error = begin(store, 0, &store->writer);
    if (store->write_error != 0) {
        store->writer = NULL;
        writing->worked = fail(store, store->write_error, "writing", writing->why);
        return;
    }
    writing->worked = writing->change(store, writing->context, writing->why);
    if (!writing->worked)
        mdb_txn_abort(store->writer);
    else if ((store->write_error = mdb_txn_commit(store->writer)) != 0)
        writing->worked = fail(store, store->write_error, "writing", writing->why);
    store->writer = NULL;
}

bool store_update(struct store *store, bool (*change)(struct store *, void *, struct failure *),
                  void *context, struct failure *why)
{
    struct writing writing = {store, change, context, why, false};

    if (store->broken)
        return fail_damaged(store, why);
    for (;;) {
        if (!fault_guard(write_once, &writing))
            return fail_damaged(store, why);
        if (writing.worked || store->write_error != MDB_MAP_FULL)
            return writing.worked;
        if (!grow(store, why))
            return false;
    }
}

static bool written(struct store *store, int error, struct failure *why)
{
    store->write_error = error;
    return error == 0 || fail(store, error, "writing", why);
}

/* Everything that is kept beside the records follows. new: NULL for none. */
static int replace(const struct store *store, const char *identity, MDB_val *name,
                   const struct mail_from *new)
{
    struct mail_from old;
    MDB_val value;
    int error = mdb_get(store->writer, store->identities, name, &value);
    bool has_old =
        error == 0 && mail_from_decode(&old, identity, name->mv_size, value.mv_data, value.mv_size);

    if (error != 0 && error != MDB_NOTFOUND)
        return error;
    error = has_old ? forget_due(store, identity, name->mv_size, &old) : 0;
    if (error == 0)
        error = recount(store, store->writer, has_old ? &old : NULL, new);
    if (error == 0 && new != NULL)
        error = note_due(store, identity, name, new);
    return error;
}

bool store_put(struct store *store, const char *identity, const struct mail_from *record,
               struct failure *why)
{
    unsigned char coded[MAIL_FROM_CODED_MAX];
    char key[IDENTITY_SIZE];
    MDB_val name = {strnlen(identity, sizeof key - 1), key};
    MDB_val value = {mail_from_encode(record, identity, name.mv_size, coded), coded};
    int error;

    store_key_write(key, identity, name.mv_size);
    error = replace(store, identity, &name, record);
    if (error == 0)
        error = mdb_put(store->writer, store->identities, &name, &value, 0);
    return written(store, error, why);
}

bool store_remove(struct store *store, const char *identity, bool *existed, struct failure *why)
{
    char key[IDENTITY_SIZE];
    MDB_val name = {strnlen(identity, sizeof key - 1), key};
    int error;

    store_key_write(key, identity, name.mv_size);
    error = replace(store, identity, &name, NULL);
    if (error == 0)
        error = mdb_del(store->writer, store->identities, &name, NULL);
    *existed = error == 0;
    return written(store, error == MDB_NOTFOUND ? 0 : error, why);
}

bool store_note_put(struct store *store, const char *name, const char *text, struct failure *why)
{
    MDB_val key = {strlen(name), (void *)name};
    MDB_val value = {strlen(text), (void *)text};

    if (key.mv_size == 0 || key.mv_size > STORE_NOTE_NAME_MAX || value.mv_size > STORE_NOTE_MAX)
        return failure_set(why, EX_SOFTWARE, "a note of the store is too long: %.100s", name);
    return written(store, mdb_put(store->writer, store->notes, &key, &value, 0), why);
}

bool store_note_remove(struct store *store, const char *name, struct failure *why)
{
    MDB_val key = {strlen(name), (void *)name};
    int error = mdb_del(store->writer, store->notes, &key, NULL);

    return written(store, error == MDB_NOTFOUND ? 0 : error, why);
}
