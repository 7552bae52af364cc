/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/terminal.h"

#include <string.h>

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
