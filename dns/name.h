/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Domain names as a DNS message holds them (RFC 1035, 4.1.4). Reads octets from outside. Pure.
 */
#ifndef DNS_NAME_H
#define DNS_NAME_H

#include <stdbool.h>
#include <stddef.h>

enum {
    NAME_WIRE_MAX = 255,
    NAME_TEXT_SIZE = 4 * NAME_WIRE_MAX + 1 /* no octet takes more than \xC3 */
};

/* Reads the name that begins at offset. text: lower case, without the last dot, "" for the root; a
 * dot or a backslash inside a label as \. and \\, other octets than visible ASCII as \xC3, so that
 * no name looks like another one. Returns the offset behind the name, 0 for what is no name. */
size_t name_read(const unsigned char *octets, size_t length, size_t offset,
                 char text[NAME_TEXT_SIZE]);

/* Can such a text be asked for as it is? Not what is too long, nor with anything that needs an
 * escape. */
bool name_is_askable(const char *text);

#endif
