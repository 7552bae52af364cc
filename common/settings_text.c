/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/settings_text.h"
#include "common/mail_from.h"

#include <stdlib.h>
#include <string.h>

static const char white[] = " \t\r\n";

/* What libconfuse's scanner ends a bare word at. */
static const char word_ends[] = " \t\r\n\"'#={}()+,;";

static const char title[] = " \"\" ";

static const char *skip_string(const char *text)
{
    char quote = *text++;

    while (*text != '\0' && *text != quote)
        text += text[0] == '\\' && text[1] != '\0' ? 2 : 1;
    return *text == '\0' ? text : text + 1;
}

static const char *skip_block_comment(const char *text)
{
    const char *end = strstr(text + 2, "*/");
    return end == NULL ? text + strlen(text) : end + 2;
}

/* The end of what begins at text, which is no word. */
static const char *skip_other(const char *text)
{
    if (*text == '"' || *text == '\'')
        return skip_string(text);
    if (*text == '#' || strncmp(text, "//", 2) == 0)
        return text + strcspn(text, "\n");
    if (strncmp(text, "/*", 2) == 0)
        return skip_block_comment(text);
    return strchr(word_ends, *text) != NULL ? text + 1 : text;
}

/* The end of the word, or of whatever else begins at text. */
static const char *skip(const char *text)
{
    const char *end = skip_other(text);
    return end == text ? end + strcspn(end, word_ends) : end;
}

/* Is it a comment, and has it an end? */
static bool is_comment(const char *text)
{
    if (strncmp(text, "/*", 2) == 0)
        return strstr(text + 2, "*/") != NULL;
    return *text == '#' || strncmp(text, "//", 2) == 0;
}

void settings_text_blank_comments(char *text)
{
    while (*text != '\0') {
        bool blank = is_comment(text);
        size_t length = (size_t)(skip(text) - text);
        for (size_t i = 0; blank && i < length; i++) {
            if (text[i] != '\n')
                text[i] = ' ';
        }
        text += length;
    }
}

/* Where the next untitled section wants its title, or NULL. */
static const char *find_untitled(const char *text, const char *section, int *depth)
{
    while (*text != '\0') {
        const char *end = skip(text);
        if (*depth == 0 && (size_t)(end - text) == strlen(section) &&
            strncmp(text, section, strlen(section)) == 0 && end[strspn(end, white)] == '{')
            return end;
        if (*text == '{' || *text == '}')
            *depth += *text == '{' ? 1 : -1;
        text = end;
    }
    return NULL;
}

static size_t count_untitled(const char *text, const char *section)
{
    size_t count = 0;
    int depth = 0;

    while ((text = find_untitled(text, section, &depth)) != NULL)
        count++;
    return count;
}

char *settings_text_add_titles(const char *text, const char *section)
{
    size_t size = strlen(text) + count_untitled(text, section) * strlen(title) + 1;
    char *out = malloc(size);
    char *end = out;
    const char *place;
    int depth = 0;

    if (out == NULL)
        return NULL;
    while ((place = find_untitled(text, section, &depth)) != NULL) {
        end = mempcpy(end, text, (size_t)(place - text));
        end = mempcpy(end, title, strlen(title));
        text = place;
    }
    memcpy(end, text, strlen(text) + 1);
    return out;
}

bool settings_text_is_good_title(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";

    return strlen(text) <= MAIL_FROM_SECTION_MAX && strspn(text, plain) == strlen(text);
}
