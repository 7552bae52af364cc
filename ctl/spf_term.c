/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/spf_term.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "ctl/spf_macro.h"

static const char version[] = "v=spf1";

enum argument { NOTHING, DOMAIN_NEEDED, DOMAIN_POSSIBLE, DOMAIN_AND_PREFIX, NETWORK_4, NETWORK_6 };

static const struct {
    const char *name;
    enum spf_kind kind;
    enum argument argument;
} mechanisms[] = {
    {"all", SPF_ALL, NOTHING},         {"include", SPF_INCLUDE, DOMAIN_NEEDED},
    {"a", SPF_A, DOMAIN_AND_PREFIX},   {"mx", SPF_MX, DOMAIN_AND_PREFIX},
    {"ptr", SPF_PTR, DOMAIN_POSSIBLE}, {"ip4", SPF_IP4, NETWORK_4},
    {"ip6", SPF_IP6, NETWORK_6},       {"exists", SPF_EXISTS, DOMAIN_NEEDED},
};
enum { MECHANISM_COUNT = sizeof mechanisms / sizeof *mechanisms };

bool spf_is_record(const char *text)
{
    size_t length = sizeof version - 1;

    return strncasecmp(text, version, length) == 0 && (text[length] == '\0' || text[length] == ' ');
}

/* Cuts the text of a term into a buffer of its own. */
enum { TERM_MAX = SPF_SPEC_MAX + 32 };

static size_t take_word(char word[TERM_MAX + 1], const char **cursor)
{
    size_t length;

    *cursor += strspn(*cursor, " ");
    length = strcspn(*cursor, " ");
    if (length <= TERM_MAX) {
        memcpy(word, *cursor, length);
        word[length] = '\0';
    }
    *cursor += length;
    return length;
}

/* "24" of "/24". False for what is no number, has a needless zero, or is too large. */
static bool read_prefix(const char *text, unsigned maximum, unsigned *prefix)
{
    size_t length = strspn(text, "0123456789");
    unsigned value = 0;

    if (length == 0 || length > 3 || text[length] != '\0' || (length > 1 && text[0] == '0'))
        return false;
    for (; *text != '\0'; text++)
        value = value * 10 + (unsigned)(*text - '0');
    *prefix = value;
    return value <= maximum;
}

/* Where the prefix lengths begin: a slash within a macro is a delimiter of the macro. */
static char *find_slash(char *text)
{
    bool in_macro = false;

    for (; *text != '\0'; text++) {
        in_macro = *text == '{' || (in_macro && *text != '}');
        if (*text == '/' && !in_macro)
            return text;
    }
    return NULL;
}

/* "/24", "//64" or "/24//64", or nothing. */
static bool take_prefixes(char *text, struct spf_term *term)
{
    char *slash = find_slash(text);
    char *double_slash = slash == NULL ? NULL : strstr(slash, "//");

    if (slash == NULL)
        return true;
    if (double_slash != NULL) {
        *double_slash = '\0';
        if (!read_prefix(double_slash + 2, 128, &term->prefix6))
            return false;
    }
    if (slash == double_slash)
        return true;
    *slash = '\0';
    return read_prefix(slash + 1, 32, &term->prefix4);
}

static bool read_network(char *text, int family, struct spf_term *term)
{
    unsigned *prefix = family == AF_INET ? &term->prefix4 : &term->prefix6;
    char *slash = strchr(text, '/');

    if (slash != NULL) {
        *slash = '\0';
        if (!read_prefix(slash + 1, family == AF_INET ? 32 : 128, prefix))
            return false;
    }
    return inet_pton(family, text, term->network) == 1;
}

static bool take_domain(const char *text, struct spf_term *term)
{
    if (strlen(text) > SPF_SPEC_MAX || !spf_macro_is_domain(text))
        return false;
    (void)snprintf(term->spec, sizeof term->spec, "%s", text);
    return true;
}

/* text: what follows the name of the mechanism, "" or ":..." or "/...". */
static bool read_argument(char *text, enum argument argument, struct spf_term *term)
{
    switch (argument) {
    case NOTHING:
        return *text == '\0';
    case DOMAIN_NEEDED:
        return *text == ':' && take_domain(text + 1, term);
    case DOMAIN_POSSIBLE:
        return *text == '\0' || (*text == ':' && take_domain(text + 1, term));
    case DOMAIN_AND_PREFIX:
        if (!take_prefixes(text, term))
            return false;
        return *text == '\0' || (*text == ':' && take_domain(text + 1, term));
    case NETWORK_4:
        return *text == ':' && read_network(text + 1, AF_INET, term);
    case NETWORK_6:
        return *text == ':' && read_network(text + 1, AF_INET6, term);
    }
    return false;
}

static bool read_mechanism(char *word, struct spf_term *term)
{
    size_t length;

    if (strchr("+-~?", *word) != NULL)
        term->qualifier = *word++;
    length = strcspn(word, ":/");
    for (size_t i = 0; i < MECHANISM_COUNT; i++) {
        if (strlen(mechanisms[i].name) != length ||
            strncasecmp(word, mechanisms[i].name, length) != 0)
            continue;
        term->kind = mechanisms[i].kind;
        return read_argument(word + length, mechanisms[i].argument, term);
    }
    return false;
}

/* The length of the name of a modifier, 0 if the word is none. */
static size_t modifier_length(const char *word)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char others[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    size_t length = strspn(word, others);

    return strspn(word, first) > 0 && word[length] == '=' ? length : 0;
}

static bool read_modifier(const char *word, size_t length, struct spf_term *term)
{
    const char *value = word + length + 1;

    term->kind = SPF_UNKNOWN;
    if (length == 8 && strncasecmp(word, "redirect", length) == 0)
        term->kind = SPF_REDIRECT;
    if (length == 3 && strncasecmp(word, "exp", length) == 0)
        term->kind = SPF_EXP;
    if (term->kind == SPF_UNKNOWN)
        return spf_macro_is_valid(value);
    return take_domain(value, term);
}

enum spf_reading spf_term_read(struct spf_term *term, const char **cursor, struct failure *why)
{
    char word[TERM_MAX + 1];
    size_t length;
    size_t name;
    bool good;

    if (spf_is_record(*cursor))
        *cursor += sizeof version - 1;
    length = take_word(word, cursor);
    if (length == 0)
        return SPF_END;
    if (length > TERM_MAX) {
        (void)failure_set(why, EX_DATAERR, "a term of %zu octets is too long", length);
        return SPF_SYNTAX_ERROR;
    }
    *term = (struct spf_term){.qualifier = '+', .prefix4 = 32, .prefix6 = 128};
    (void)snprintf(term->shown, sizeof term->shown, "%.*s", SPF_TERM_SHOWN - 1, word);
    name = modifier_length(word);
    good = name > 0 ? read_modifier(word, name, term) : read_mechanism(word, term);
    if (!good)
        (void)failure_set(why, EX_DATAERR, "\"%s\" is not a term of SPF", term->shown);
    return good ? SPF_TERM : SPF_SYNTAX_ERROR;
}

bool spf_check_syntax(const char *record, struct failure *why)
{
    unsigned seen[SPF_UNKNOWN + 1] = {0};
    struct spf_term term;
    enum spf_reading reading;

    while ((reading = spf_term_read(&term, &record, why)) == SPF_TERM) {
        seen[term.kind]++;
        if ((term.kind == SPF_REDIRECT || term.kind == SPF_EXP) && seen[term.kind] > 1)
            return failure_set(why, EX_DATAERR, "\"%s\" comes twice",
                               term.kind == SPF_EXP ? "exp=" : "redirect=");
    }
    return reading == SPF_END;
}
