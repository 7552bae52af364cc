/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/utf8.h"

enum { DOCUMENT_FIRST_SIZE = 1 << 16 };

static int exit_code_for(int error)
{
    return error == EACCES || error == EPERM ? EX_NOPERM : error == EIO ? EX_IOERR : EX_NOINPUT;
}

static bool grow(struct document *document, size_t *size, size_t wanted, struct failure *why)
{
    char *text = realloc(document->text, wanted);

    if (text == NULL)
        return failure_set(why, EX_OSERR, "out of memory at %zu octets", wanted);
    document->text = text;
    *size = wanted;
    return true;
}

static size_t first_size(int descriptor)
{
    struct stat status;

    /* One octet more than the file, so that its end is met without growing. */
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
        status.st_size < DOCUMENT_MAX)
        return (size_t)status.st_size + 1;
    return DOCUMENT_FIRST_SIZE;
}

static bool read_whole(struct document *document, int descriptor, struct failure *why)
{
    size_t size = 0;
    ssize_t got;

    if (!grow(document, &size, first_size(descriptor), why))
        return false;
    while ((got = read(descriptor, document->text + document->length, size - document->length)) !=
           0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failure_set(why, exit_code_for(errno), "cannot be read: %s", strerror(errno));
        document->length += (size_t)got;
        if (document->length > DOCUMENT_MAX)
            return failure_set(why, EX_DATAERR, "more than %d octets; split it", DOCUMENT_MAX);
        if (document->length == size &&
            !grow(document, &size, size + size / 2 + DOCUMENT_FIRST_SIZE, why))
            return false;
    }
    return true;
}

bool document_read(struct document *document, const char *file, struct failure *why)
{
    int descriptor = STDIN_FILENO;
    bool good;

    *document = (struct document){0};
    if (strcmp(file, "-") == 0)
        return read_whole(document, descriptor, why);
    descriptor = open(file, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return failure_set(why, exit_code_for(errno), "cannot be opened: %s", strerror(errno));
    good = read_whole(document, descriptor, why);
    (void)close(descriptor);
    return good;
}

void document_reset(struct document *document)
{
    free(document->text);
    *document = (struct document){0};
}

bool document_refuse(const char *text, size_t offset, struct failure *why, const char *complaint)
{
    size_t line = 1;
    size_t line_start = 0;

    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            line++;
            line_start = i + 1;
        }
    }
    return failure_set(why, EX_DATAERR, "line %zu, column %zu: %s", line, offset - line_start + 1,
                       complaint);
}

/* What is wrong with the escape at text, a backslash; NULL for nothing. cJSON takes a broken \u for
 * U+0000, and U+0000 for the end of the string. */
static const char *bad_escape(const char *text, size_t left)
{
    static const char digits[] = "0123456789abcdefABCDEF";

    if (left < 2 || text[1] != 'u')
        return NULL;
    if (left < 6)
        return "the text ends within \\u";
    if (memcmp(text + 2, "0000", 4) == 0)
        return "NUL (\\u0000) in a string";
    for (size_t i = 2; i < 6; i++) {
        if (text[i] == '\0' || strchr(digits, text[i]) == NULL)
            return "\\u without four hexadecimal digits";
    }
    return NULL;
}

/* What is wrong at this octet; NULL for nothing, and then *step octets are done with. */
static const char *complaint_at(const char *text, size_t left, bool in_string, size_t *step)
{
    unsigned char octet = (unsigned char)text[0];

    *step = 1;
    if (octet == '\0')
        return "NUL octet; if the file is UTF-16, save it as UTF-8";
    if (octet >= 0x80) {
        *step = utf8_length(text, left);
        return *step == 0 ? "octets that are not UTF-8; save the file as UTF-8" : NULL;
    }
    if (!in_string)
        return NULL;
    if (octet < 0x20)
        return "control character in a string; is the closing quote missing?";
    if (octet == '\\') {
        /* The octet after it is part of the escape, unless it needs a look of its own. */
        *step = left > 1 && text[1] >= 0x20 && text[1] < 0x7f ? 2 : 1;
        return bad_escape(text, left);
    }
    return NULL;
}

bool document_check(const char *text, size_t length, struct failure *why)
{
    bool in_string = false;
    size_t step = 1;

    for (size_t i = 0; i < length; i += step) {
        const char *complaint = complaint_at(text + i, length - i, in_string, &step);
        if (complaint != NULL)
            return document_refuse(text, i, why, complaint);
        if (text[i] == '"')
            in_string = !in_string;
    }
    return true;
}
