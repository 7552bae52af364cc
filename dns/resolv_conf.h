/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The nameservers of the system: the lines `nameserver' of resolv.conf(5). They change while a
 * daemon runs: another network, a VPN, or a file that was still empty at boot.
 */
#ifndef DNS_RESOLV_CONF_H
#define DNS_RESOLV_CONF_H

#include "dns/resolver.h"
#include "dns/server.h"

#include <stdio.h>
#include <sys/stat.h>

struct resolv_conf {
    const char *path; /* the caller's */
    struct server servers[DNS_SERVERS_MAX];
    unsigned count;                 /* what is beyond the maximum is left out */
    char skipped[SERVER_TEXT_SIZE]; /* the first that is no nameserver, cut; "" if all are */
    struct stat seen;               /* the file, when it was read */
};

/* Reads the lines; the rest of what is in there counts for nothing. */
void resolv_conf_parse(struct resolv_conf *conf, FILE *in);

/* Reads the file. One that is missing has no nameservers. */
void resolv_conf_read(struct resolv_conf *conf, const char *path);

/* Do both say the same? */
bool resolv_conf_is_same(const struct resolv_conf *a, const struct resolv_conf *b);

/* Is it another file than the one that was read, or has that one been written since? */
bool resolv_conf_has_changed(const struct resolv_conf *conf);

#endif
