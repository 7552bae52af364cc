/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/match_list.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/identity.h"
#include "ctl/postfix.h"

enum { WORD_SIZE = 4096, LINE_SIZE = 4096, LINES_MAX = 100000 };

struct question {
    const char *domain;
    enum match_style style;
    const struct match_tables *tables;
};

/* Tables of patterns are asked for the name only, others for its parents too. */
static bool is_of_patterns(const char *table)
{
    static const char *const types[] = {
        "regexp:", "pcre:", "cidr:", "static:", "tcp:", "socketmap:", "pipemap:", "unionmap:"};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strncmp(table, types[i], strlen(types[i])) == 0)
            return true;
    }
    return false;
}

static enum match ask_table(const char *table, const struct question *question)
{
    static const char proxy[] = "proxy:";
    const char *key = question->domain;
    enum match match;

    if (strncmp(table, proxy, sizeof proxy - 1) == 0)
        table += sizeof proxy - 1;
    match = question->tables->look_up(question->tables->context, table, key);
    if (question->style == MATCH_NAMES || is_of_patterns(table))
        return match;
    while (match == MATCH_NO && (key = strchr(key + 1, '.')) != NULL)
        match = question->tables->look_up(question->tables->context, table,
                                          key + (question->style == MATCH_SUBDOMAINS));
    return match;
}

/* Is the domain the name, or below it? */
static bool is_named(const char *name, const struct question *question)
{
    size_t length = strlen(name);
    size_t whole = strlen(question->domain);
    const char *tail = question->domain + (whole > length ? whole - length : 0);

    if (strcasecmp(tail, name) != 0)
        return false;
    return tail == question->domain || (question->style == MATCH_DOTTED && *name == '.') ||
           (question->style == MATCH_SUBDOMAINS && tail[-1] == '.');
}

static enum match find(const char *list, const struct question *question, bool in_file);

static enum match find_in_file(const char *path, const struct question *question)
{
    FILE *file = fopen(path, "re");
    enum match match = MATCH_NO;
    char line[LINE_SIZE];

    if (file == NULL)
        return MATCH_UNKNOWN;
    for (int i = 0; match == MATCH_NO && fgets(line, sizeof line, file) != NULL; i++) {
        line[strcspn(line, "\r\n")] = '\0';
        if (i == LINES_MAX)
            match = MATCH_UNKNOWN;
        else if (line[0] != '#')
            match = find(line, question, true);
    }
    (void)fclose(file);
    return match;
}

static enum match compare(const char *item, const struct question *question, bool in_file)
{
    if (*item == '/')
        return in_file ? MATCH_UNKNOWN : find_in_file(item, question);
    if (strchr(item, ':') != NULL)
        return ask_table(item, question);
    return is_named(item, question) ? MATCH_YES : MATCH_NO;
}

static enum match find(const char *list, const struct question *question, bool in_file)
{
    enum match doubt = MATCH_NO;
    const char *word;
    size_t length;

    while ((word = postfix_next_word(&list, &length)) != NULL) {
        char item[WORD_SIZE];
        size_t negations = strspn(word, "!");
        enum match match;
        if (length >= sizeof item || negations >= length)
            continue;
        (void)snprintf(item, sizeof item, "%.*s", (int)(length - negations), word + negations);
        match = compare(item, question, in_file);
        if (match == MATCH_YES)
            return negations % 2 == 0 ? MATCH_YES : MATCH_NO;
        if (match == MATCH_UNKNOWN)
            doubt = MATCH_UNKNOWN;
    }
    return doubt;
}

enum match match_list_has(const char *list, const char *domain, enum match_style style,
                          const struct match_tables *tables)
{
    const struct question question = {domain, style, tables};

    return find(list, &question, false);
}
