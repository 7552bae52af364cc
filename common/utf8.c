/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <unicase.h>
#include <unistr.h>

size_t utf8_length(const char *text, size_t length)
{
    const unsigned char *octets = (const unsigned char *)text;
    unsigned char lead = octets[0];
    size_t wanted = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || length < wanted)
        return 0;
    for (size_t i = 1; i < wanted; i++) {
        if ((octets[i] & 0xc0) != 0x80)
            return 0;
    }
    /* Overlong forms, surrogates and what lies above U+10FFFF show in the second octet. */
    if ((lead == 0xe0 && octets[1] < 0xa0) || (lead == 0xed && octets[1] > 0x9f) ||
        (lead == 0xf0 && octets[1] < 0x90) || (lead == 0xf4 && octets[1] > 0x8f))
        return 0;
    return wanted;
}

static bool has_8bit(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] >= 0x80)
            return true;
    }
    return false;
}

size_t utf8_fold(char *out, size_t size, const char *text, size_t length)
{
    size_t folded_length = size;
    uint8_t *folded;
    bool fits;

    if (!has_8bit(text, length) || u8_check((const uint8_t *)text, length) != NULL)
        return 0;
    folded = u8_casefold((const uint8_t *)text, length, NULL, NULL, (uint8_t *)out, &folded_length);
    fits = folded == (uint8_t *)out;
    if (!fits)
        free(folded); /* another buffer, since it is longer; or NULL */
    return fits ? folded_length : 0;
}
