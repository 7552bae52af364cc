/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * For LD_PRELOAD: what each transaction of the store leaves, as a line of the file STORE_JOURNAL,
 * written while LMDB's lock of writers is held and before the transaction is committed:
 *
 *     INODE:TRANSACTION MICROSECONDS KEY=HEX KEY=HEX .. .
 *
 * with all records whose key ends in STORE_JOURNAL_OF. A program that dies in between leaves a line
 * without a transaction; whoever takes the number next writes another line, so the last line of a
 * number counts. A line that was cut by kill -9 has no full stop at its end.
 *
 * The transaction by which a reader opens the store is written down too: that is how a file that
 * was copied from another gets its first line, before anything looks up in it.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <lmdb.h>

static int journal = -1;
static const char *suffix = "";
static int (*real_commit)(MDB_txn *transaction);

/* Before the program gives up rights, and before its filter of system calls. */
static void __attribute__((constructor)) open_journal(void)
{
    const char *path = getenv("STORE_JOURNAL");
    const char *of = getenv("STORE_JOURNAL_OF");

    *(void **)&real_commit = dlsym(RTLD_NEXT, "mdb_txn_commit");
    if (path != NULL)
        journal = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (of != NULL)
        suffix = of;
}

/* The true time: the program may have a clock of its own (set_clock.c). */
static int64_t microseconds(void)
{
    struct timespec now;

    (void)syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int is_wanted(const MDB_val *key)
{
    size_t length = strlen(suffix);

    return key->mv_size >= length &&
           memcmp((const char *)key->mv_data + key->mv_size - length, suffix, length) == 0;
}

static void print_records(FILE *line, MDB_txn *transaction, MDB_dbi records)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;

    if (mdb_cursor_open(transaction, records, &cursor) != 0)
        return;
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        if (!is_wanted(&key))
            continue;
        fprintf(line, " %.*s=", (int)key.mv_size, (const char *)key.mv_data);
        for (size_t i = 0; i < value.mv_size; i++)
            fprintf(line, "%02x", ((const unsigned char *)value.mv_data)[i]);
    }
    mdb_cursor_close(cursor);
}

static void write_line(MDB_txn *transaction)
{
    char *text = NULL;
    size_t length = 0;
    FILE *line = open_memstream(&text, &length);
    mdb_filehandle_t file;
    struct stat status;
    MDB_dbi records;

    if (line == NULL)
        return;
    if (mdb_env_get_fd(mdb_txn_env(transaction), &file) == 0 && fstat(file, &status) == 0 &&
        mdb_dbi_open(transaction, "identities", 0, &records) == 0) {
        /* The line before may be cut. */
        fprintf(line, "\n%ju:%zu %" PRId64, (uintmax_t)status.st_ino, mdb_txn_id(transaction),
                microseconds());
        print_records(line, transaction, records);
        fputs(" .\n", line);
    }
    fclose(line);
    if (length > 0 && write(journal, text, length) != (ssize_t)length)
        abort();
    free(text);
}

int mdb_txn_commit(MDB_txn *transaction)
{
    if (journal >= 0)
        write_line(transaction);
    return real_commit(transaction);
}
