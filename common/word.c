/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/word.h"

#include <stdio.h>
#include <string.h>

int word_find(const char *const words[], size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i] != NULL && strcmp(words[i], text) == 0)
            return (int)i;
    }
    return -1;
}

void word_choice(const char *const words[], size_t count, char *out, size_t size)
{
    size_t used = 0;

    while (count > 0 && words[count - 1] == NULL)
        count--;
    out[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++) {
        const char *before = used == 0 ? "" : i + 1 == count ? " or " : ", ";
        int length;

        if (words[i] == NULL)
            continue;
        length = snprintf(out + used, size - used, "%s%s", before, words[i]);
        used += length > 0 ? (size_t)length : 0;
    }
}

const char *word_for(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}
