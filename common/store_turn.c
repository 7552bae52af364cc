/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Two octets of write.lock: whoever has the second one writes, whoever has the first one comes
 * next. So a program that writes again and again cannot pass one that waits. Locks of fcntl(2) that
 * belong to the process, because the kernel says who has one, and takes them away from the dead.
 */
#include "common/store_turn.h"
#include "common/monotonic.h"
#include "common/owner.h"
#include "common/process.h"
#include "common/store_directory.h"
#include "common/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { PLACE_NEXT = 0, PLACE_WRITING = 1 };
enum { SHORT_NAPS = 20 /* of a millisecond; then longer ones */, LONG_NAP = 10 };
enum { STUCK_LOOKS = 40, STUCK_NAP = 50 };

static struct store_patience patience = {STORE_PATIENCE, NULL, NULL};

void store_set_patience(struct store_patience wanted)
{
    patience = wanted;
}

/* --- the file --- */

static int open_file(const char *directory, int flags)
{
    return store_directory_open(directory, "write.lock", flags, S_IRUSR | S_IWUSR);
}

/* Whoever may write data.mdb may take a turn. Only the owner of the file can say so. */
static void give_to_writers(const struct store *store)
{
    struct failure unused;
    struct stat status;
    struct stat data;

    if (fstat(store->turn, &status) != 0 || status.st_nlink != 1 || status.st_uid != owner_user() ||
        !store_directory_stat(store->directory, &data, &unused))
        return;
    if (status.st_gid != data.st_gid && fchown(store->turn, (uid_t)-1, data.st_gid) != 0)
        return;
    (void)fchmod(store->turn, data.st_mode & (S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP));
}

void store_turn_close(struct store *store)
{
    if (store->turn >= 0)
        (void)close(store->turn);
    store->turn = -1;
}

void store_turn_open(struct store *store)
{
    store_turn_close(store); /* of a directory that is another one now */
    store->turn = open_file(store->directory, O_RDWR | O_CREAT);
    if (store->turn >= 0)
        give_to_writers(store);
}

/* Was it removed by somebody who tidied up? Then the others have another one. */
static void look_after_file(struct store *store)
{
    struct failure unused;
    struct stat status;
    struct owner owner;

    if (store->turn >= 0 && fstat(store->turn, &status) == 0 && status.st_nlink > 0)
        return;
    if (!owner_enter(&owner, store->directory, &unused))
        return;
    store_turn_open(store);
    owner_leave(&owner);
}

/* --- the locks --- */

static bool set_lock(int file, int place, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};

    return fcntl(file, F_SETLK, &lock) == 0;
}

static pid_t holder_of(int file, int place)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = place, .l_len = 1};

    return fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? lock.l_pid : 0;
}

/* --- waiting --- */

static void nap(int milliseconds)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000L}, NULL);
}

static bool is_over(int64_t until)
{
    return monotonic_milliseconds() >= until ||
           (patience.is_over != NULL && patience.is_over(patience.context));
}

static bool fail(const struct store *store, int place, struct failure *why)
{
    pid_t process = holder_of(store->turn, PLACE_WRITING);
    char name[PROCESS_NAME_SIZE];

    if (process == 0)
        process = holder_of(store->turn, place);
    if (process == 0)
        return failure_set(why, EX_TEMPFAIL, "store %s: others write all the time; try again",
                           store->directory);
    (void)process_describe(process, name);
    if (process_is_stopped(process))
        return failure_set(why, EX_TEMPFAIL,
                           "store %s: process %s is writing and does not go on; let it, with `kill "
                           "-CONT %ld', or end it",
                           store->directory, name, (long)process);
    return failure_set(why, EX_TEMPFAIL,
                       "store %s: process %s is writing all the time; wait for it, or end it",
                       store->directory, name);
}

static bool wait_for(const struct store *store, int place, int64_t until, struct failure *why)
{
    for (int naps = 0; !set_lock(store->turn, place, F_WRLCK); naps++) {
        if (errno != EAGAIN && errno != EACCES)
            return true; /* no locks on this file system: LMDB's own has to do */
        if (is_over(until))
            return fail(store, place, why);
        nap(naps < SHORT_NAPS ? 1 : LONG_NAP);
    }
    return true;
}

bool store_turn_take(struct store *store, struct failure *why)
{
    int64_t until = monotonic_milliseconds() + patience.milliseconds;
    bool worked;

    look_after_file(store);
    if (store->turn < 0)
        return true;
    if (!wait_for(store, PLACE_NEXT, until, why))
        return false;
    worked = wait_for(store, PLACE_WRITING, until, why);
    (void)set_lock(store->turn, PLACE_NEXT, F_UNLCK);
    return worked;
}

void store_turn_give(struct store *store)
{
    if (store->turn >= 0)
        (void)set_lock(store->turn, PLACE_WRITING, F_UNLCK);
}

/* --- who is it? --- */

pid_t store_turn_find(const char *directory)
{
    int file = open_file(directory, O_RDONLY);
    pid_t process = 0;

    if (file >= 0) {
        process = holder_of(file, PLACE_WRITING);
        (void)close(file);
    }
    return process;
}

pid_t store_turn_find_stuck(const char *directory)
{
    pid_t process = store_turn_find(directory);

    for (int i = 0; i < STUCK_LOOKS && process != 0 && !process_is_stopped(process); i++) {
        nap(STUCK_NAP);
        if (store_turn_find(directory) != process)
            return 0;
    }
    return process;
}
