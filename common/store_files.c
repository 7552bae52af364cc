/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The two files of the store: are those that are open still those that the path names?
 *
 * LMDB keeps the last transaction, the writers' mutex and the table of readers in lock.mdb. Who has
 * another lock.mdb than the rest neither waits for them nor sees what they commit, and pages that
 * he reads are written over. So
 *
 *   writers exclude each other by a lock on data.mdb itself, and look at both files under it;
 *   a transaction begins only where lock.mdb knows the last one of data.mdb;
 *   readers look afterwards whether data.mdb has moved on further than their pages last.
 */
#include "common/store_directory.h"
#include "common/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

/* --- which files --- */

/* An inode of 0: there is none. */
static struct store_file lock_file(const struct store *store)
{
    struct stat status;

    return store_directory_stat_lock(store->directory, &status)
               ? (struct store_file){status.st_dev, status.st_ino}
               : (struct store_file){0, 0};
}

static bool is_same(const struct store_file *a, const struct store_file *b)
{
    return a->device == b->device && a->inode == b->inode;
}

bool store_files_note(struct store *store, struct stat *status, struct failure *why)
{
    if (!store_directory_stat(store->directory, status, why))
        return false;
    store->device = status->st_dev;
    store->inode = status->st_ino;
    store->lock = lock_file(store);
    return true;
}

bool store_files_are_data(const struct store *store, struct stat *status, struct failure *why)
{
    if (!store_directory_stat(store->directory, status, why))
        return false;
    return (status->st_dev == store->device && status->st_ino == store->inode) ||
           failure_set(why, EX_TEMPFAIL, "store %s is another file now", store->directory);
}

bool store_files_are_ours(const struct store *store, struct stat *status, struct failure *why)
{
    struct store_file lock = lock_file(store);

    if (!store_files_are_data(store, status, why))
        return false;
    /* Without a lock.mdb nobody writes: a reader may go on, and makes none. */
    if (is_same(&lock, &store->lock) || (lock.inode == 0 && !store->writable))
        return true;
    return failure_set(why, EX_TEMPFAIL, "store %s: lock.mdb was removed or replaced",
                       store->directory);
}

/* LMDB says the same of both files; this one begins with its magic number. */
bool store_files_lock_is_damaged(const struct store *store)
{
    static const uint32_t magic = UINT32_C(0xBEEFC0DE);
    char path[PATH_MAX];
    uint32_t found = 0;
    ssize_t length = 0;
    int file = -1;

    if (snprintf(path, sizeof path, "%s/%s", store->directory, store_lock_file) < PATH_MAX)
        file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0)
        return false;
    length = read(file, &found, sizeof found);
    (void)close(file);
    return length != sizeof found || found != magic;
}

bool store_files_end_before(const struct store *store, const void *address)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[PATH_MAX + 200];
    struct failure unused;
    struct stat status;
    bool is_behind = false;

    if (maps == NULL)
        return false;
    while (fgets(line, sizeof line, maps) != NULL) {
        uintptr_t start, end;
        uint64_t offset, inode;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %" SCNx64 " %*s %" SCNu64, &start, &end,
                   &offset, &inode) == 4 &&
            (uintptr_t)address >= start && (uintptr_t)address < end)
            is_behind = inode == store->inode && store_files_are_data(store, &status, &unused) &&
                        (uintptr_t)address - start + offset >= (uint64_t)status.st_size;
    }
    (void)fclose(maps);
    return is_behind;
}

/* --- writers --- */

/* The descriptor's own lock, which the closing of another descriptor does not take away. */
static int set_lock(const struct store *store, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
    int data;

    if (mdb_env_get_fd(store->environment, &data) != 0)
        return EINVAL;
    while (fcntl(data, F_OFD_SETLKW, &lock) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

int store_files_lock(const struct store *store)
{
    return set_lock(store, F_WRLCK);
}

void store_files_unlock(const struct store *store)
{
    (void)set_lock(store, F_UNLCK);
}

void store_files_drop_lock_file(const struct store *store)
{
    struct store_file lock = lock_file(store);
    char path[PATH_MAX];

    if (is_same(&lock, &store->lock) &&
        snprintf(path, sizeof path, "%s/%s", store->directory, store_lock_file) < PATH_MAX)
        (void)unlink(path);
}

/* --- the last transaction --- */

static uint64_t last_transaction(const struct store *store)
{
    MDB_envinfo info = {.me_last_txnid = 0};

    (void)mdb_env_info(store->environment, &info);
    return info.me_last_txnid;
}

bool store_files_agree(const struct store *store, MDB_txn *writer)
{
    return mdb_txn_id(writer) == last_transaction(store) + 1;
}

/* The pages of a snapshot outlast the next transaction whatever lock.mdb says of readers: LMDB
 * writes over those that it gave up two transactions before, the earliest. */
bool store_files_kept_snapshot(const struct store *store, MDB_txn *reader)
{
    uint64_t last = last_transaction(store);
    uint64_t ours = mdb_txn_id(reader);
    struct store_file lock;

    if (last - ours <= 1)
        return true;
    lock = lock_file(store);
    return last > ours && is_same(&lock, &store->lock);
}
