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

/* A way in for mail that is new, and who brings it to the milters: an smtpd does it itself, for
 * pickup (sendmail(1)) and qmqpd their cleanup service does. */
struct postfix_listener {
    const struct postfix_service *service;
    const struct postfix_service *connects; /* whose chroot counts */
    const char *parameter;                  /* with its milters: smtpd_milters, non_smtpd_milters */
};

/* Is the service one? *listener means nothing if not. */
bool postfix_listens(const struct postfix *postfix, const struct postfix_service *service,
                     struct postfix_listener *listener);

/* A milter in the value of such a parameter, with those of its options in { } that count here. */
struct postfix_milter {
    char name[SOCKET_NAME_SIZE];
    char default_action[32]; /* "" for none of its own */
    char protocol[32];
};

/* The next one; *cursor: at first the value, then where to go on. False after the last, and for one
 * that is too long. */
bool postfix_next_milter(const char **cursor, struct postfix_milter *milter);

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

/* Does the name, resolved, lead to a socket of ours? Out of its chroot no link leads. */
bool postfix_leads_to(const struct postfix *postfix, const struct postfix_service *service,
                      const struct socket_name *ours, const struct socket_name *name);

/* How the service has to name a socket of ours. False if it cannot, being chrooted elsewhere: then
 * a socket that it could name is suggested, mailfrom-milter/FILE in the queue directory. */
bool postfix_name(const struct postfix *postfix, const struct postfix_service *service,
                  const struct socket_name *ours, const char *file, char out[SOCKET_NAME_SIZE]);

#endif
