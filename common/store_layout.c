/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Is the file what LMDB believes it to be? LMDB checks nothing of the pages that it maps: one with
 * wrong offsets, or two that share a page, make a writer overrun its heap or free memory twice. So
 * before a program writes, each page of the snapshot is looked at: trees, nodes and free list, and
 * that no page is used twice. What records say is not looked at (store_record.c does).
 *
 * The layout is that of LMDB 0.9, MDB_DATA_VERSION 1, of this machine: numbers have its size and
 * order. Reading may fault, so this runs under the guard.
 */
#include "common/store_lmdb.h"

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>

/* --- the layout --- */

enum {
    MAGIC = 0xBEEFC0DE,
    VERSION = 1,
    METAS = 2,
    DEPTH_MAX = 32, /* of the stack of a cursor */
    KEY_MAX = 511,
    PAGE_SIZE_MAX = 65536,
    TRIES = 100
};
enum { FLAG_BRANCH = 1, FLAG_LEAF = 2, FLAG_OVERFLOW = 4 };
enum { NODE_BIG = 1, NODE_DATABASE = 2 };

struct page {
    size_t number;
    uint16_t unused;
    uint16_t flags;
    union {
        struct {
            uint16_t lower; /* where the offsets of the nodes end */
            uint16_t upper; /* where the nodes begin */
        } room;
        uint32_t pages; /* of overflow */
    } size;
    uint16_t offsets[];
};

struct node {
#if BYTE_ORDER == LITTLE_ENDIAN
    uint16_t low, high;
#else
    uint16_t high, low;
#endif
    uint16_t flags;
    uint16_t key_size;
    unsigned char data[]; /* the key, then the value */
};

struct database {
    uint32_t unused;
    uint16_t flags;
    uint16_t depth;
    size_t counts[4];
    size_t root; /* none if there is nothing in it */
};

struct meta {
    uint32_t magic;
    uint32_t version;
    void *address;
    size_t map_size;
    struct database free;
    struct database main;
    size_t last_page;
    size_t transaction;
};

enum { HEADER = offsetof(struct page, offsets), NODE_HEADER = offsetof(struct node, data) };
static const size_t none = (size_t)-1;

/* What a tree holds. */
enum kind { FREE_LIST, DATABASES, RECORDS };

/* One look at a snapshot. */
struct look {
    const unsigned char *map;
    size_t page_size;
    size_t pages; /* there are */
    size_t transaction;
    unsigned char *used;                      /* a bit for each page */
    unsigned char starts[PAGE_SIZE_MAX / 16]; /* a bit for each place where a node may begin */
    size_t at;                                /* the page that is looked at */
    const char *complaint;
    bool is_late; /* writers went on before the look began; another snapshot is due */
};

static bool complain(struct look *look, const char *complaint)
{
    look->complaint = complaint;
    return false;
}

static bool is_set(const unsigned char *bits, size_t index)
{
    return (bits[index / 8] >> index % 8 & 1) != 0;
}

/* False if it was set. */
static bool set(unsigned char *bits, size_t index)
{
    if (is_set(bits, index))
        return false;
    bits[index / 8] |= (unsigned char)(1 << index % 8);
    return true;
}

static bool use_page(struct look *look, size_t number)
{
    if (number < METAS || number >= look->pages)
        return complain(look, "names a page that there is not");
    return set(look->used, number) || complain(look, "names a page that is used already");
}

/* --- a node --- */

static const struct node *node_at(const struct page *page, size_t index)
{
    return (const struct node *)((const unsigned char *)page + page->offsets[index]);
}

static size_t value_size(const struct node *node)
{
    return node->low | (size_t)node->high << 16;
}

static size_t child_of(const struct node *node)
{
    size_t number = value_size(node);

    return sizeof number > 4 ? number | (size_t)((uint64_t)node->flags << 32) : number;
}

static size_t length_of(const struct node *node, bool is_branch)
{
    size_t value = is_branch                       ? 0
                   : (node->flags & NODE_BIG) != 0 ? sizeof(size_t)
                                                   : value_size(node);

    return NODE_HEADER + node->key_size + value;
}

/* A larger one is on pages of its own: two have to fit into a page. */
static size_t node_max(const struct look *look)
{
    return (((look->page_size - HEADER) / 2) & ~(size_t)1) - sizeof(uint16_t);
}

static bool check_overflow(struct look *look, const struct node *node)
{
    const struct page *page;
    size_t number, needed;

    memcpy(&number, node->data + node->key_size, sizeof number);
    if (!use_page(look, number))
        return false;
    page = (const struct page *)(look->map + number * look->page_size);
    needed = (HEADER + value_size(node) + look->page_size - 1) / look->page_size;
    if (page->number != number || page->flags != FLAG_OVERFLOW || page->size.pages < needed)
        return complain(look, "has a large value that is none");
    for (size_t i = 1; i < page->size.pages; i++) {
        if (!use_page(look, number + i))
            return false;
    }
    return true;
}

/* --- the nodes of a page lie one beside the other --- */

static bool note_starts(struct look *look, const struct page *page, size_t count)
{
    memset(look->starts, 0, look->page_size / 16);
    for (size_t i = 0; i < count; i++) {
        size_t start = page->offsets[i];
        if (start < page->size.room.upper || start + NODE_HEADER > look->page_size ||
            start % 2 != 0 || !set(look->starts, start / 2))
            return complain(look, "has nodes in the wrong place");
    }
    return true;
}

/* Each ends where another begins, or with the page; and together they are as long as the place. */
static bool check_extent(struct look *look, const struct page *page, size_t count)
{
    bool is_branch = page->flags == FLAG_BRANCH;
    size_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        const struct node *node = node_at(page, i);
        size_t length = length_of(node, is_branch);
        size_t end = page->offsets[i] + (length + 1) / 2 * 2;
        if (node->key_size > KEY_MAX || length > node_max(look) || end > look->page_size ||
            (end < look->page_size && !is_set(look->starts, end / 2)))
            return complain(look, "has nodes of the wrong size");
        sum += (length + 1) / 2 * 2;
    }
    return sum == look->page_size - page->size.room.upper ||
           complain(look, "has nodes that overlap");
}

static bool check_room(struct look *look, const struct page *page, size_t *count)
{
    size_t lower = page->size.room.lower, upper = page->size.room.upper;

    if (lower < HEADER || lower % 2 != 0 || upper < lower || upper > look->page_size)
        return complain(look, "has the wrong size");
    *count = (lower - HEADER) / 2;
    if (*count < (page->flags == FLAG_BRANCH ? 2 : 1))
        return complain(look, "has too few nodes");
    return note_starts(look, page, *count) && check_extent(look, page, *count);
}

/* --- the free list: pages that one transaction left, how many, and then the highest first --- */

static bool check_free_pages(struct look *look, const unsigned char *value, size_t size)
{
    size_t count, number, before = none;

    if (size < sizeof count)
        return complain(look, "has an empty entry of the free list");
    memcpy(&count, value, sizeof count);
    if (count > size / sizeof count - 1)
        return complain(look, "has an entry of the free list that is too long");
    for (size_t i = 1; i <= count; i++) {
        memcpy(&number, value + i * sizeof number, sizeof number);
        if (number >= before)
            return complain(look, "has a free list out of order");
        if (!use_page(look, number))
            return false;
        before = number;
    }
    return true;
}

static bool check_free_entry(struct look *look, const struct node *node)
{
    size_t transaction;
    size_t overflow;
    const unsigned char *value = node->data + node->key_size;

    if (node->key_size != sizeof transaction)
        return complain(look, "has an odd key in the free list");
    memcpy(&transaction, node->data, sizeof transaction);
    if (transaction > look->transaction)
        return complain(look, "has a free list of the future");
    if ((node->flags & NODE_BIG) != 0) {
        memcpy(&overflow, value, sizeof overflow); /* it has been checked */
        value = look->map + overflow * look->page_size + HEADER;
    }
    return check_free_pages(look, value, value_size(node));
}

/* --- trees --- */

static bool check_database(struct look *look, const struct database *database, enum kind kind);

static bool check_value(struct look *look, const struct node *node, enum kind kind)
{
    struct database database;

    if (node->flags == NODE_DATABASE && kind == DATABASES) {
        if (value_size(node) != sizeof database)
            return complain(look, "has an odd database");
        memcpy(&database, node->data + node->key_size, sizeof database);
        return (database.flags == 0 || complain(look, "has a database of another kind")) &&
               check_database(look, &database, RECORDS);
    }
    if (node->flags != 0 && node->flags != NODE_BIG)
        return complain(look, "has values of another kind");
    if (node->flags == NODE_BIG && !check_overflow(look, node))
        return false;
    return kind != FREE_LIST || check_free_entry(look, node);
}

/* level: 1 for a leaf. */
// NOLINTNEXTLINE(misc-no-recursion): as deep as the stack of LMDB's cursors at most
static bool check_page(struct look *look, size_t number, size_t level, enum kind kind)
{
    const struct page *page = (const struct page *)(look->map + number * look->page_size);
    size_t count = 0;

    look->at = number;
    if (page->number != number)
        return complain(look, "is another page");
    if (page->flags != (level > 1 ? FLAG_BRANCH : FLAG_LEAF))
        return complain(look, "is of the wrong kind");
    if (!check_room(look, page, &count))
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct node *node = node_at(page, i);
        bool good = level == 1 ? check_value(look, node, kind)
                               : use_page(look, child_of(node)) &&
                                     check_page(look, child_of(node), level - 1, kind);
        if (!good)
            return false;
        look->at = number;
    }
    return true;
}

// NOLINTNEXTLINE(misc-no-recursion): a database within that of the databases, no deeper
static bool check_database(struct look *look, const struct database *database, enum kind kind)
{
    if (database->root == none)
        return true;
    if (database->depth < 1 || database->depth > DEPTH_MAX)
        return complain(look, "has a tree that is too deep");
    return use_page(look, database->root) &&
           check_page(look, database->root, database->depth, kind);
}

static bool check_trees(struct look *look, const struct meta *meta)
{
    bool good;

    look->used = calloc(look->pages / 8 + 1, 1);
    if (look->used == NULL)
        return complain(look, NULL);
    good = check_database(look, &meta->main, DATABASES) &&
           check_database(look, &meta->free, FREE_LIST);
    free(look->used);
    return good;
}

/* --- the snapshot --- */

/* The meta page that a writer after this transaction begins with. */
static bool check_meta(struct look *look, struct meta *meta, size_t size)
{
    look->at = look->transaction % METAS;
    memcpy(meta, look->map + look->at * look->page_size + HEADER, sizeof *meta);
    if (meta->magic != MAGIC || meta->version != VERSION)
        return complain(look, "is of another version of LMDB");
    look->is_late = meta->transaction > look->transaction;
    if (meta->transaction != look->transaction)
        return complain(look, "does not fit the lock file");
    if (meta->last_page >= size / look->page_size)
        return complain(look, "names a page that there is not");
    look->pages = meta->last_page + 1;
    return true;
}

static bool verify_map(struct store *store, struct look *look, size_t size, struct failure *why)
{
    struct meta meta;

    if (check_meta(look, &meta, size) && check_trees(look, &meta))
        return true;
    if (look->complaint == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    if (look->is_late)
        return failure_set(why, EX_TEMPFAIL,
                           "store %s: others write all the time, so it cannot be looked at; try "
                           "again",
                           store->directory);
    (void)store_fail_damaged(store, why);
    return failure_prefix(why, "page %zu %s", look->at, look->complaint);
}

static bool verify_snapshot(struct store *store, struct look *look, struct failure *why)
{
    struct stat status;
    mdb_filehandle_t file;
    void *map;
    bool worked;

    if (mdb_env_get_fd(store->environment, &file) != 0 || fstat(file, &status) != 0)
        return failure_set(why, EX_IOERR, "store %s: it cannot be looked at", store->directory);
    if ((size_t)status.st_size < METAS * look->page_size)
        return store_fail_damaged(store, why);
    map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED)
        return failure_set(why, EX_OSERR, "store %s: no memory to look at it", store->directory);
    look->map = map;
    worked = verify_map(store, look, (size_t)status.st_size, why);
    (void)munmap(map, (size_t)status.st_size);
    return worked;
}

static bool look_once(struct store *store, struct look *look, struct failure *why)
{
    MDB_txn *snapshot;
    MDB_stat sizes;
    bool worked;
    int error = store_begin(store, MDB_RDONLY, &snapshot);

    if (error != 0)
        return store_fail(store, error, "reading", why);
    (void)mdb_env_stat(store->environment, &sizes);
    *look = (struct look){.page_size = sizes.ms_psize, .transaction = mdb_txn_id(snapshot)};
    worked = look->page_size <= PAGE_SIZE_MAX && look->page_size % 16 == 0 &&
                     look->page_size >= sizeof(struct meta) + HEADER
                 ? verify_snapshot(store, look, why)
                 : store_fail_damaged(store, why);
    mdb_txn_abort(snapshot);
    return worked;
}

bool store_check_layout(struct store *store, struct failure *why)
{
    struct look *look = calloc(1, sizeof *look);
    bool worked;
    int tries = 0;

    if (look == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    do {
        worked = look_once(store, look, why);
    } while (!worked && look->is_late && ++tries < TRIES);
    free(look);
    return worked;
}
