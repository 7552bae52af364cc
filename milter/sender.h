/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Which mailbox is a message from? Reads the From and Sender header fields (RFC 5322, 3.4, with
 * the obsolete forms of 4.4, and UTF-8 as of RFC 6532). Pure: no allocation, no state.
 */
#ifndef MILTER_SENDER_H
#define MILTER_SENDER_H

#include <stdbool.h>
#include <stddef.h>

enum {
    SENDER_FIELD_MAX =
        16384, /* octets of a field body that are read; what comes after is ignored */
    SENDER_MAILBOXES_MAX = 100, /* mailboxes of a From field that are compared with Sender */
    SENDER_COMMENT_DEPTH_MAX = 100,
    SENDER_ADDRESS_MAX = 511, /* octets of an address that is taken; a longer one is no mailbox */
    SENDER_ADDRESS_SIZE = SENDER_ADDRESS_MAX + 1
};

/* from, sender: unfolded or folded field bodies as a milter gets them (folds are LF or CRLF and
 * white space); sender may be NULL. Chooses the mailbox of From: the one that Sender names if it is
 * among them, else the first. Writes it as local-part@domain, without comments, white space and
 * routes; the local part in quotes only where RFC 5322 needs them. False if there is none. */
bool sender_choose(const char *from, const char *sender, char out[SENDER_ADDRESS_SIZE]);

#endif
