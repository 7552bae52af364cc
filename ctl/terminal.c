/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "common/identity.h"

enum { TERMINAL_COLUMNS = 80 /* of one that does not say */ };

const char *terminal_text(const char *text, char out[TERMINAL_TEXT_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;
    size_t i;

    for (i = 0; i < TERMINAL_TEXT_MAX && text[i] != '\0'; i++) {
        unsigned char octet = (unsigned char)text[i];
        if (octet >= 0x20 && octet < 0x7f) {
            out[used++] = text[i];
            continue;
        }
        out[used++] = '\\';
        out[used++] = 'x';
        out[used++] = digits[octet >> 4];
        out[used++] = digits[octet & 15];
    }
    if (text[i] != '\0') {
        memcpy(out + used, "...", 3);
        used += 3;
    }
    out[used] = '\0';
    return out;
}

static bool is_terminal(void)
{
    int file = fileno(stdout);

    return file >= 0 && isatty(file);
}

/* The environment's locale, if it has UTF-8. For these texts alone: what reads bytes from outside
 * must not depend on it. */
static locale_t find_locale(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);

    if (locale != (locale_t)0 && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") != 0) {
        freelocale(locale);
        locale = (locale_t)0;
    }
    return locale;
}

/* -1: there is something that takes no column of its own, or more than a terminal shows. */
static int count_columns(const char *text)
{
    mbstate_t state = {0};
    int columns = 0;

    while (*text != '\0') {
        wchar_t character;
        size_t length = mbrtowc(&character, text, strlen(text), &state);
        int width = length >= (size_t)-2 ? -1 : wcwidth(character);
        if (width <= 0)
            return -1;
        columns += width;
        text += length;
    }
    return columns;
}

/* As count_columns, in the locale of the terminal; -1 too if that has no UTF-8. */
static int measure(const char *text)
{
    static locale_t locale;
    static bool is_known;
    locale_t saved;
    int columns;

    if (!is_known)
        locale = find_locale();
    is_known = true;
    if (locale == (locale_t)0)
        return -1;
    saved = uselocale(locale);
    columns = count_columns(text);
    (void)uselocale(saved);
    return columns;
}

const char *terminal_name(const char *name, char out[TERMINAL_TEXT_SIZE])
{
    char shown[IDENTITY_SHOWN_SIZE];

    if (!is_terminal() || !identity_with_u_labels(name, shown) ||
        strlen(shown) >= TERMINAL_TEXT_SIZE || measure(shown) < 0)
        return terminal_text(name, out);
    return strcpy(out, shown);
}

/* A million rows are measured, and most of them are. */
static bool is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

size_t terminal_width(const char *text)
{
    int columns = is_ascii(text) ? -1 : measure(text);

    return columns < 0 ? strlen(text) : (size_t)columns;
}

size_t terminal_columns(void)
{
    struct winsize size = {0};

    if (!is_terminal())
        return 0;
    return ioctl(fileno(stdout), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                            : TERMINAL_COLUMNS;
}
