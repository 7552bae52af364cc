/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A configuration of Postfix as far as milters are concerned: which service connects to which, and
 * from where in the file system.
 */
#ifndef CTL_POSTFIX_H
#define CTL_POSTFIX_H

#include "ctl/socket_name.h"

#include "common/failure.h"

#include <stddef.h>

/* One service that connects to milters: an smtpd, or cleanup for the mail of sendmail(1). */
struct postfix_service {
    char *name;      /* "smtp/inet" */
    char *parameter; /* smtpd_milters or non_smtpd_milters */
    char *milters;   /* its value for this service */
    bool chrooted;
};

struct postfix {
    char *queue_directory;
    char *mail_owner; /* the user of these services */
    struct postfix_service *services;
    size_t count;
};

/* directory: of main.cf and master.cf; NULL for Postfix's own. Fails as postconf_read does. Reset
 * after success and failure. */
bool postfix_read(struct postfix *postfix, const char *directory, struct failure *why);
void postfix_reset(struct postfix *postfix);

/* The next milter in the value of a parameter; *cursor: at first the value, then where to go on.
 * False after the last, and for one that is too long. Pure, as all below. */
bool postfix_next_milter(const char **cursor, char milter[SOCKET_NAME_SIZE]);

/* Brings a unix socket to the path that it has for everybody else. */
void postfix_resolve(const struct postfix *postfix, const struct postfix_service *service,
                     struct socket_name *name);

/* How the service has to name the milter's socket. False if it cannot, being chrooted elsewhere:
 * then a socket that it could name is suggested. */
bool postfix_name(const struct postfix *postfix, const struct postfix_service *service,
                  const struct socket_name *ours, char out[SOCKET_NAME_SIZE]);

#endif
