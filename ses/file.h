/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A small file with a secret in it, read whole and wiped when it is done with.
 */
#ifndef SES_FILE_H
#define SES_FILE_H

#include "common/failure.h"

#include <limits.h>
#include <stddef.h>

struct file {
    char path[PATH_MAX];
    char *bytes; /* terminated; may hold other NULs */
    size_t length;
};

/* Fails with EX_NOINPUT (no such file), EX_NOPERM, EX_IOERR, or EX_CONFIG (longer than max, or not
 * a regular file). Free it with file_reset; after a failure there is nothing to free. */
bool file_read(struct file *file, const char *path, size_t max, struct failure *why);
void file_reset(struct file *file);

#endif
