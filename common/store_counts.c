/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The database "counts": how many records there are of each kind (store_tally.c).
 */
#include "common/store_lmdb.h"

#include <string.h>
#include <sysexits.h>

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
int store_counts_replace(const struct store *store, MDB_txn *transaction,
                         const struct mail_from *old, const struct mail_from *new)
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

struct adding {
    struct store_tally *tally;
    int64_t now;
};

static int add_counter(void *context, const MDB_val *name, const MDB_val *value)
{
    struct adding *adding = context;
    uint64_t number;

    if (value->mv_size != sizeof number)
        return MDB_NOTFOUND;
    memcpy(&number, value->mv_data, sizeof number);
    return store_tally_add(adding->tally, name->mv_data, name->mv_size, number, adding->now)
               ? 0
               : MDB_NOTFOUND;
}

/* tally: zero before. */
static int read_tally(const struct store *store, MDB_txn *transaction, int64_t now,
                      struct store_tally *tally)
{
    struct adding adding = {tally, now};

    return store_walk(transaction, store->counts, (MDB_val){0, NULL}, add_counter, &adding);
}

/* --- opening --- */

struct counting {
    const struct store *store;
    MDB_txn *transaction;
};

static int count_record(void *context, const char *identity, const struct mail_from *record)
{
    const struct counting *counting = context;

    (void)identity;
    return store_counts_replace(counting->store, counting->transaction, NULL, record);
}

static int count_all(const struct store *store, MDB_txn *transaction, struct store_tally *tally)
{
    struct counting counting = {store, transaction};
    int error = mdb_drop(transaction, store->counts, 0);

    if (error == 0)
        error = store_walk_records(store, transaction, count_record, &counting);
    memset(tally, 0, sizeof *tally);
    return error != 0 ? error : read_tally(store, transaction, INT64_MAX, tally);
}

int store_counts_open(struct store *store, MDB_txn *transaction, struct store_tally *tally)
{
    int error =
        mdb_dbi_open(transaction, "counts", store->writable ? MDB_CREATE : 0, &store->counts);

    memset(tally, 0, sizeof *tally);
    store->has_counts = error == 0;
    if (!store->writable)
        return error == MDB_NOTFOUND ? 0 : error;
    if (error == 0)
        error = read_tally(store, transaction, INT64_MAX, tally);
    if (error == 0 && store_tally_all(tally) != store_count_records(store, transaction))
        error = count_all(store, transaction, tally);
    return error;
}

/* --- reading --- */

static enum store_result read_counts(struct store *store, MDB_txn *transaction, void *context,
                                     struct failure *why)
{
    const struct adding *adding = context;

    return store_walked(store, read_tally(store, transaction, adding->now, adding->tally), why);
}

bool store_tally(struct store *store, int64_t now, struct store_tally *tally, struct failure *why)
{
    struct adding adding = {tally, now};

    memset(tally, 0, sizeof *tally);
    if (!store->has_counts)
        store_look_for_databases(store);
    if (!store->has_counts)
        return failure_set(why, EX_UNAVAILABLE,
                           "store %s was made by an early version and has no counters until "
                           "mailfrom-sync or mailfromctl has written it",
                           store->directory);
    return store_read(store, read_counts, &adding, why) == STORE_FOUND;
}
