/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The mail filters of a sendmail.cf: which of them lead to this milter, and which daemon uses
 * which. From lines like
 *
 *     Xmailfrom, S=unix:/run/mailfrom-milter/milter.sock, F=T, T=C:10s
 *     O InputMailFilters=mailfrom
 *     O DaemonPortOptions=Name=MSA, Port=587, InputMailFilters=other;mailfrom
 */
#ifndef CTL_SENDMAIL_FILTER_H
#define CTL_SENDMAIL_FILTER_H

#include <stdio.h>

#include "ctl/socket_name.h"

enum { SENDMAIL_FILTERS_MAX = 8, SENDMAIL_DAEMONS_MAX = 32, SENDMAIL_LIST_SIZE = 256 };

/* One that leads to this milter. */
struct sendmail_filter {
    char name[64];
    char action[8]; /* F=: what happens while the milter is away; "" for none */
};

struct sendmail_daemon {
    char name[64];                 /* "MSA", or its port; "" where the file names no daemons */
    bool has_own;                  /* filters of its own, in place of those for all */
    char list[SENDMAIL_LIST_SIZE]; /* the filters that it uses */
    const struct sendmail_filter *filter; /* the one of them that is ours; NULL: none */
};

struct sendmail_filters {
    struct sendmail_filter list[SENDMAIL_FILTERS_MAX];
    size_t count;
    struct sendmail_daemon daemons[SENDMAIL_DAEMONS_MAX]; /* one at least */
    size_t daemon_count;
};

/* ours: the milter's socket. What is too much is left out. */
void sendmail_read_filters(struct sendmail_filters *filters, FILE *file,
                           const struct socket_name *ours);

#endif
