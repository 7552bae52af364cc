/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Is what is in the store found as well? A record has a checksum, so what is found is right. That
 * something is not found has none: a key, or a page that leads to it, may be damaged.
 */
#include "common/monotonic.h"
#include "common/store_key.h"
#include "common/store_lmdb.h"

#include <string.h>

static int compare(const MDB_val *a, const MDB_val *b)
{
    size_t length = a->mv_size < b->mv_size ? a->mv_size : b->mv_size;
    int order = memcmp(a->mv_data, b->mv_data, length);

    return order != 0 ? order : (a->mv_size > b->mv_size) - (a->mv_size < b->mv_size);
}

static bool is_sound(const MDB_val *name, const MDB_val *value)
{
    struct mail_from record;
    char identity[IDENTITY_SIZE];

    return store_key_read(identity, name->mv_data, name->mv_size) &&
           mail_from_decode(&record, identity, name->mv_size, value->mv_data, value->mv_size);
}

/* --- a single key that is not there, or does not count --- */

/* Its place is between two sound records: on the right page, and in order. */
int store_prove_absence(MDB_cursor *cursor, const MDB_val *name)
{
    MDB_val found = *name;
    MDB_val value;
    int error = mdb_cursor_get(cursor, &found, &value, MDB_SET_RANGE);

    if (error == 0 && (compare(&found, name) < 0 || !is_sound(&found, &value)))
        return MDB_CORRUPTED;
    if (error == 0 && compare(&found, name) == 0)
        return 0;
    if (error == 0)
        error = mdb_cursor_get(cursor, &found, &value, MDB_PREV);
    else if (error == MDB_NOTFOUND)
        error = mdb_cursor_get(cursor, &found, &value, MDB_LAST);
    if (error == 0 && (compare(&found, name) >= 0 || !is_sound(&found, &value)))
        return MDB_CORRUPTED;
    return error == MDB_NOTFOUND ? 0 : error;
}

/* --- all of them, some at a time --- */

/* Between two looks at the clock; and what a slice may use of a processor before it counts as going
 * in circles. */
enum { RECORDS_A_LOOK = 32, VERIFY_SECONDS = 2 };

struct pass {
    struct store_verification *verification;
    int64_t until;
};

/* A search from the root finds the very same entry as going through them does. */
static bool is_found(const struct store *store, MDB_txn *transaction, const MDB_val *name,
                     const MDB_val *value)
{
    MDB_val key = *name;
    MDB_val found;

    return mdb_get(transaction, store->identities, &key, &found) == 0 &&
           found.mv_data == value->mv_data;
}

static int verify_entry(const struct store *store, MDB_txn *transaction,
                        struct store_verification *verification, const MDB_val *name,
                        const MDB_val *value)
{
    const MDB_val last = {verification->length, verification->last};

    if (!is_sound(name, value) || (last.mv_size > 0 && compare(&last, name) >= 0) ||
        !is_found(store, transaction, name, value))
        return MDB_CORRUPTED;
    memcpy(verification->last, name->mv_data, name->mv_size);
    verification->length = name->mv_size;
    verification->visited++;
    return 0;
}

/* The entry behind the one that was looked at last. */
static int go_on(MDB_cursor *cursor, const struct store_verification *verification, MDB_val *name,
                 MDB_val *value)
{
    const MDB_val last = {verification->length, (void *)verification->last};
    int error;

    *name = last;
    error = mdb_cursor_get(cursor, name, value, last.mv_size == 0 ? MDB_FIRST : MDB_SET_RANGE);
    if (error == 0 && last.mv_size > 0 && compare(name, &last) == 0)
        error = mdb_cursor_get(cursor, name, value, MDB_NEXT);
    return error;
}

/* A number that does not fit: some are passed over. It can be told only if nobody wrote. */
static int finish(const struct store *store, MDB_txn *transaction,
                  struct store_verification *verification)
{
    bool is_one_state = verification->transaction == mdb_txn_id(transaction);

    verification->is_complete = true;
    return is_one_state && verification->visited != store_count_records(store, transaction)
               ? MDB_CORRUPTED
               : 0;
}

static int verify_some(const struct store *store, MDB_txn *transaction, MDB_cursor *cursor,
                       const struct pass *pass)
{
    MDB_val name;
    MDB_val value;
    int error = go_on(cursor, pass->verification, &name, &value);

    for (unsigned count = 1; error == 0; count++) {
        error = verify_entry(store, transaction, pass->verification, &name, &value);
        if (error != 0 || (count % RECORDS_A_LOOK == 0 && monotonic_microseconds() >= pass->until))
            return error;
        error = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
    }
    return error == MDB_NOTFOUND ? finish(store, transaction, pass->verification) : error;
}

static enum store_result read_some(struct store *store, MDB_txn *transaction, void *context,
                                   struct failure *why)
{
    const struct pass *pass = context;
    MDB_cursor *cursor;
    int error = mdb_cursor_open(transaction, store->identities, &cursor);

    if (error == 0) {
        if (pass->verification->length == 0)
            pass->verification->transaction = mdb_txn_id(transaction);
        error = verify_some(store, transaction, cursor, pass);
        mdb_cursor_close(cursor);
    }
    return error == 0 ? STORE_FOUND : store_failed(store, error, why);
}

bool store_verify(struct store *store, struct store_verification *verification, int milliseconds,
                  struct failure *why)
{
    struct pass pass = {verification, monotonic_microseconds() + milliseconds * INT64_C(1000)};

    if (verification->is_complete)
        *verification = (struct store_verification){.length = 0};
    return store_read_within(store, VERIFY_SECONDS, read_some, &pass, why) == STORE_FOUND;
}
