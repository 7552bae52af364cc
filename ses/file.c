/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static int exit_code_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return EX_NOINPUT;
    case EACCES:
    case EPERM:
        return EX_NOPERM;
    default:
        return EX_IOERR;
    }
}

static bool fail(const char *path, int error, struct failure *why)
{
    return failure_set(why, exit_code_of(error), "%s: %s", path, strerror(error));
}

static ssize_t read_whole(int descriptor, char *bytes, size_t size)
{
    size_t length = 0;

    while (length < size) {
        ssize_t got = read(descriptor, bytes + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        length += (size_t)got;
    }
    return (ssize_t)length;
}

static bool read_descriptor(struct file *file, int descriptor, size_t max, struct failure *why)
{
    struct stat status;
    ssize_t length;

    if (fstat(descriptor, &status) != 0)
        return fail(file->path, errno, why);
    /* A FIFO or a device could block for ever. */
    if (!S_ISREG(status.st_mode))
        return failure_set(why, EX_CONFIG, "%s: not a regular file", file->path);
    file->bytes = malloc(max + 2);
    if (file->bytes == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    length = read_whole(descriptor, file->bytes, max + 1);
    file->length = length > 0 ? (size_t)length : 0;
    file->bytes[file->length] = '\0';
    if (length < 0)
        return fail(file->path, errno, why);
    if (file->length > max)
        return failure_set(why, EX_CONFIG, "%s: longer than %zu octets", file->path, max);
    return true;
}

bool file_read(struct file *file, const char *path, size_t max, struct failure *why)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool fine;

    file->bytes = NULL;
    file->length = 0;
    (void)snprintf(file->path, sizeof file->path, "%s", path);
    if (descriptor < 0)
        return fail(path, errno, why);
    fine = read_descriptor(file, descriptor, max, why);
    (void)close(descriptor);
    if (!fine)
        file_reset(file);
    return fine;
}

void file_reset(struct file *file)
{
    if (file->bytes != NULL)
        explicit_bzero(file->bytes, file->length);
    free(file->bytes);
    file->bytes = NULL;
    file->length = 0;
}
