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
    /* Octets of a field body. What comes after is ignored, and a mailbox that is not over by then
     * (by a comma, or the end of the field) is none. */
    SENDER_FIELD_MAX = 16384,
    SENDER_MAILBOXES_MAX = 100,     /* mailboxes of From that are compared with Sender */
    SENDER_COMMENT_DEPTH_MAX = 100, /* a deeper comment counts as unterminated */
    SENDER_ADDRESS_MAX = 511, /* octets of an address as written out; a longer one is no mailbox */
    SENDER_ADDRESS_SIZE = SENDER_ADDRESS_MAX + 1
};

/* from_field, sender_field: unfolded or folded field bodies as a milter gets them (folds are LF or
 * CRLF and white space); sender_field may be NULL. Chooses the mailbox of From: the one that Sender
 * names (its first) if it is among them, else the first. Writes it as local-part@domain, without
 * comments, white space and routes; the local part in quotes only where RFC 5322 needs them, the
 * domain as written, which may end in a dot or be a literal in brackets; no control characters.
 * False, with out untouched, if there is none. May be called from any thread.
 *
 * What is no mailbox is passed over, up to the next comma or semicolon outside of quotes, comments
 * and brackets. An address in angle brackets wins over all that stands around it; one without them
 * stands alone, but for comments. An address without @ is no mailbox, nor is one with an
 * unterminated angle, quote or comment at it. Octets from 0x80 are text, and passed on as they are;
 * encoded words are not decoded. */
bool sender_choose(const char *from_field, const char *sender_field, char out[SENDER_ADDRESS_SIZE]);

#endif
