/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/restrictions.h"

#include <stdio.h>
#include <string.h>

enum { WORD_SIZE = 2048 };

/* False after the last. A word that is too long is cut. */
static bool next(const char **cursor, char out[WORD_SIZE])
{
    size_t length;
    const char *word = postfix_next_word(cursor, &length);

    if (word != NULL)
        (void)snprintf(out, WORD_SIZE, "%.*s", (int)(length < WORD_SIZE ? length : WORD_SIZE - 1),
                       word);
    return word != NULL;
}

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Lets in clients that are known, and no one else. */
static bool permits_known_clients(const char *word)
{
    static const char *const words[] = {"permit_mynetworks", "permit_sasl_authenticated",
                                        "permit_tls_clientcerts", "permit_tls_all_clientcerts",
                                        "permit_inet_interfaces"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i]) == 0)
            return true;
    }
    return false;
}

/* A restriction that permits no one, or an argument. */
static bool permits_no_one(const char *word)
{
    return begins(word, "reject_") || begins(word, "defer_") || strcmp(word, "sleep") == 0 ||
           strpbrk(word, ".:=") != NULL || strspn(word, "0123456789") == strlen(word);
}

bool restrictions_are_closed(const char *list)
{
    char word[WORD_SIZE];

    while (next(&list, word)) {
        if (strcmp(word, "reject") == 0 || strcmp(word, "defer") == 0)
            return true;
        if (strcmp(word, "warn_if_reject") == 0)
            (void)next(&list, word);
        else if (!permits_known_clients(word) && !permits_no_one(word))
            return false;
    }
    return false;
}

bool restrictions_find(const char *list, const char *name,
                       bool (*is_it)(void *context, const struct postfix_map *map), void *context,
                       struct restriction *found)
{
    char word[WORD_SIZE];
    struct postfix_map map;
    bool is_argument = false;

    found->permit[0] = '\0';
    while (next(&list, word)) {
        const char *cursor = word;
        while (is_argument && postfix_next_map(&cursor, &map)) {
            if (is_it(context, &map))
                return true;
        }
        is_argument = strcmp(word, name) == 0;
        if (begins(word, "permit") && found->permit[0] == '\0')
            (void)snprintf(found->permit, sizeof found->permit, "%.63s", word);
    }
    return false;
}

/* Takes the spaces out, which { } may hold. */
static void squeeze(char *word)
{
    char *out = word;

    for (; *word != '\0'; word++) {
        if (*word != ' ' && *word != '\t')
            *out++ = *word;
    }
    *out = '\0';
}

bool restrictions_equal(const char *list, const char *other)
{
    char word[WORD_SIZE];
    char other_word[WORD_SIZE];
    bool more, other_more;

    do {
        more = next(&list, word);
        other_more = next(&other, other_word);
        if (more && other_more) {
            squeeze(word);
            squeeze(other_word);
            if (strcmp(word, other_word) != 0)
                return false;
        }
    } while (more && other_more);
    return more == other_more;
}

bool restrictions_have(const char *list, const char *word)
{
    char item[WORD_SIZE];

    while (next(&list, item)) {
        if (strcmp(item, word) == 0)
            return true;
    }
    return false;
}
