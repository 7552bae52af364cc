/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The protocol by which Postfix (socketmap_table(5)) and Sendmail (the map class "socket") look up
 * a key: one netstring for the request, MAP SP KEY, and one for the reply. Pure.
 */
#ifndef MILTER_SOCKETMAP_H
#define MILTER_SOCKETMAP_H

#include <stddef.h>

enum {
    SOCKETMAP_REQUEST_MAX = 10000,                     /* octets; the limit of Postfix */
    SOCKETMAP_WHOLE_MAX = SOCKETMAP_REQUEST_MAX + 7,   /* with its length, colon and comma */
    SOCKETMAP_REPLY_MAX = 1024,                        /* octets of text */
    SOCKETMAP_WRITTEN_SIZE = SOCKETMAP_REPLY_MAX + 16, /* of the netstring, and NUL */
};

/* Both point into the octets that were read. They may hold any octet, NUL too, and end at their
 * length. The map ends before the first space. A request without a space is all map. */
struct socketmap_request {
    const char *map;
    size_t map_length;
    const char *key;
    size_t key_length; /* may be 0 */
    size_t size;       /* of the whole netstring */
};

/* Postfix answers 451 to PERM as it does to TEMP, so there is no PERM. */
enum socketmap_status {
    SOCKETMAP_OK,       /* the text is what the key maps to */
    SOCKETMAP_NOTFOUND, /* there is no such key, or no such map; the text is left out */
    SOCKETMAP_TEMP      /* it cannot be known now; the text says why, for the MTA's log */
};

struct socketmap_reply {
    enum socketmap_status status;
    char text[SOCKETMAP_REPLY_MAX + 1];
};

/* Who answers. Called in the server's thread, which does nothing else meanwhile: it must not wait
 * for anything slow. The reply is TEMP without a text beforehand. */
struct socketmap_handlers {
    void (*answer)(const char *map, size_t map_length, const char *key, size_t key_length,
                   struct socketmap_reply *reply);
};

enum socketmap_found {
    SOCKETMAP_INCOMPLETE, /* read again once there are more octets */
    SOCKETMAP_WHOLE,
    SOCKETMAP_MALFORMED /* whatever follows: where the next request begins cannot be known */
};

/* Looks for a request at the start of `count` octets. It is filled if it is whole. Malformed is
 * what is no netstring, an empty one, and one that is too long. */
enum socketmap_found socketmap_read(struct socketmap_request *request, const char *octets,
                                    size_t count);

/* Writes a reply as a netstring. Returns its length. */
size_t socketmap_write(char out[SOCKETMAP_WRITTEN_SIZE], const struct socketmap_reply *reply);

#endif
