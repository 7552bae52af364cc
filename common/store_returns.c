/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The database "returns", as it is read: the domains that bounces to a MAIL FROM domain may belong
 * to.
 */
#include "common/return_pair.h"
#include "common/store_lmdb.h"

#include <string.h>
#include <sysexits.h>

/* A checksum is no proof: whoever can write the file can make one. */
static int read_return(const MDB_val *key, const MDB_val *value, struct store_return *out)
{
    const char *domain = return_pair_domain(key->mv_data, key->mv_size);
    struct return_entry entry;

    if (domain == NULL || !store_returns_unseal(key, value, &entry, sizeof entry) ||
        !return_entry_check(&entry))
        return MDB_CORRUPTED;
    strcpy(out->domain, domain);
    out->feedback_off = entry.feedback_off == (entry.references == 0 ? 1 : entry.references);
    out->references = entry.references;
    out->since = entry.since;
    return 0;
}

/* --- of one MAIL FROM domain --- */

static enum store_result walked(struct store *store, int error, struct failure *why)
{
    if (error != MDB_CORRUPTED)
        return store_walked(store, error, why);
    (void)failure_set(why, EX_DATAERR,
                      "store %s: what it knows of return paths is damaged; restore it, or move it "
                      "away and import anew",
                      store->directory);
    return STORE_FAILED;
}

struct search {
    const char *mail_from_domain;
    size_t length;
    int64_t gone_after;
    bool gone;      /* which ones: those that have gone, or the others */
    bool some_gone; /* there is one that has */
    struct store_return *out;
    size_t *count;
};

static int take_return(void *context, const MDB_val *key, const MDB_val *value)
{
    struct search *search = context;
    struct store_return *out = search->out + *search->count;
    int error;

    if (*search->count == STORE_RETURNS_MAX || key->mv_size != search->length + 2 ||
        memcmp(key->mv_data, search->mail_from_domain, search->length + 1) != 0)
        return MDB_NOTFOUND;
    error = read_return(key, value, out);
    search->some_gone = search->some_gone || (error == 0 && out->references == 0);
    if (error == 0 && (out->references == 0) == search->gone &&
        (!search->gone || out->since >= search->gone_after))
        ++*search->count;
    return error;
}

static enum store_result fail_without_index(const struct store *store, struct failure *why)
{
    (void)failure_set(why, EX_UNAVAILABLE,
                      "store %s was made by an early version and has no index of return paths "
                      "until mailfrom-sync or mailfromctl has written it",
                      store->directory);
    return STORE_FAILED;
}
static enum store_result read_returns(struct store *store, MDB_txn *transaction, void *context,
                                      struct failure *why)
{
    struct search *search = context;
    MDB_val from = {search->length + 1, (void *)search->mail_from_domain};
    MDB_stat sizes = {.ms_entries = 0};
    int error = 0;

    if (!store->has_returns)
        return fail_without_index(store, why);
    error = store_walk(transaction, store->returns, from, take_return, search);
    if (error == 0 && search->some_gone) {
        search->gone = true;
        error = store_walk(transaction, store->returns, from, take_return, search);
    }
    if (error != 0)
        return walked(store, error, why);
    if (*search->count > 0)
        return STORE_FOUND;
    if (store_count_records(store, transaction) > 0 ||
        (mdb_stat(transaction, store->returns, &sizes) == 0 && sizes.ms_entries > 0))
        return STORE_NOT_FOUND;
    (void)store_fail_empty(store, why);
    return STORE_FAILED;
}

enum store_result store_returns(struct store *store, const char *mail_from_domain,
                                int64_t gone_after, struct store_return out[STORE_RETURNS_MAX],
                                size_t *count, struct failure *why)
{
    struct search search = {
        mail_from_domain, strlen(mail_from_domain), gone_after, false, false, out, count};
    enum store_result result;

    *count = 0;
    if (search.length == 0 || search.length > IDENTITY_DOMAIN_MAX)
        return STORE_NOT_FOUND;
    if (!store->has_returns)
        store_look_for_databases(store);
    result = store_read(store, read_returns, &search, why);
    if (result == STORE_FAILED)
        *count = 0;
    return result;
}

/* --- of all --- */

struct visitor {
    bool (*visit)(void *context, const char *mail_from_domain, const struct store_return *entry);
    void *context;
};

/* Behind all keys that begin with NUL. */
static const MDB_val first_of_a_domain = {1, (void *)"\1"};

static int visit_return(void *context, const MDB_val *key, const MDB_val *value)
{
    const struct visitor *visitor = context;
    struct store_return entry;
    int error = read_return(key, value, &entry);

    if (error != 0)
        return error;
    return visitor->visit(visitor->context, key->mv_data, &entry) ? 0 : MDB_NOTFOUND;
}

static enum store_result read_each(struct store *store, MDB_txn *transaction, void *context,
                                   struct failure *why)
{
    if (!store->has_returns)
        return fail_without_index(store, why);
    return walked(store,
                  store_walk(transaction, store->returns, first_of_a_domain, visit_return, context),
                  why);
}

bool store_each_return(struct store *store,
                       bool (*visit)(void *context, const char *mail_from_domain,
                                     const struct store_return *entry),
                       void *context, struct failure *why)
{
    struct visitor visitor = {visit, context};

    if (!store->has_returns)
        store_look_for_databases(store);
    return store_read(store, read_each, &visitor, why) == STORE_FOUND;
}

bool store_each_return_slowly(struct store *store,
                              bool (*visit)(void *context, const char *mail_from_domain,
                                            const struct store_return *entry),
                              void *context, struct failure *why)
{
    struct visitor visitor = {visit, context};

    if (!store->has_returns)
        store_look_for_databases(store);
    if (!store->has_returns)
        return fail_without_index(store, why) != STORE_FAILED;
    return store_walk_pages(store, store->returns, first_of_a_domain, visit_return, &visitor, why);
}
