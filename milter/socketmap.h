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

/* Map and key point into the octets that were read. They may hold any octet, even NUL, and are not
 * terminated. The first space ends the map; a request without a space has an empty key. */
struct socketmap_request {
    const char *map;
    size_t map_length;
    const char *key;
    size_t key_length; /* may be 0 */
    size_t size;       /* of the whole netstring */
};

/* There is no PERM: Postfix makes a 451 of it, as of TEMP. */
enum socketmap_status {
    SOCKETMAP_OK,       /* the text is what the key maps to */
    SOCKETMAP_NOTFOUND, /* there is no such key or no such map; there is no text */
    SOCKETMAP_TEMP      /* no one can tell now; the text says why, for the MTA's log */
};

struct socketmap_reply {
    enum socketmap_status status;
    char text[SOCKETMAP_REPLY_MAX + 1];
};

/* Answers a request. Called in the server's thread, which serves no one else meanwhile, so it must
 * not wait for anything slow. The reply is TEMP without a text until it is set. */
struct socketmap_handlers {
    void (*answer)(const char *map, size_t map_length, const char *key, size_t key_length,
                   struct socketmap_reply *reply);
};

enum socketmap_found {
    SOCKETMAP_INCOMPLETE, /* read again once there are more octets */
    SOCKETMAP_WHOLE,
    SOCKETMAP_MALFORMED /* whatever follows; no one can tell where the next request begins */
};

/* Looks for a request at the start of `count` octets, and fills it if it is whole. Malformed means
 * that it is not a netstring, or is empty or too long. */
enum socketmap_found socketmap_read(struct socketmap_request *request, const char *octets,
                                    size_t count);

/* Writes a reply as a netstring. Returns its length. */
size_t socketmap_write(char out[SOCKETMAP_WRITTEN_SIZE], const struct socketmap_reply *reply);

#endif
