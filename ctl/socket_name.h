/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * How a milter's socket is called: by libmilter and Sendmail (inet:8899@127.0.0.1), and by Postfix
 * (inet:127.0.0.1:8899). Of the system it asks only where symbolic links lead.
 */
#ifndef CTL_SOCKET_NAME_H
#define CTL_SOCKET_NAME_H

#include <stdbool.h>

enum socket_kind { SOCKET_UNIX, SOCKET_INET, SOCKET_DESCRIPTOR };
enum {
    SOCKET_PATH_SIZE = 512, /* the system has a limit of 108 */
    SOCKET_HOST_SIZE = 256,
    SOCKET_PORT_SIZE = 32,
    SOCKET_NAME_SIZE = SOCKET_PATH_SIZE + 8
};

struct socket_name {
    enum socket_kind kind;
    char path[SOCKET_PATH_SIZE]; /* of a unix socket */
    char host[SOCKET_HOST_SIZE]; /* without brackets; "" for all addresses */
    char port[SOCKET_PORT_SIZE];
};

/* False for what is neither, or too long. */
bool socket_name_read(struct socket_name *name, const char *text);
bool socket_name_read_postfix(struct socket_name *name, const char *text);

/* As main.cf has it. A name without a host is reached at 127.0.0.1. */
void socket_name_for_postfix(const struct socket_name *name, char out[SOCKET_NAME_SIZE]);

/* Does the other name lead to the socket of the first? Symbolic links are followed. */
bool socket_name_leads_to(const struct socket_name *name, const struct socket_name *other);

/* The path without links on the way to its directory; as it is, if that is not there. */
enum { SOCKET_REAL_SIZE = 4096 + SOCKET_PATH_SIZE };
void socket_real_path(const char *path, char out[SOCKET_REAL_SIZE]);

bool socket_host_is_loopback(const char *host);

#endif
