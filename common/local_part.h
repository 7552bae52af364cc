/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Local parts of addresses (RFC 5321, 4.1.2; RFC 6531): their content, and the one way of writing
 * it down that both MTAs keep as it is (measured: Postfix 3.7 takes away quotes that need not be
 * and adds those that are missing, Sendmail 8.17 does neither). Pure.
 */
#ifndef COMMON_LOCAL_PART_H
#define COMMON_LOCAL_PART_H

#include <stdbool.h>
#include <stddef.h>

enum { LOCAL_PART_MAX = 255 }; /* octets, of the content and as written */

/* Reads the local part at the start of text: a quoted string, or everything up to the @ or the end.
 * Puts its content into `content` and returns how many octets of text it took; 0 if it is none, or
 * too long. Dots in odd places (a..b) are accepted without quotes: such mailboxes exist. */
size_t local_part_read(char content[LOCAL_PART_MAX], size_t *content_length, const char *text,
                       size_t length);

/* Writes content without quotes if it is a dot-atom, else in quotes with \ before " and \ only.
 * Returns the length (not terminated), 0 if the content is empty, holds control characters, or does
 * not fit. */
size_t local_part_write(char out[LOCAL_PART_MAX], const char *content, size_t length);

#endif
