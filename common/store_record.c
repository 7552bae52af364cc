/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The database "identities": the records by identity (store_key.c, mail_from.c).
 */
#include "common/store_key.h"
#include "common/store_lmdb.h"

#include <string.h>
#include <sysexits.h>

uint64_t store_count_records(const struct store *store, MDB_txn *transaction)
{
    MDB_stat sizes = {.ms_entries = 0};

    return mdb_stat(transaction, store->identities, &sizes) == 0 ? sizes.ms_entries : 0;
}

/* What mdb_get, or a cursor, has found for an identity. */
static enum store_result take_record(struct store *store, int error, const MDB_val *value,
                                     const char *identity, size_t length, struct mail_from *record,
                                     struct failure *why)
{
    if (error == MDB_NOTFOUND)
        return STORE_NOT_FOUND;
    if (error != 0)
        return store_failed(store, error, why);
    if (mail_from_decode(record, identity, length, value->mv_data, value->mv_size))
        return STORE_FOUND;
    (void)failure_set(why, EX_DATAERR, "store %s: the record of %s is damaged; import it anew",
                      store->directory, identity);
    return STORE_FAILED;
}

/* --- one --- */

enum store_result store_read_record(struct store *store, MDB_txn *transaction, const char *identity,
                                    size_t length, struct mail_from *record, struct failure *why)
{
    char key[IDENTITY_SIZE];
    MDB_val name = {length, key};
    MDB_val value;

    if (length >= sizeof key)
        return STORE_NOT_FOUND;
    store_key_write(key, identity, length);
    return take_record(store, mdb_get(transaction, store->identities, &name, &value), &value,
                       identity, length, record, why);
}

struct one {
    const char *identity;
    struct mail_from *record;
};

static enum store_result read_one(struct store *store, MDB_txn *transaction, void *context,
                                  struct failure *why)
{
    const struct one *one = context;

    return store_read_record(store, transaction, one->identity, strlen(one->identity), one->record,
                             why);
}

enum store_result store_get(struct store *store, const char *key, struct mail_from *record,
                            struct failure *why)
{
    struct one one = {key, record};

    return store_read(store, read_one, &one, why);
}

/* --- the first verified one of a sender's --- */

struct search {
    const struct identity *sender;
    bool strip_label;
    char *found;
    struct mail_from *record;
    const struct store_trace *trace;
};

static void tell(const struct store_trace *trace, const char *key, const char *outcome)
{
    if (trace != NULL && trace->tried != NULL)
        trace->tried(trace->context, key, outcome);
}

static enum store_result walk_keys(const struct search *search, struct store *store,
                                   struct failure *why)
{
    struct identity_keys keys;
    size_t length = 0;
    const char *identity;

    identity_keys_init(&keys, search->sender, search->strip_label);
    while ((identity = identity_keys_next(&keys, &length)) != NULL) {
        char key[IDENTITY_SIZE];
        MDB_val name = {length, key};
        MDB_val value;
        enum store_result result;

        store_key_write(key, identity, length);
        result = take_record(store, mdb_cursor_get(store->cursor, &name, &value, MDB_SET), &value,
                             identity, length, search->record, why);
        if (result == STORE_FAILED)
            return STORE_FAILED;
        if (result == STORE_FOUND && search->record->verified) {
            tell(search->trace, identity, "found, decides");
            memcpy(search->found, identity, length + 1);
            return STORE_FOUND;
        }
        tell(search->trace, identity,
             result == STORE_FOUND ? "found, but not verified: skipped" : "no such identity");
    }
    return STORE_NOT_FOUND;
}

static void tell_snapshot(const struct store_trace *trace, const struct store *store,
                          MDB_txn *transaction)
{
    if (trace != NULL && trace->snapshot != NULL)
        *trace->snapshot = (struct store_snapshot){store->inode, mdb_txn_id(transaction)};
}

/* A miss has no checksum. Where it is the last word, and mail would pass as that of nobody, the
 * records beside each place say whether it is true. */
static int prove_all_absent(const struct search *search, const struct store *store)
{
    struct identity_keys keys;
    size_t length = 0;
    const char *identity;
    int error = 0;

    identity_keys_init(&keys, search->sender, search->strip_label);
    while (error == 0 && (identity = identity_keys_next(&keys, &length)) != NULL) {
        char key[IDENTITY_SIZE];
        const MDB_val name = {length, key};
        store_key_write(key, identity, length);
        error = store_prove_absence(store->cursor, &name);
    }
    return error;
}

/* A cursor looks at the page it is on first, where the next key mostly is. */
static enum store_result find_record(struct store *store, MDB_txn *transaction, void *context,
                                     struct failure *why)
{
    const struct search *search = context;
    enum store_result result;
    int error = store->cursor == NULL
                    ? mdb_cursor_open(transaction, store->identities, &store->cursor)
                    : mdb_cursor_renew(transaction, store->cursor);

    if (error != 0)
        return store_failed(store, error, why);
    tell_snapshot(search->trace, store, transaction);
    result = walk_keys(search, store, why);
    if (result != STORE_NOT_FOUND)
        return result;
    if (store_count_records(store, transaction) == 0) {
        (void)store_fail_empty(store, why);
        return STORE_FAILED;
    }
    error = prove_all_absent(search, store);
    return error == 0 ? STORE_NOT_FOUND : store_failed(store, error, why);
}

enum store_result store_find(struct store *store, const struct identity *sender, bool strip_label,
                             char key[IDENTITY_SIZE], struct mail_from *record,
                             const struct store_trace *trace, struct failure *why)
{
    struct search search = {sender, strip_label, key, record, trace};

    return store_read(store, find_record, &search, why);
}

/* --- all --- */

struct visitor {
    bool (*visit)(void *context, const char *key, const struct mail_from *record);
    void *context;
};

static int visit_record(void *context, const MDB_val *name, const MDB_val *value)
{
    const struct visitor *visitor = context;
    struct mail_from record;
    char key[IDENTITY_SIZE];

    if (!store_key_read(key, name->mv_data, name->mv_size) ||
        !mail_from_decode(&record, key, name->mv_size, value->mv_data, value->mv_size))
        return MDB_CORRUPTED;
    return visitor->visit(visitor->context, key, &record) ? 0 : MDB_NOTFOUND;
}

static enum store_result read_each(struct store *store, MDB_txn *transaction, void *context,
                                   struct failure *why)
{
    return store_walked(
        store,
        store_walk(transaction, store->identities, (MDB_val){0, NULL}, visit_record, context), why);
}

bool store_each(struct store *store,
                bool (*visit)(void *context, const char *key, const struct mail_from *record),
                void *context, struct failure *why)
{
    struct visitor visitor = {visit, context};

    return store_read(store, read_each, &visitor, why) == STORE_FOUND;
}

bool store_each_slowly(struct store *store,
                       bool (*visit)(void *context, const char *key,
                                     const struct mail_from *record),
                       void *context, struct failure *why)
{
    struct visitor visitor = {visit, context};

    return store_walk_pages(store, store->identities, (MDB_val){0, NULL}, visit_record, &visitor,
                            why);
}

static enum store_result read_count(struct store *store, MDB_txn *transaction, void *context,
                                    struct failure *why)
{
    uint64_t *count = context;

    (void)why;
    *count = store_count_records(store, transaction);
    return STORE_FOUND;
}

struct walker {
    int (*visit)(void *context, const char *identity, const struct mail_from *record);
    void *context;
};

static int visit_sound_record(void *context, const MDB_val *name, const MDB_val *value)
{
    const struct walker *walker = context;
    struct mail_from record;
    char key[IDENTITY_SIZE];

    if (!store_key_read(key, name->mv_data, name->mv_size) ||
        !mail_from_decode(&record, key, name->mv_size, value->mv_data, value->mv_size))
        return 0;
    return walker->visit(walker->context, key, &record);
}

int store_walk_records(const struct store *store, MDB_txn *transaction,
                       int (*visit)(void *context, const char *identity,
                                    const struct mail_from *record),
                       void *context)
{
    struct walker walker = {visit, context};

    return store_walk(transaction, store->identities, (MDB_val){0, NULL}, visit_sound_record,
                      &walker);
}

bool store_count(struct store *store, uint64_t *count, struct failure *why)
{
    return store_read(store, read_count, count, why) == STORE_FOUND;
}

/* --- writing --- */

/* Everything that is kept beside the records follows. new: NULL for none. */
static int replace(struct store *store, const char *identity, MDB_val *name,
                   const struct mail_from *new)
{
    struct mail_from record;
    const struct mail_from *old = NULL;
    MDB_val value;
    int error = mdb_get(store->writer, store->identities, name, &value);

    if (error != 0 && error != MDB_NOTFOUND)
        return error;
    if (error == 0 &&
        mail_from_decode(&record, identity, name->mv_size, value.mv_data, value.mv_size))
        old = &record;
    error = store_due_replace(store, identity, name->mv_size, old, new);
    if (error == 0)
        error = store_counts_replace(store, store->writer, old, new);
    return error != 0 ? error : store_returns_replace(store, identity, old, new);
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
    return store_written(store, error, why);
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
    return store_written(store, error == MDB_NOTFOUND ? 0 : error, why);
}
