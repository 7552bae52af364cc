/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * "Did you mean": which of the words that exist a misspelt one was meant to be. Pure.
 */
#ifndef COMMON_NEAREST_H
#define COMMON_NEAREST_H

#include <stddef.h>

struct nearest {
    const char *text; /* what was written */
    size_t length;    /* of text */
    const char *word; /* the best so far; NULL: none is near enough to be worth a guess */
    size_t distance;
};

/* length: the octets of text that count. text stays the caller's, and so do the words. */
struct nearest nearest_begin(const char *text, size_t length);

/* Takes the word if it is nearer than those before. */
void nearest_try(struct nearest *nearest, const char *word);

#endif
