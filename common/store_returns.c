/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The database "returns": the pairs of a MAIL FROM domain and the domain of an identity that has
 * it, where bounces come back to this gateway. A pair that the last record leaves has gone: it is
 * kept for the bounces that are under way. Its keys are
 *
 *     NUL                      -> struct totals
 *     NUL, time, key of a pair -> nothing; a pair that has gone, in the order of time
 *     key of a pair            -> struct entry
 */
#include "common/checksum.h"
#include "common/store_key.h"
#include "common/store_lmdb.h"

#include <string.h>
#include <sysexits.h>

enum {
    PAIR_SIZE = IDENTITY_DOMAIN_MAX + 2,
    GONE_HEAD = 1 + STORE_KEY_TIME_SIZE,
    GONE_SIZE = GONE_HEAD + PAIR_SIZE,
    PURGED_MAX = 2 /* by each pair that goes: more than come, so that they don't pile up */
};

/* The MAIL FROM domain, NUL, and an octet: how much of its end is the domain of the identity. It is
 * a true subdomain of that by SES's rule, so there are no more pairs than it has parents. */
struct pair {
    unsigned char key[PAIR_SIZE];
    size_t size; /* 0: none */
};

struct entry {
    uint64_t references;
    uint64_t feedback_off; /* how many of them have it off; stays as it was when the last goes */
    int64_t since;         /* 0: it has references */
};

struct totals {
    uint64_t records; /* that have a return path */
    uint64_t gone;    /* pairs */
};

static const MDB_val totals_key = {1, (void *)""};
static const MDB_val no_value = {0, (void *)""};

/* --- values: the content, then a checksum --- */

static int read_value(const MDB_val *key, const MDB_val *value, void *content, size_t size)
{
    uint64_t sum;

    if (value->mv_size != size + sizeof sum)
        return MDB_CORRUPTED;
    memcpy(&sum, (const char *)value->mv_data + size, sizeof sum);
    if (sum != checksum_of(key->mv_data, key->mv_size, value->mv_data, size))
        return MDB_CORRUPTED;
    memcpy(content, value->mv_data, size);
    return 0;
}

/* Leaves *content as it is where there is nothing. */
static int get(const struct store *store, MDB_txn *transaction, MDB_val key, void *content,
               size_t size)
{
    MDB_val value;
    int error = mdb_get(transaction, store->returns, &key, &value);

    if (error == MDB_NOTFOUND)
        return 0;
    return error != 0 ? error : read_value(&key, &value, content, size);
}

static int put(const struct store *store, MDB_txn *transaction, MDB_val key, const void *content,
               size_t size)
{
    unsigned char coded[sizeof(struct entry) + sizeof(uint64_t)];
    uint64_t sum = checksum_of(key.mv_data, key.mv_size, content, size);
    MDB_val value = {size + sizeof sum, coded};

    memcpy(coded, content, size);
    memcpy(coded + size, &sum, sizeof sum);
    return mdb_put(transaction, store->returns, &key, &value, 0);
}

/* --- reading --- */

/* A checksum is no proof: whoever can write the file can make one. */
static bool is_plausible(const unsigned char *key, size_t domain, size_t parent,
                         const struct entry *entry)
{
    return parent > 0 && parent + 1 < domain && key[domain - parent - 1] == '.' &&
           memchr(key, '\0', domain + 1) == key + domain && entry->since >= 0 &&
           (entry->since > 0) == (entry->references == 0) &&
           entry->feedback_off <= (entry->references == 0 ? 1 : entry->references);
}

static int read_return(const MDB_val *key, const MDB_val *value, struct store_return *out)
{
    const unsigned char *octets = key->mv_data;
    size_t domain = key->mv_size - 2;
    struct entry entry;
    size_t parent;

    if (key->mv_size <= 2 || key->mv_size > PAIR_SIZE ||
        read_value(key, value, &entry, sizeof entry) != 0)
        return MDB_CORRUPTED;
    parent = octets[domain + 1];
    if (!is_plausible(octets, domain, parent, &entry))
        return MDB_CORRUPTED;
    memcpy(out->domain, octets + domain - parent, parent + 1);
    out->feedback_off = entry.feedback_off == (entry.references == 0 ? 1 : entry.references);
    out->references = entry.references;
    out->since = entry.since;
    return 0;
}

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
    bool gone; /* which ones: those that have gone, or the others */
    struct store_return *out;
    size_t *count;
};

static int take_return(void *context, const MDB_val *key, const MDB_val *value)
{
    const struct search *search = context;
    struct store_return *out = search->out + *search->count;
    int error;

    if (*search->count == STORE_RETURNS_MAX || key->mv_size != search->length + 2 ||
        memcmp(key->mv_data, search->mail_from_domain, search->length + 1) != 0)
        return MDB_NOTFOUND;
    error = read_return(key, value, out);
    if (error == 0 && (out->references == 0) == search->gone &&
        (!search->gone || out->since >= search->gone_after))
        ++*search->count;
    return error;
}

static enum store_result read_returns(struct store *store, MDB_txn *transaction, void *context,
                                      struct failure *why)
{
    struct search *search = context;
    MDB_val from = {search->length + 1, (void *)search->mail_from_domain};
    MDB_stat sizes = {.ms_entries = 0};
    int error = 0;

    if (!store->has_returns) {
        (void)failure_set(why, EX_UNAVAILABLE,
                          "store %s was made by an early version and has no index of return paths "
                          "until mailfrom-sync or mailfromctl has written it",
                          store->directory);
        return STORE_FAILED;
    }
    for (int pass = 0; pass < 2 && error == 0; pass++) {
        search->gone = pass == 1;
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
        mail_from_domain, strlen(mail_from_domain), gone_after, false, out, count};

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

struct visitor {
    bool (*visit)(void *context, const char *mail_from_domain, const struct store_return *entry);
    void *context;
};

static int visit_return(void *context, const MDB_val *key, const MDB_val *value)
{
    const struct visitor *visitor = context;
    char mail_from_domain[IDENTITY_DOMAIN_MAX + 1];
    struct store_return entry;
    int error = read_return(key, value, &entry);

    if (error != 0)
        return error;
    memcpy(mail_from_domain, key->mv_data, key->mv_size - 1);
    return visitor->visit(visitor->context, mail_from_domain, &entry) ? 0 : MDB_NOTFOUND;
}

static enum store_result read_each(struct store *store, MDB_txn *transaction, void *context,
                                   struct failure *why)
{
    MDB_val from = {1, (void *)"\1"}; /* behind all keys that begin with NUL */

    return store->has_returns
               ? walked(store, store_walk(transaction, store->returns, from, visit_return, context),
                        why)
               : STORE_FOUND;
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

/* --- writing --- */

static bool has_return(const struct mail_from *record)
{
    return record != NULL && record->source != MAIL_FROM_SES && record->domain[0] != '\0';
}

static bool is_same(const struct mail_from *old, const struct mail_from *new)
{
    if (!has_return(old) || !has_return(new))
        return has_return(old) == has_return(new);
    return old->feedback_off == new->feedback_off &&strcmp(old->domain, new->domain) == 0;
}

/* None for a domain that breaks SES's rule, which no program of ours puts into a record. */
static struct pair pair_of(const char *identity, const struct mail_from *record)
{
    const char *at = strrchr(identity, '@');
    const char *parent = at == NULL ? identity : at + 1;
    size_t length = strlen(record->domain);
    struct pair pair = {.size = 0};

    if (!identity_is_subdomain(record->domain, parent))
        return pair;
    memcpy(pair.key, record->domain, length + 1);
    pair.key[length + 1] = (unsigned char)strlen(parent);
    pair.size = length + 2;
    return pair;
}

static MDB_val gone_key(unsigned char key[GONE_SIZE], const struct pair *pair, int64_t since)
{
    key[0] = '\0';
    store_key_write_time(key + 1, since);
    memcpy(key + GONE_HEAD, pair->key, pair->size);
    return (MDB_val){GONE_HEAD + pair->size, key};
}

struct change {
    const struct store *store;
    MDB_txn *transaction;
    struct totals totals;
};

static int delete (const struct change *change, MDB_val key)
{
    int error = mdb_del(change->transaction, change->store->returns, &key, NULL);

    return error == MDB_NOTFOUND ? 0 : error;
}

static int add(struct change *change, struct pair *pair, bool feedback_off)
{
    MDB_val key = {pair->size, pair->key};
    struct entry entry = {.since = 0};
    unsigned char gone[GONE_SIZE];
    int error = get(change->store, change->transaction, key, &entry, sizeof entry);

    if (error == 0 && entry.since != 0) {
        error = delete (change, gone_key(gone, pair, entry.since));
        change->totals.gone--;
        entry = (struct entry){.since = 0};
    }
    entry.references++;
    entry.feedback_off += feedback_off;
    return error != 0 ? error : put(change->store, change->transaction, key, &entry, sizeof entry);
}

static int copy_first(void *context, const MDB_val *key, const MDB_val *nothing)
{
    MDB_val *first = context;

    (void)nothing;
    first->mv_size = key->mv_size < GONE_SIZE ? key->mv_size : GONE_SIZE;
    memcpy(first->mv_data, key->mv_data, first->mv_size);
    return MDB_NOTFOUND;
}

/* The one that went first, if that is long ago. A clock that is wrong must not take what bounces
 * are under way to: it finds the oldest ones first, two at a time, and never the last. */
static int purge(struct change *change)
{
    static const unsigned char head[GONE_HEAD];
    unsigned char gone[GONE_SIZE];
    MDB_val first = {0, gone};
    MDB_val key;
    struct entry entry = {.since = 0};
    int64_t since;
    int error = store_walk(change->transaction, change->store->returns,
                           (MDB_val){sizeof head, (void *)head}, copy_first, &first);

    if (error != 0 || change->totals.gone <= STORE_RETURNS_SPARED || first.mv_size <= GONE_HEAD ||
        gone[0] != '\0')
        return error;
    since = store_key_read_time(gone + 1);
    if (since >= change->store->now - STORE_RETURNS_KEPT)
        return 0;
    key = (MDB_val){first.mv_size - GONE_HEAD, gone + GONE_HEAD};
    error = get(change->store, change->transaction, key, &entry, sizeof entry);
    if (error == 0)
        error = delete (change, first);
    /* An entry that does not say the same stays. */
    if (error != 0 || entry.since != since)
        return error;
    change->totals.gone--;
    return delete (change, key);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A clock that was set back must not let a pair seem gone for long: its record knows better. */
static int64_t left_at(const struct store *store, const struct mail_from *record)
{
    return later(later(store->now, 1), later(record->checked, record->found_at));
}

static int go(struct change *change, const struct pair *pair, struct entry *entry,
              const struct mail_from *record)
{
    unsigned char gone[GONE_SIZE];
    MDB_val key;
    MDB_val nothing = no_value;
    int error;

    entry->references = 0;
    entry->since = left_at(change->store, record);
    key = gone_key(gone, pair, entry->since);
    error = mdb_put(change->transaction, change->store->returns, &key, &nothing, 0);
    change->totals.gone++;
    for (int i = 0; i < PURGED_MAX && error == 0; i++)
        error = purge(change);
    return error;
}

static int take(struct change *change, const struct pair *pair, const struct mail_from *record)
{
    MDB_val key = {pair->size, (void *)pair->key};
    struct entry entry = {.since = 0};
    int error = get(change->store, change->transaction, key, &entry, sizeof entry);

    if (error != 0)
        return error;
    /* An earlier version has changed records without telling. */
    if (entry.references == 0 || entry.feedback_off < record->feedback_off ||
        entry.feedback_off - record->feedback_off > entry.references - 1)
        return MDB_CORRUPTED;
    if (entry.references == 1) {
        error = go(change, pair, &entry, record);
    } else {
        entry.references--;
        entry.feedback_off -= record->feedback_off;
    }
    return error != 0 ? error : put(change->store, change->transaction, key, &entry, sizeof entry);
}

/* Takes what is new first: a pair that stays does not go in between. */
static int move(const struct store *store, MDB_txn *transaction, const char *identity,
                const struct mail_from *old, const struct mail_from *new)
{
    struct change change = {store, transaction, {0, 0}};
    struct totals before;
    struct pair pair;
    int error = get(store, transaction, totals_key, &change.totals, sizeof change.totals);

    before = change.totals;
    if (error == 0 && has_return(new)) {
        change.totals.records++;
        pair = pair_of(identity, new);
        if (pair.size > 0)
            error = add(&change, &pair, new->feedback_off);
    }
    if (error == 0 && has_return(old)) {
        change.totals.records--;
        pair = pair_of(identity, old);
        if (pair.size > 0)
            error = take(&change, &pair, old);
    }
    if (error != 0 || memcmp(&before, &change.totals, sizeof before) == 0)
        return error;
    return put(store, transaction, totals_key, &change.totals, sizeof change.totals);
}

struct building {
    const struct store *store;
    MDB_txn *transaction;
};

static int build_record(void *context, const char *identity, const struct mail_from *record)
{
    const struct building *building = context;

    return has_return(record) ? move(building->store, building->transaction, identity, NULL, record)
                              : 0;
}

/* What has gone before is lost by it. */
static int build(const struct store *store, MDB_txn *transaction)
{
    struct building building = {store, transaction};
    int error = mdb_drop(transaction, store->returns, 0);

    return error != 0 ? error : store_walk_records(store, transaction, build_record, &building);
}

int store_returns_replace(const struct store *store, const char *identity,
                          const struct mail_from *old, const struct mail_from *new)
{
    int error = is_same(old, new) ? 0 : move(store, store->writer, identity, old, new);

    if (error != MDB_CORRUPTED)
        return error;
    error = build(store, store->writer);
    return error != 0 ? error : move(store, store->writer, identity, old, new);
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
    struct totals totals = {0, 0};
    int error =
        mdb_dbi_open(transaction, "returns", store->writable ? MDB_CREATE : 0, &store->returns);

    store->has_returns = error == 0;
    if (!store->writable)
        return error == MDB_NOTFOUND ? 0 : error;
    if (error == 0)
        error = get(store, transaction, totals_key, &totals, sizeof totals);
    if (error == MDB_CORRUPTED || (error == 0 && totals.records != records_of(tally)))
        error = build(store, transaction);
    return error;
}
