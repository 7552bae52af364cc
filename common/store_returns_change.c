/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The database "returns", as it is kept beside the records. A pair that the last record leaves has
 * gone: its entry stays for the bounces that are under way. The keys are
 *
 *     NUL                      -> struct store_returns_totals
 *     NUL, time, key of a pair -> nothing; those that have gone, in the order of time
 *     key of a pair            -> struct return_entry
 */
#include "common/checksum.h"
#include "common/return_pair.h"
#include "common/store_lmdb.h"

#include <string.h>

/* By each pair that goes: more than come, so that they do not pile up. */
enum { PURGED_MAX = 2 };

static const MDB_val totals_key = {1, (void *)""};

/* --- values: the content, then a checksum --- */

enum { SEALED_MAX = sizeof(struct return_entry) + sizeof(uint64_t) };

bool store_returns_unseal(const MDB_val *key, const MDB_val *value, void *content, size_t size)
{
    uint64_t sum;

    if (value->mv_size != size + sizeof sum)
        return false;
    memcpy(&sum, (const char *)value->mv_data + size, sizeof sum);
    memcpy(content, value->mv_data, size);
    return sum == checksum_of(key->mv_data, key->mv_size, value->mv_data, size);
}

/* Leaves *content as it is where there is nothing. */
static int get(const struct store *store, MDB_txn *transaction, MDB_val key, void *content,
               size_t size)
{
    MDB_val value;
    int error = mdb_get(transaction, store->returns, &key, &value);

    if (error != 0)
        return error == MDB_NOTFOUND ? 0 : error;
    return store_returns_unseal(&key, &value, content, size) ? 0 : MDB_CORRUPTED;
}

static int put(const struct store *store, MDB_txn *transaction, MDB_val key, const void *content,
               size_t size)
{
    unsigned char sealed[SEALED_MAX];
    uint64_t sum = checksum_of(key.mv_data, key.mv_size, content, size);
    MDB_val value = {size + sizeof sum, sealed};

    memcpy(sealed, content, size);
    memcpy(sealed + size, &sum, sizeof sum);
    return mdb_put(transaction, store->returns, &key, &value, 0);
}

static int drop(const struct store *store, MDB_txn *transaction, MDB_val key)
{
    int error = mdb_del(transaction, store->returns, &key, NULL);

    return error == MDB_NOTFOUND ? 0 : error;
}

static int read_totals(struct store *store, MDB_txn *transaction)
{
    int error;

    store->totals = (struct store_returns_totals){0, 0};
    error = get(store, transaction, totals_key, &store->totals, sizeof store->totals);
    store->has_totals = error == 0;
    return error;
}

/* --- what has gone --- */

static int copy_first(void *context, const MDB_val *key, const MDB_val *nothing)
{
    MDB_val *first = context;

    (void)nothing;
    first->mv_size = key->mv_size < RETURN_PAIR_GONE_SIZE ? key->mv_size : RETURN_PAIR_GONE_SIZE;
    memcpy(first->mv_data, key->mv_data, first->mv_size);
    return MDB_NOTFOUND;
}

/* The one that went first, if that is long ago. */
static int purge(struct store *store, MDB_txn *transaction)
{
    static const unsigned char head[RETURN_PAIR_GONE_HEAD];
    unsigned char gone[RETURN_PAIR_GONE_SIZE];
    MDB_val first = {0, gone};
    MDB_val key;
    struct return_entry entry = {.since = 0};
    int error = store_walk(transaction, store->returns, (MDB_val){sizeof head, (void *)head},
                           copy_first, &first);

    if (error != 0 || first.mv_size <= RETURN_PAIR_GONE_HEAD || gone[0] != '\0' ||
        store_key_read_time(gone + 1) >= store->now - STORE_RETURNS_KEPT)
        return error;
    key = (MDB_val){first.mv_size - RETURN_PAIR_GONE_HEAD, gone + RETURN_PAIR_GONE_HEAD};
    error = get(store, transaction, key, &entry, sizeof entry);
    if (error == 0)
        error = drop(store, transaction, first);
    /* An entry that does not say the same stays. */
    if (error != 0 || entry.since != store_key_read_time(gone + 1))
        return error;
    store->totals.gone--;
    return drop(store, transaction, key);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int go(struct store *store, MDB_txn *transaction, const struct return_pair *pair,
              const struct mail_from *record, struct return_entry *entry)
{
    unsigned char gone[RETURN_PAIR_GONE_SIZE];
    MDB_val nothing = {0, gone};
    MDB_val key = {0, gone};
    int error;

    entry->references = 0;
    /* The record knows better than a clock that was set back. */
    entry->since = later(later(store->now, 1), later(record->checked, record->found_at));
    key.mv_size = return_pair_write_gone(gone, pair, entry->since);
    error = mdb_put(transaction, store->returns, &key, &nothing, 0);
    store->totals.gone++;
    /* A clock that is wrong must not take what bounces are under way to: it gets at the oldest ones
     * only, and never at the last ones. */
    for (int i = 0; i < PURGED_MAX && store->totals.gone > STORE_RETURNS_SPARED && error == 0; i++)
        error = purge(store, transaction);
    return error;
}

static int come_back(struct store *store, MDB_txn *transaction, const struct return_pair *pair,
                     struct return_entry *entry)
{
    unsigned char gone[RETURN_PAIR_GONE_SIZE];
    MDB_val key = {return_pair_write_gone(gone, pair, entry->since), gone};

    *entry = (struct return_entry){.since = 0};
    store->totals.gone--;
    return drop(store, transaction, key);
}

/* --- references --- */

static int add(struct store *store, MDB_txn *transaction, const struct return_pair *pair,
               const struct mail_from *record)
{
    MDB_val key = {pair->size, (void *)pair->key};
    struct return_entry entry = {.since = 0};
    int error = get(store, transaction, key, &entry, sizeof entry);

    if (error == 0 && entry.since != 0)
        error = come_back(store, transaction, pair, &entry);
    if (error != 0)
        return error;
    entry.references++;
    entry.feedback_off += record->feedback_off;
    return put(store, transaction, key, &entry, sizeof entry);
}

/* MDB_CORRUPTED also where the pair does not have this record: a version that does not know of
 * pairs has written meanwhile. */
static int take(struct store *store, MDB_txn *transaction, const struct return_pair *pair,
                const struct mail_from *record)
{
    MDB_val key = {pair->size, (void *)pair->key};
    struct return_entry entry = {.since = 0};
    int error = get(store, transaction, key, &entry, sizeof entry);

    if (error != 0)
        return error;
    if (entry.references == 0 || entry.feedback_off < record->feedback_off ||
        entry.feedback_off - record->feedback_off > entry.references - 1)
        return MDB_CORRUPTED;
    if (entry.references == 1) {
        error = go(store, transaction, pair, record, &entry);
    } else {
        entry.references--;
        entry.feedback_off -= record->feedback_off;
    }
    return error != 0 ? error : put(store, transaction, key, &entry, sizeof entry);
}

static bool has_return(const struct mail_from *record)
{
    return record != NULL && record->source != MAIL_FROM_SES && record->domain[0] != '\0';
}

static bool is_same(const struct mail_from *old, const struct mail_from *new)
{
    if (!has_return(old) || !has_return(new))
        return has_return(old) == has_return(new);
    return strcmp(old->domain, new->domain) == 0 && old->feedback_off == new->feedback_off;
}

/* Takes what is new first: a pair that stays must not go in between. */
static int move(struct store *store, MDB_txn *transaction, const char *identity,
                const struct mail_from *old, const struct mail_from *new)
{
    struct return_pair pair;
    int error = 0;

    if (!store->has_totals)
        error = read_totals(store, transaction);
    if (error == 0 && has_return(new)) {
        store->totals.records++;
        if (return_pair_init(&pair, identity, new->domain))
            error = add(store, transaction, &pair, new);
    }
    if (error == 0 && has_return(old)) {
        store->totals.records--;
        if (return_pair_init(&pair, identity, old->domain))
            error = take(store, transaction, &pair, old);
    }
    return error;
}

/* --- all of it --- */

struct building {
    struct store *store;
    MDB_txn *transaction;
};

static int build_record(void *context, const char *identity, const struct mail_from *record)
{
    const struct building *building = context;

    return has_return(record) ? move(building->store, building->transaction, identity, NULL, record)
                              : 0;
}

/* What had gone is lost by it. */
static int build(struct store *store, MDB_txn *transaction)
{
    struct building building = {store, transaction};
    int error = mdb_drop(transaction, store->returns, 0);

    store->totals = (struct store_returns_totals){0, 0};
    store->has_totals = true;
    return error != 0 ? error : store_walk_records(store, transaction, build_record, &building);
}

int store_returns_replace(struct store *store, const char *identity, const struct mail_from *old,
                          const struct mail_from *new)
{
    int error = is_same(old, new) ? 0 : move(store, store->writer, identity, old, new);

    if (error != MDB_CORRUPTED)
        return error;
    error = build(store, store->writer);
    return error != 0 ? error : move(store, store->writer, identity, old, new);
}

int store_returns_finish(struct store *store, MDB_txn *transaction)
{
    return store->has_totals
               ? put(store, transaction, totals_key, &store->totals, sizeof store->totals)
               : 0;
}

/* --- opening --- */

static uint64_t records_of(const struct store_tally *tally)
{
    uint64_t count = 0;

    for (size_t source = 0; source < MAIL_FROM_SOURCE_COUNT; source++)
        for (size_t status = 0; status < MAIL_FROM_STATUS_COUNT; status++)
            count += source == MAIL_FROM_SES ? 0 : tally->records[source][status];
    return count;
}

int store_returns_open(struct store *store, MDB_txn *transaction, const struct store_tally *tally)
{
    int error =
        mdb_dbi_open(transaction, "returns", store->writable ? MDB_CREATE : 0, &store->returns);

    store->has_returns = error == 0;
    if (!store->writable)
        return error == MDB_NOTFOUND ? 0 : error;
    if (error == 0)
        error = read_totals(store, transaction);
    if (error == 0 && store->totals.records == records_of(tally))
        return 0;
    if (error == 0 || error == MDB_CORRUPTED)
        error = build(store, transaction);
    return error != 0 ? error : store_returns_finish(store, transaction);
}
