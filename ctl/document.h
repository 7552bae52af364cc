/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A JSON text as it comes from a file or a pipe: read whole, and checked for what the parser would
 * let pass. Knows octets, not what they mean.
 */
#ifndef CTL_DOCUMENT_H
#define CTL_DOCUMENT_H

#include "common/failure.h"

#include <stddef.h>

enum { DOCUMENT_MAX = 1 << 30 }; /* octets; 1,000,000 identities are about 150 MB */

struct document {
    char *text;
    size_t length;
};

/* Reads a file, or standard input for "-". Fails with EX_NOINPUT, EX_NOPERM, EX_IOERR, or
 * EX_DATAERR for one above DOCUMENT_MAX. Reset with document_reset, also after a failure. */
bool document_read(struct document *document, const char *file, struct failure *why);
void document_reset(struct document *document);

/* Is this UTF-8 without NUL, without an escape in a string that is no Unicode character (\u0000 and
 * broken ones) and without raw control characters in strings? Whether it is JSON is for the parser
 * to say. Fails with EX_DATAERR, line and column. */
bool document_check(const char *text, size_t length, struct failure *why);

/* Fails with EX_DATAERR and "line L, column C: COMPLAINT"; a column is an octet, the first is 1. */
bool document_refuse(const char *text, size_t offset, struct failure *why, const char *complaint);

#endif
