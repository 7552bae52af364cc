/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Words for enums. Each enum has one table, indexed by its values, and the settings file, JSON,
 * log, metrics and tools all take the word from it.
 */
#ifndef COMMON_WORD_H
#define COMMON_WORD_H

#include <stddef.h>
#include <stdint.h>

/* The index of text in a table of count words, or -1. Case matters; holes (NULL) never match. */
int word_find(const char *const words[], size_t count, const char *text);

/* Writes the words as "a, b or c" into out, without the holes (terminated, cut where out is too
 * small). */
void word_choice(const char *const words[], size_t count, char *out, size_t size);

/* one for 1, many for all else. */
const char *word_for(uint64_t count, const char *one, const char *many);

#endif
