/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/local_part.h"

#include <string.h>

static bool is_control(unsigned char octet)
{
    return octet < 0x20 || octet == 0x7f;
}

/* What needs no quotes: atext of RFC 5321 and RFC 6531. */
static bool is_atext(unsigned char octet)
{
    return octet >= 0x80 || (!is_control(octet) && strchr(" \"(),:;<>@[\\].", octet) == NULL);
}

static bool is_dot_atom(const char *text, size_t length)
{
    bool after_dot = true;

    for (size_t i = 0; i < length; i++) {
        if (text[i] == '.' ? after_dot : !is_atext((unsigned char)text[i]))
            return false;
        after_dot = text[i] == '.';
    }
    return !after_dot;
}

static size_t read_quoted(char *content, size_t *content_length, const char *text, size_t length)
{
    size_t used = 0;

    for (size_t i = 1; i < length; i++) {
        if (text[i] == '"') {
            *content_length = used;
            return i + 1;
        }
        if (text[i] == '\\' && ++i == length)
            return 0;
        if (used == LOCAL_PART_MAX)
            return 0;
        content[used++] = text[i];
    }
    return 0;
}

static size_t read_bare(char *content, size_t *content_length, const char *text, size_t length)
{
    size_t used = 0;

    while (used < length && text[used] != '@') {
        if (used == LOCAL_PART_MAX || (text[used] != '.' && !is_atext((unsigned char)text[used])))
            return 0;
        content[used] = text[used];
        used++;
    }
    *content_length = used;
    return used;
}

size_t local_part_read(char content[LOCAL_PART_MAX], size_t *content_length, const char *text,
                       size_t length)
{
    if (length > 0 && text[0] == '"')
        return read_quoted(content, content_length, text, length);
    return read_bare(content, content_length, text, length);
}

/* Into a buffer with room for two octets for each one of content, and for the quotes. */
static size_t write_quoted(char *out, const char *content, size_t length)
{
    size_t used = 0;

    out[used++] = '"';
    for (size_t i = 0; i < length; i++) {
        if (is_control((unsigned char)content[i]))
            return 0;
        if (content[i] == '"' || content[i] == '\\')
            out[used++] = '\\';
        out[used++] = content[i];
    }
    out[used++] = '"';
    return used;
}

size_t local_part_write(char out[LOCAL_PART_MAX], const char *content, size_t length)
{
    char quoted[2 * LOCAL_PART_MAX + 2];
    size_t used;

    if (length == 0 || length > LOCAL_PART_MAX)
        return 0;
    if (is_dot_atom(content, length)) {
        memcpy(out, content, length);
        return length;
    }
    used = write_quoted(quoted, content, length);
    if (used > LOCAL_PART_MAX)
        return 0;
    memcpy(out, quoted, used);
    return used;
}
