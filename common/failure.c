/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void make_one_line(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char octet = (unsigned char)*text;
        if (octet < 0x20 || octet == 0x7f)
            *text = '?';
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
    struct failure cause = *why;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    if (length >= 0 && (size_t)length < sizeof why->text)
        (void)snprintf(why->text + length, sizeof why->text - (size_t)length, ": %.*s",
                       (int)(sizeof cause.text - 1), cause.text);
    make_one_line(why->text);
    return false;
}
