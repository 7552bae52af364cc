/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/spf_macro.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char delimiters[] = ".-+,/_=";
static const char macro_letters[] = "slodiphvSLODIPHV";
static const char client_letters[] = "ipvIPV";

enum { TEXT_MAX = 2048, PARTS_MAX = 128 };

/* One %{...}: letter, how many parts of the right are kept (0: all), reversed or not, where to
 * split. */
struct macro {
    char letter;
    unsigned keep;
    bool reverse;
    char split[sizeof delimiters];
};

static bool is_upper(char letter)
{
    return letter >= 'A' && letter <= 'Z';
}

static char to_lower(char letter)
{
    return (char)(is_upper(letter) ? letter - 'A' + 'a' : letter);
}

/* text: after "%{". Returns what follows the "}", NULL if it is not a macro. */
static const char *read_macro(const char *text, struct macro *macro)
{
    size_t length = strspn(text + (*text != '\0'), "0123456789");
    size_t split;

    if (*text == '\0' || strchr(macro_letters, *text) == NULL || length > 3)
        return NULL;
    *macro = (struct macro){.letter = *text++, .split = "."};
    if (length > 0) {
        macro->keep = (unsigned)strtoul(text, NULL, 10);
        if (macro->keep == 0)
            return NULL;
    }
    text += length;
    macro->reverse = to_lower(*text) == 'r';
    text += macro->reverse;
    split = strspn(text, delimiters);
    if (split >= sizeof macro->split || text[split] != '}')
        return NULL;
    if (split > 0)
        (void)snprintf(macro->split, sizeof macro->split, "%.*s", (int)split, text);
    return text + split + 1;
}

/* Walks over one element: a literal octet (*macro has no letter then), an escape or a macro. */
static const char *read_element(const char *text, struct macro *macro, char *literal)
{
    macro->letter = '\0';
    *literal = *text;
    if (*text != '%')
        return *text > ' ' && *text < 0x7f ? text + 1 : NULL;
    if (text[1] == '{')
        return read_macro(text + 2, macro);
    if (text[1] == '\0' || strchr("%_-", text[1]) == NULL)
        return NULL;
    *literal = (char)(text[1] == '_' ? ' ' : text[1]);
    return text + 2;
}

bool spf_macro_is_valid(const char *text)
{
    struct macro macro;
    char literal;

    while (text != NULL && *text != '\0')
        text = read_element(text, &macro, &literal);
    return text != NULL;
}

bool spf_macro_needs_client(const char *text)
{
    struct macro macro;
    char literal;

    while (text != NULL && *text != '\0') {
        text = read_element(text, &macro, &literal);
        if (text != NULL && macro.letter != '\0' && strchr(client_letters, macro.letter) != NULL)
            return true;
    }
    return false;
}

/* Letters, digits and inner hyphens, and not digits alone. */
static bool is_top_label(const char *text, size_t length)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-";

    return length > 0 && strspn(text, allowed) >= length && strspn(text, "0123456789") < length &&
           text[0] != '-' && text[length - 1] != '-';
}

bool spf_macro_is_domain(const char *text)
{
    size_t length = strlen(text);
    const char *dot;

    if (length == 0 || !spf_macro_is_valid(text))
        return false;
    if (text[length - 1] == '}')
        return true;
    if (text[length - 1] == '.')
        length--;
    dot = memrchr(text, '.', length);
    return dot != NULL && is_top_label(dot + 1, length - (size_t)(dot + 1 - text));
}

static void value_of(char letter, const struct spf_macros *macros, char value[TEXT_MAX + 1])
{
    const char *at = strrchr(macros->sender, '@');
    const char *text = "unknown";

    value[0] = '\0';
    switch (to_lower(letter)) {
    case 's':
        text = macros->sender;
        break;
    case 'l':
        (void)snprintf(value, TEXT_MAX + 1, "%.*s", at == NULL ? 0 : (int)(at - macros->sender),
                       macros->sender);
        return;
    case 'o':
        text = at == NULL ? macros->sender : at + 1;
        break;
    case 'd':
        text = macros->domain;
        break;
    case 'i':
        text = macros->client;
        break;
    case 'h':
        text = macros->helo;
        break;
    case 'v':
        text = macros->family;
        break;
    default: /* p */
        break;
    }
    (void)snprintf(value, TEXT_MAX + 1, "%s", text);
}

static void append(char out[TEXT_MAX + 1], const char *text)
{
    size_t used = strlen(out);

    (void)snprintf(out + used, TEXT_MAX + 1 - used, "%s", text);
}

static void append_octet(char out[TEXT_MAX + 1], char octet)
{
    append(out, (const char[]){octet, '\0'});
}

/* Percent signs are of no use in a name, but RFC 7208 has them for capital letters. */
static void append_for_url(char out[TEXT_MAX + 1], const char *text)
{
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    char code[8];

    for (; *text != '\0'; text++) {
        (void)snprintf(code, sizeof code, "%%%02X", (unsigned char)*text);
        if (strchr(unreserved, *text) != NULL)
            append_octet(out, *text);
        else
            append(out, code);
    }
}

/* Splits, turns round, keeps the last parts, and joins with dots. */
static void transform(const struct macro *macro, char value[TEXT_MAX + 1],
                      char joined[TEXT_MAX + 1])
{
    char *parts[PARTS_MAX];
    char *rest = value;
    size_t count = 0;
    size_t first;

    while (rest != NULL && count < PARTS_MAX)
        parts[count++] = strsep(&rest, macro->split);
    first = macro->keep == 0 || macro->keep > count ? 0 : count - macro->keep;
    joined[0] = '\0';
    for (size_t i = first; i < count; i++) {
        if (i > first)
            append_octet(joined, '.');
        /* Turned round, the last part is the first, and those kept are at the right again. */
        append(joined, parts[macro->reverse ? count - 1 - i : i]);
    }
}

static void append_macro(char out[TEXT_MAX + 1], const struct macro *macro,
                         const struct spf_macros *macros)
{
    char value[TEXT_MAX + 1];
    char joined[TEXT_MAX + 1];

    value_of(macro->letter, macros, value);
    transform(macro, value, joined);
    if (is_upper(macro->letter))
        append_for_url(out, joined);
    else
        append(out, joined);
}

bool spf_macro_expand(const char *text, const struct spf_macros *macros,
                      char name[SPF_NAME_MAX + 1])
{
    char out[TEXT_MAX + 1] = "";
    const char *kept = out;
    struct macro macro;
    size_t length;
    char literal;

    while (*text != '\0') {
        text = read_element(text, &macro, &literal);
        if (text == NULL)
            return false;
        if (macro.letter != '\0')
            append_macro(out, &macro, macros);
        else
            append_octet(out, literal);
    }
    length = strlen(out);
    if (length > 0 && out[length - 1] == '.')
        out[--length] = '\0';
    while (kept != NULL && strlen(kept) > SPF_NAME_MAX) {
        kept = strchr(kept, '.');
        kept += kept != NULL;
    }
    (void)snprintf(name, SPF_NAME_MAX + 1, "%.*s", SPF_NAME_MAX, kept == NULL ? "" : kept);
    return name[0] != '\0';
}
