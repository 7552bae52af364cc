/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The database "due": the local identities in the order of their next look-up.
 */
#include "common/store_key.h"
#include "common/store_lmdb.h"

#include <string.h>

/* A key of the database "due": the time, most significant octet first, then the key of the
 * identity. What was never looked up comes before all else. */
enum { DUE_TIME = STORE_KEY_TIME_SIZE, DUE_SIZE = DUE_TIME + IDENTITY_SIZE };

/* Returns the length, 0 for a record that nobody looks up. identity: NULL for none. */
static size_t write_due(unsigned char due[DUE_SIZE], const char *identity, size_t length,
                        const struct mail_from *record)
{
    if (record->source != MAIL_FROM_LOCAL || record->refresh_after <= 0)
        return 0;
    store_key_write_time(due, record->found_at == 0 ? 0 : record->refresh_after);
    store_key_write((char *)due + DUE_TIME, identity, length);
    return DUE_TIME + length;
}

/* --- reading --- */

struct look {
    const char *key;
    const struct mail_from *record;
    bool (*visit)(void *context, const char *key, const struct mail_from *record);
    void *context;
    struct store *store;
    MDB_txn *transaction;
    struct failure *why;
};

/* An entry that its record knows nothing of is passed over. */
static int visit_due(void *context, const MDB_val *entry, const MDB_val *nothing)
{
    const struct look *look = context;
    unsigned char due[DUE_SIZE];
    char identity[IDENTITY_SIZE];
    struct mail_from record;
    size_t length = entry->mv_size - DUE_TIME;

    (void)nothing;
    if (entry->mv_size <= DUE_TIME ||
        !store_key_read(identity, (const char *)entry->mv_data + DUE_TIME, length))
        return 0;
    if (store_read_record(look->store, look->transaction, identity, length, &record, look->why) !=
            STORE_FOUND ||
        write_due(due, identity, length, &record) != entry->mv_size ||
        memcmp(due, entry->mv_data, entry->mv_size) != 0)
        return 0;
    return look->visit(look->context, identity, &record) ? 0 : MDB_NOTFOUND;
}

static enum store_result read_due(struct store *store, MDB_txn *transaction, void *context,
                                  struct failure *why)
{
    struct look *look = context;
    unsigned char after[DUE_SIZE];
    MDB_val from = {0, after};

    look->transaction = transaction;
    if (look->record != NULL)
        from.mv_size = write_due(after, look->key, strlen(look->key), look->record);
    return store_walked(store, store_walk(transaction, store->due, from, visit_due, look), why);
}

bool store_each_due(struct store *store, const char *key, const struct mail_from *record,
                    bool (*visit)(void *context, const char *key, const struct mail_from *record),
                    void *context, struct failure *why)
{
    struct look look = {key, record, visit, context, store, NULL, why};

    return store_read(store, read_due, &look, why) == STORE_FOUND;
}

/* --- writing --- */

static int forget(const struct store *store, const char *identity, size_t length,
                  const struct mail_from *old)
{
    unsigned char due[DUE_SIZE];
    MDB_val entry = {write_due(due, identity, length, old), due};
    int error = entry.mv_size == 0 ? 0 : mdb_del(store->writer, store->due, &entry, NULL);

    return error == MDB_NOTFOUND ? 0 : error;
}

static int note(const struct store *store, const char *identity, size_t length,
                const struct mail_from *new)
{
    unsigned char due[DUE_SIZE];
    MDB_val entry = {write_due(due, identity, length, new), due};
    MDB_val nothing = {0, due};

    return entry.mv_size == 0 ? 0 : mdb_put(store->writer, store->due, &entry, &nothing, 0);
}

int store_due_replace(const struct store *store, const char *identity, size_t length,
                      const struct mail_from *old, const struct mail_from *new)
{
    int error = old == NULL ? 0 : forget(store, identity, length, old);

    return error != 0 || new == NULL ? error : note(store, identity, length, new);
}
