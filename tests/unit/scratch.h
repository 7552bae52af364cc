/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A directory of a test's own, with a store in it. Other programs write the store, so here a child
 * does: LMDB forbids one process to have the same store open twice.
 */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include "common/store.h"

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SCRATCH_PATH_SIZE = 200, SCRATCH_CHILD_SECONDS = 300 };

struct scratch {
    char directory[64];
    char store[SCRATCH_PATH_SIZE]; /* not there yet */
    char data[SCRATCH_PATH_SIZE];  /* its data file */
};

struct scratch_record {
    const char *key;
    struct mail_from record;
};

static inline void scratch_make(struct scratch *scratch)
{
    strcpy(scratch->directory, "/tmp/mailfrom-test-XXXXXX");
    if (mkdtemp(scratch->directory) == NULL)
        fail_msg("no directory to work in");
    (void)snprintf(scratch->store, sizeof scratch->store, "%s/store", scratch->directory);
    (void)snprintf(scratch->data, sizeof scratch->data, "%s/store/data.mdb", scratch->directory);
}

static inline int scratch_unlink(const char *path, const struct stat *status, int type,
                                 struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline void scratch_remove(const struct scratch *scratch)
{
    (void)nftw(scratch->directory, scratch_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

/* Runs work in a child process and returns its wait status; work's result is the exit status. What
 * a fault leaves behind in LMDB is lost by design, and _exit keeps the leak checker out of it. */
static inline int scratch_run_child(int (*work)(void *context), void *context)
{
    static const struct rlimit no_core = {0, 0};
    int status = -1;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)alarm(SCRATCH_CHILD_SECONDS);
        _exit(work(context));
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        fail_msg("no child process");
    return status;
}

struct scratch_filling {
    const char *directory;
    const struct scratch_record *records;
    size_t count;
};

static inline bool scratch_put_all(struct store *store, void *context, struct failure *why)
{
    const struct scratch_filling *filling = context;

    for (size_t i = 0; i < filling->count; i++) {
        if (!store_put(store, filling->records[i].key, &filling->records[i].record, why))
            return false;
    }
    return true;
}

static inline int scratch_fill_in_child(void *context)
{
    const struct scratch_filling *filling = context;
    struct failure why = {.text = ""};
    struct store *store;
    bool worked = store_open(&store, filling->directory, STORE_WRITE, NULL, &why) &&
                  store_update(store, scratch_put_all, context, &why);

    store_close(store);
    if (!worked)
        (void)fprintf(stderr, "%s\n", why.text);
    return worked ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Puts records into the store of a directory, which is made where it is missing. */
static inline void scratch_fill(const char *directory, const struct scratch_record records[],
                                size_t count)
{
    struct scratch_filling filling = {directory, records, count};

    assert_int_equal(scratch_run_child(scratch_fill_in_child, &filling), 0);
}

static inline struct identity scratch_identity(const char *text)
{
    struct identity identity;
    struct failure why;

    if (!identity_parse(&identity, text, strlen(text), &why))
        fail_msg("%s", why.text);
    return identity;
}

#endif
