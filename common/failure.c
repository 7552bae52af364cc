/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A terminal obeys the control characters of ISO 8859 too: U+0080 to U+009F as UTF-8 has them, and
 * octets that are no part of a longer character. */
static void make_one_line(char *text)
{
    unsigned char before = 0;

    for (; *text != '\0'; text++) {
        unsigned char octet = (unsigned char)*text;
        if (octet < 0x20 || octet == 0x7f ||
            (octet >= 0x80 && octet < 0xa0 && (before < 0x80 || before == 0xc2)))
            *text = '?';
        before = octet;
    }
}

bool failure_set(struct failure *why, int exit_code, const char *format, ...)
{
    va_list arguments;

    why->exit_code = exit_code;
    va_start(arguments, format);
    (void)vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    make_one_line(why->text);
    return false;
}

bool failure_prefix(struct failure *why, const char *format, ...)
{
    char cause[sizeof why->text];
    va_list arguments;
    size_t length;

    memcpy(cause, why->text, sizeof cause);
    va_start(arguments, format);
    (void)vsnprintf(why->text, sizeof why->text - 2, format, arguments);
    va_end(arguments);
    length = strlen(why->text);
    memcpy(why->text + length, ": ", 3);
    length += 2;
    memcpy(why->text + length, cause, sizeof why->text - length);
    why->text[sizeof why->text - 1] = '\0';
    make_one_line(why->text);
    return false;
}
