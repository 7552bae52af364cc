/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * UTF-8, as RFC 3629 has it. Pure.
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stddef.h>

/* How many of the octets at text, of which there is at least one, are its first character; 0 if
 * they are none: cut short, an overlong form, a surrogate, or beyond U+10FFFF. */
size_t utf8_length(const char *text, size_t length);

/* Folds the case of all letters as Unicode has it (full case folding, no language). Returns the
 * length, 0 for text that is ASCII, no UTF-8, or longer than size once it is folded. */
size_t utf8_fold(char *out, size_t size, const char *text, size_t length);

#endif
