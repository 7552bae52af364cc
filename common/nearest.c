/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/nearest.h"

#include <string.h>

enum { LENGTH_MAX = 64, BEGINNING_MIN = 3 };

struct nearest nearest_begin(const char *text, size_t length)
{
    /* One slip in three letters; a shorter word can be made into any other. */
    return (struct nearest){.text = text, .length = length, .distance = length / 3 + 1};
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters were left out, put in, mistaken or swapped with the next one. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    size_t rows[3][LENGTH_MAX + 1]; /* the one before the last, the last, this one */

    for (size_t j = 0; j <= b_length; j++)
        rows[1][j] = rows[2][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        rows[2][0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t cost = a[i - 1] != b[j - 1];
            size_t steps = least(rows[1][j], rows[2][j - 1]) + 1;
            steps = least(steps, rows[1][j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                steps = least(steps, rows[0][j - 2] + 1);
            rows[2][j] = steps;
        }
        memcpy(rows[0], rows[1], sizeof rows[0]);
        memcpy(rows[1], rows[2], sizeof rows[1]);
    }
    return rows[2][b_length];
}

void nearest_try(struct nearest *nearest, const char *word)
{
    size_t length = strlen(word);
    size_t steps;

    if (nearest->length > LENGTH_MAX || length > LENGTH_MAX)
        return;
    if (nearest->length >= BEGINNING_MIN && length > nearest->length &&
        strncmp(word, nearest->text, nearest->length) == 0)
        steps = 1; /* a word cut short */
    else
        steps = distance(nearest->text, nearest->length, word, length);
    if (steps < nearest->distance) {
        nearest->distance = steps;
        nearest->word = word;
    }
}
