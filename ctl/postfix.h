/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A configuration of Postfix as far as milters and return paths are concerned: its services, what
 * each of them has for a parameter, and from where in the file system it connects to a socket.
 */
#ifndef CTL_POSTFIX_H
#define CTL_POSTFIX_H

#include "ctl/socket_name.h"

#include "common/failure.h"

#include <stddef.h>

/* A service of master.cf. */
struct postfix_service {
    char *name;    /* "smtp/inet" */
    char *command; /* "smtpd" */
    bool chrooted;
};

/* A parameter of main.cf, or of a service that has its own. */
struct postfix_value {
    char *service; /* "smtp/inet"; NULL for main.cf */
    char *parameter;
    char *text; /* with $names replaced */
};

struct postfix {
    char *directory; /* of main.cf and master.cf; NULL for Postfix's own */
    const char *queue_directory;
    const char *mail_owner; /* the user of most services */
    struct postfix_service *services;
    size_t count;
    struct postfix_value *values;
    size_t value_count;
};

/* directory: NULL for Postfix's own. Fails as postconf_read does. Reset after success and failure.
 */
bool postfix_read(struct postfix *postfix, const char *directory, struct failure *why);
void postfix_reset(struct postfix *postfix);

/* The value of a parameter for a service, NULL for main.cf alone; "" for none, and for one that
 * nobody here asks for. Pure, as all below. */
const char *postfix_value(const struct postfix *postfix, const struct postfix_service *service,
                          const char *parameter);

/* Has the service a value of its own? */
bool postfix_has_own(const struct postfix *postfix, const struct postfix_service *service,
                     const char *parameter);

/* The service of that name, "cleanup/unix"; NULL for none. */
const struct postfix_service *postfix_service(const struct postfix *postfix, const char *name);

/* The parameter with the milters of a service: smtpd_milters of an smtpd, non_smtpd_milters of
 * cleanup for the mail of sendmail(1). NULL for a service that connects to none. */
const char *postfix_milters(const struct postfix_service *service);

/* The next milter in the value of a parameter; *cursor: at first the value, then where to go on.
 * False after the last, and for one that is too long. */
bool postfix_next_milter(const char **cursor, char milter[SOCKET_NAME_SIZE]);

/* The next word of a list, by commas and spaces, but that { } hold together what is between them.
 * Returns NULL after the last; not terminated. */
const char *postfix_next_word(const char **cursor, size_t *length);

/* A socketmap: table, as in socketmap:unix:mailfrom-milter/return.sock:check. */
struct postfix_map {
    struct socket_name socket;
    char name[64];                   /* "check" */
    char text[SOCKET_NAME_SIZE * 2]; /* all of it */
    bool proxied;                    /* proxymap connects to it */
};

/* The next one in a value, also inside of pipemap:{ } and the like. */
bool postfix_next_map(const char **cursor, struct postfix_map *map);

/* Brings a unix socket to the path that it has for everybody else. */
void postfix_resolve(const struct postfix *postfix, const struct postfix_service *service,
                     struct socket_name *name);

/* How the service has to name a socket of ours. False if it cannot, being chrooted elsewhere: then
 * a socket that it could name is suggested, mailfrom-milter/FILE in the queue directory. */
bool postfix_name(const struct postfix *postfix, const struct postfix_service *service,
                  const struct socket_name *ours, const char *file, char out[SOCKET_NAME_SIZE]);

#endif
