/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A configuration of Sendmail, sendmail.cf, as far as mail for MAIL FROM domains is concerned.
 * Pure, but for the files that it names.
 */
#ifndef CTL_SENDMAIL_H
#define CTL_SENDMAIL_H

#include <stdio.h>

#include "ctl/match_list.h"
#include "ctl/socket_name.h"

/* What return-path.m4 puts into sendmail.cf. */
struct sendmail_return {
    bool looks_up;  /* recipients, in the map return or virtuser of mailfrom-milter */
    bool checks;    /* them in the map check */
    bool has_rules; /* of return-path.m4, whatever their maps are */
    char elsewhere[SOCKET_NAME_SIZE]; /* the socket of such a map that is not ours; "" for none */
};

/* Both read the file from its start. ours: the socket of the setting return-path.socket. */
void sendmail_read_return(struct sendmail_return *found, FILE *file,
                          const struct socket_name *ours);

/* Does Sendmail accept mail for the domain? That is what is in class w, VirtHost or R; what an
 * access map permits is not looked at. domain: canonical form. */
enum match sendmail_takes(FILE *file, const char *domain);

#endif
