/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The store: one LMDB environment (a directory) with a record for each identity. Cache, snapshot
 * on disk and interface between the programs in one. Readers never block; writers are
 * transactions; a crash at any instant leaves the last committed state.
 *
 * The owner of the directory writes the store, and so does the group of data.mdb; the group of the
 * directory reads it, and writes lock.mdb alone; others are kept out, whoever creates the files.
 * Root acts for the owner. A file that is damaged, cut short or not ours gives a failure, never a
 * crash (see common/fault.h).
 *
 * A handle is used by one thread at a time. Threads of a long-running reader share one through
 * common/lookup.h.
 */
#ifndef COMMON_STORE_H
#define COMMON_STORE_H

#include "common/mail_from.h"
#include "common/store_tally.h"

enum { STORE_SCHEMA = 1 };

enum store_access {
    STORE_READ,   /* the store must exist */
    STORE_UPDATE, /* to be written too; the store must exist */
    STORE_WRITE   /* the same, but a missing store is made, the directory too */
};

struct store;

/* group: whom a newly made directory belongs to; NULL or "" leaves it to the file system.
 * Fails with EX_NOINPUT (missing), EX_NOPERM (not permitted), EX_DATAERR (not a store, damaged, or
 * of a newer schema), EX_CONFIG (no such group) or EX_IOERR. Close with store_close. */
bool store_open(struct store **store, const char *directory, enum store_access access,
                const char *group, struct failure *why);
void store_close(struct store *store); /* NULL is fine */

/* Is the file that is open still the one that the path names, and whole? Fills *why if not. */
bool store_is_current(struct store *store, struct failure *why);

/* Frees reader slots of processes that died, and returns how many. */
int store_clear_stale_readers(struct store *store);

enum store_result { STORE_FOUND, STORE_NOT_FOUND, STORE_FAILED };

/* Which state of the store a look-up saw: the file, and its last transaction. Of one file no two
 * states have the same number, unless it was written over in place. 0, 0: none, it saw no store. */
struct store_snapshot {
    uint64_t inode;
    uint64_t transaction;
};

/* What a walk tells beside its result. tried: which outcome each key had, in order. NULL where
 * nobody wants to know. */
struct store_trace {
    void (*tried)(void *context, const char *key, const char *outcome);
    void *context;
    struct store_snapshot *snapshot;
};

/* The record of one identity, by its canonical form. */
enum store_result store_get(struct store *store, const char *key, struct mail_from *record,
                            struct failure *why);

/* Not inside store_update: the first verified identity among the keys of a sender, in one snapshot:
 * its key in `key`, its record in *record. Unverified ones are skipped. That there
 * is none is proven by the records beside its place. A store without any record is a failure: it
 * was never filled. */
enum store_result store_find(struct store *store, const struct identity *sender, bool strip_label,
                             char key[IDENTITY_SIZE], struct mail_from *record,
                             const struct store_trace *trace, struct failure *why);

/* Looks at records for about so many milliseconds, in one snapshot: is each sound, in order, and
 * found by a search from the root? The next call goes on where this one ended, and after the last
 * one from the start. False: something is damaged, or cannot be read. */
struct store_verification { /* zero before the first */
    bool is_complete; /* all have been looked at; also their number is right, if nobody wrote */
    uint64_t visited;
    uint64_t transaction; /* of the first look */
    size_t length;        /* of the key that was looked at last */
    char last[IDENTITY_SIZE];
};

bool store_verify(struct store *store, struct store_verification *verification, int milliseconds,
                  struct failure *why);

/* Calls visit for each record in the order of store_key_compare, in one snapshot, until it returns
 * false. A false return of visit is not a failure; visit must not use the store. */
bool store_each(struct store *store,
                bool (*visit)(void *context, const char *key, const struct mail_from *record),
                void *context, struct failure *why);

/* As store_each, for a visit that may wait for others, such as one that prints. No snapshot is open
 * meanwhile: the records are read in pages of some hundred, each as it is then. What is put behind
 * the place where the walk is, is seen; what is put before it, is not. Not inside store_update. */
bool store_each_slowly(struct store *store,
                       bool (*visit)(void *context, const char *key,
                                     const struct mail_from *record),
                       void *context, struct failure *why);

/* As store_each, for the local records that have a time to be looked up, refresh_after, in the
 * order of these times; those that never were looked up come first. key and record: where to begin,
 * which need not be there any more; NULL for the start. */
bool store_each_due(struct store *store, const char *key, const struct mail_from *record,
                    bool (*visit)(void *context, const char *key, const struct mail_from *record),
                    void *context, struct failure *why);

bool store_count(struct store *store, uint64_t *count, struct failure *why);

/* A domain that mail with some MAIL FROM domain may have come from: that of identities of source
 * local or file, whose bounces come back here. */
enum {
    STORE_RETURNS_MAX = 16,
    STORE_RETURNS_KEPT = 366 * 86400, /* seconds for which one that has gone is kept at least */
    STORE_RETURNS_SPARED = 1000       /* that went last are kept whatever the clock says */
};

struct store_return {
    char domain[IDENTITY_DOMAIN_MAX + 1];
    bool feedback_off;   /* all of its identities have it off; if it has gone, the last one had */
    uint64_t references; /* how many identities there are, the addresses of the domain included */
    int64_t since;       /* 0; without references: when it went, seconds since the epoch */
};

/* The domains of a MAIL FROM domain, in canonical form, that have references or went at or after
 * gone_after; those with references come first, and of more than fit the rest is left out.
 * STORE_NOT_FOUND: there are none, *count is 0. A store that never had a record is a failure, as
 * for store_find; so is one that an early version has left without this index (EX_UNAVAILABLE). */
enum store_result store_returns(struct store *store, const char *mail_from_domain,
                                int64_t gone_after, struct store_return out[STORE_RETURNS_MAX],
                                size_t *count, struct failure *why);

/* Calls visit for each domain of each MAIL FROM domain, those that have gone included, in the order
 * of the latter; as store_each. Fails without the index, as store_returns does. */
bool store_each_return(struct store *store,
                       bool (*visit)(void *context, const char *mail_from_domain,
                                     const struct store_return *entry),
                       void *context, struct failure *why);

/* The same, as store_each_slowly. */
bool store_each_return_slowly(struct store *store,
                              bool (*visit)(void *context, const char *mail_from_domain,
                                            const struct store_return *entry),
                              void *context, struct failure *why);

/* How many records there are of each kind, without reading them: the writers keep count. now:
 * seconds since the epoch. EX_UNAVAILABLE: the store is of a version that did not count. */
bool store_tally(struct store *store, int64_t now, struct store_tally *tally, struct failure *why);

/* Runs change in one write transaction: committed and on disk when this returns true, undone
 * entirely when change returns false. The map grows as needed, and then change runs AGAIN from the
 * start, so it must not keep state over a call. Inside change: store_get, store_put, store_remove
 * and store_each, which then see the transaction. */
bool store_update(struct store *store, bool (*change)(struct store *, void *, struct failure *),
                  void *context, struct failure *why);
bool store_put(struct store *store, const char *identity, const struct mail_from *record,
               struct failure *why);
bool store_remove(struct store *store, const char *identity, bool *existed, struct failure *why);

/* Notes: what the programs leave each other beside the records (the state of a source, a request to
 * refresh). Names have 1 to STORE_NOTE_NAME_MAX octets, texts up to STORE_NOTE_MAX. */
enum { STORE_NOTE_NAME_MAX = 511, STORE_NOTE_MAX = 8192 };

/* The text of a note, terminated; anywhere. */
enum store_result store_note_get(struct store *store, const char *name,
                                 char text[STORE_NOTE_MAX + 1], struct failure *why);

/* Calls visit for each note whose name begins with prefix, in the order of the names; as
 * store_each. */
bool store_note_each(struct store *store, const char *prefix,
                     bool (*visit)(void *context, const char *name, const char *text),
                     void *context, struct failure *why);

/* Inside store_update. */
bool store_note_put(struct store *store, const char *name, const char *text, struct failure *why);
bool store_note_remove(struct store *store, const char *name, struct failure *why);

#endif
