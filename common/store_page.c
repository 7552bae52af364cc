/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Walks for whoever waits for others meanwhile. As long as a snapshot is open, LMDB uses none of
 * the pages again that are given up from then on, and the file grows. So a page of entries is
 * copied, the snapshot closed, and only then each of them visited.
 */
#include "common/store_lmdb.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Read within a millisecond or two; large enough that a walk costs little more than in one go. */
enum { ENTRIES_MAX = 500, OCTETS_MAX = 1 << 18, ENTRY_SPARED = 1 << 14 };

struct page {
    MDB_dbi database;
    MDB_val from; /* the last key that was seen; of size 0 for none */
    bool is_new;  /* `from` is where to begin, and counts itself */
    size_t count;
    size_t used;
    struct entry {
        size_t at; /* the key, then the value */
        size_t name;
        size_t value;
    } entries[ENTRIES_MAX];
    unsigned char octets[OCTETS_MAX];
};

static void keep(struct page *page, const MDB_val *name, const MDB_val *value)
{
    struct entry *entry = &page->entries[page->count++];

    *entry = (struct entry){page->used, name->mv_size, value->mv_size};
    memcpy(page->octets + page->used, name->mv_data, name->mv_size);
    memcpy(page->octets + page->used + name->mv_size, value->mv_data, value->mv_size);
    page->used += name->mv_size + value->mv_size;
}

static int copy_entry(void *context, const MDB_val *name, const MDB_val *value)
{
    struct page *page = context;

    if (!page->is_new && page->count == 0 && name->mv_size == page->from.mv_size &&
        memcmp(name->mv_data, page->from.mv_data, name->mv_size) == 0)
        return 0; /* the page before ended with it */
    if (name->mv_size + value->mv_size > ENTRY_SPARED)
        return MDB_CORRUPTED;
    keep(page, name, value);
    return page->count == ENTRIES_MAX || page->used > OCTETS_MAX - ENTRY_SPARED ? MDB_NOTFOUND : 0;
}

static enum store_result read_page(struct store *store, MDB_txn *transaction, void *context,
                                   struct failure *why)
{
    struct page *page = context;

    return store_walked(store,
                        store_walk(transaction, page->database, page->from, copy_entry, page), why);
}

/* 0, or what `visit` returned. */
static int visit_page(struct page *page, int (*visit)(void *, const MDB_val *, const MDB_val *),
                      void *context)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < page->count; i++) {
        const struct entry *entry = &page->entries[i];
        MDB_val name = {entry->name, page->octets + entry->at};
        MDB_val value = {entry->value, page->octets + entry->at + entry->name};
        error = visit(context, &name, &value);
    }
    return error;
}

static bool walk(struct page *page, struct store *store,
                 int (*visit)(void *, const MDB_val *, const MDB_val *), void *context,
                 struct failure *why)
{
    unsigned char last[STORE_NOTE_NAME_MAX + 1];
    int error = 0;

    for (;;) {
        const struct entry *entry;
        page->count = page->used = 0;
        if (store_read(store, read_page, page, why) != STORE_FOUND)
            return false;
        error = visit_page(page, visit, context);
        if (error != 0 || page->count == 0)
            break;
        entry = &page->entries[page->count - 1];
        memcpy(last, page->octets + entry->at, entry->name);
        page->from = (MDB_val){entry->name, last};
        page->is_new = false;
    }
    return error == 0 || error == MDB_NOTFOUND || store_failed(store, error, why) != STORE_FAILED;
}

bool store_walk_pages(struct store *store, MDB_dbi database, MDB_val from,
                      int (*visit)(void *context, const MDB_val *name, const MDB_val *value),
                      void *context, struct failure *why)
{
    struct page *page = malloc(sizeof *page);
    bool worked;

    if (page == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    page->database = database;
    page->from = from;
    page->is_new = true;
    worked = walk(page, store, visit, context, why);
    free(page);
    return worked;
}
