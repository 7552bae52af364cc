/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Asks a socketmap server as an MTA does (socketmap_table(5)): a netstring for the question, MAP SP
 * KEY, and one for the reply.
 */
#ifndef CTL_MAP_CLIENT_H
#define CTL_MAP_CLIENT_H

#include "common/failure.h"

#include <stddef.h>

enum { MAP_CLIENT_TIMEOUT = 3000 /* milliseconds */, MAP_CLIENT_TEXT_MAX = 2048 };

enum map_client_status { MAP_CLIENT_OK, MAP_CLIENT_NOT_FOUND, MAP_CLIENT_TROUBLE };

struct map_client_reply {
    enum map_client_status status;
    char text[MAP_CLIENT_TEXT_MAX + 1]; /* what the key maps to, or what the trouble is */
};

enum map_client_found { MAP_CLIENT_INCOMPLETE, MAP_CLIENT_WHOLE, MAP_CLIENT_MALFORMED };

/* Reads a reply from the octets that came so far. Pure. */
enum map_client_found map_client_read(struct map_client_reply *reply, const char *octets,
                                      size_t count);

/* One question, over a connection that does not block. False: no reply, or none of this protocol.
 */
bool map_client_ask(int descriptor, const char *map, const char *key,
                    struct map_client_reply *reply, struct failure *why);

#endif
