/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/name.h"

enum { LABEL_MAX = 63, POINTER = 0xC0 };

struct reader {
    const unsigned char *octets;
    size_t length;
    size_t offset;
    size_t part;   /* where the octets since the last pointer began */
    size_t behind; /* the name, where it was found; 0 before the first pointer */
    size_t wire;   /* octets of the whole name */
    char *out;
};

static bool is_visible(unsigned char octet)
{
    return octet > ' ' && octet <= '~';
}

static char *write_octet(char *out, unsigned char octet)
{
    static const char digits[] = "0123456789ABCDEF";

    if (!is_visible(octet)) {
        *out++ = '\\';
        *out++ = 'x';
        *out++ = digits[octet >> 4];
        *out++ = digits[octet & 15];
        return out;
    }
    if (octet == '.' || octet == '\\')
        *out++ = '\\';
    *out++ = (char)(octet >= 'A' && octet <= 'Z' ? octet + ('a' - 'A') : octet);
    return out;
}

/* Each pointer leads to before the part that it ends, hence there are no loops. */
static bool follow_pointer(struct reader *reader)
{
    const unsigned char *at = reader->octets + reader->offset;
    size_t target;

    if (reader->length - reader->offset < 2)
        return false;
    target = (size_t)(at[0] & ~POINTER) << 8 | at[1];
    if (target >= reader->part)
        return false;
    if (reader->behind == 0)
        reader->behind = reader->offset + 2;
    reader->part = target;
    reader->offset = target;
    return true;
}

static bool read_label(struct reader *reader)
{
    size_t size = reader->octets[reader->offset];

    reader->wire += 1 + size;
    if (size > LABEL_MAX || size >= reader->length - reader->offset ||
        reader->wire >= NAME_WIRE_MAX)
        return false;
    if (reader->wire > 1 + size)
        *reader->out++ = '.';
    for (size_t i = 1; i <= size; i++)
        reader->out = write_octet(reader->out, reader->octets[reader->offset + i]);
    reader->offset += 1 + size;
    return true;
}

size_t name_read(const unsigned char *octets, size_t length, size_t offset,
                 char text[NAME_TEXT_SIZE])
{
    struct reader reader = {octets, length, offset, offset, 0, 0, text};

    while (reader.offset < length && octets[reader.offset] != 0) {
        if (octets[reader.offset] >= POINTER ? !follow_pointer(&reader) : !read_label(&reader))
            return 0;
    }
    if (reader.offset >= length)
        return 0;
    *reader.out = '\0';
    return reader.behind != 0 ? reader.behind : reader.offset + 1;
}

bool name_is_askable(const char *text)
{
    size_t length = 0, label = 0;

    for (; text[length] != '\0'; length++) {
        bool is_dot = text[length] == '.';
        if (!is_visible((unsigned char)text[length]) || text[length] == '\\' ||
            (is_dot ? label == 0 : label == LABEL_MAX))
            return false;
        label = is_dot ? 0 : label + 1;
    }
    return label > 0 && length + 2 <= NAME_WIRE_MAX;
}
